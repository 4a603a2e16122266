import type { Transport } from './machine.js'

/** Headers, or what gives them anew for every request, such as a fresh token. */
export type HeadersSource = HeadersInit | (() => HeadersInit | Promise<HeadersInit>)

export interface RequestSettings {
  readonly url: string
  readonly method: string
  readonly body?: BodyInit | undefined
  readonly credentials: RequestCredentials
  /** The query parameter that takes the cursor, where the header must not. */
  readonly cursorParameter?: string | undefined
}

export interface RequestPlace {
  readonly cursor: string
  /** Where the stream of a request that was answered continues. */
  readonly resumeUrl?: string | undefined
  /** The `Idempotency-Key` of the attempts before. */
  readonly key?: string | undefined
  readonly transport: Transport
  /** Seconds that the server may hold a page back until there is something new; 0: none. */
  readonly wait: number
}

export interface PlannedRequest {
  readonly url: string
  readonly init: RequestInit & { readonly headers: Headers; readonly duplex?: 'half' }
}

/**
 * The next request: the given one, or the GET that continues its stream (PROTOCOL.md §4.1, §7.3).
 *
 * @throws TypeError where a header's name or value is not one.
 */
export function planRequest(
  { url, method, body, credentials, cursorParameter }: RequestSettings,
  headersInit: HeadersInit | undefined,
  { cursor, resumeUrl, key, transport, wait }: RequestPlace,
): PlannedRequest {
  const headers = new Headers(headersInit)
  // What begins a stream may be answered by a description of it, which says where the stream is.
  const begins = method !== 'GET' && !resumeUrl ? ', */*;q=0.1' : ''
  headers.set('accept', (transport === 'poll' ? 'application/json' : 'text/event-stream') + begins)
  if (key) headers.set('idempotency-key', key)
  if (wait) headers.set('prefer', `wait=${wait}`)
  const target = new URL(resumeUrl ?? url)
  if (cursorParameter) {
    if (cursor) target.searchParams.set(cursorParameter, cursor)
  } else {
    const value = encodeHeaderValue(cursor)
    if (sendable.test(value)) headers.set('last-event-id', value)
  }
  // A request that has no body says nothing about one ("request-body-header name", Fetch standard).
  if (resumeUrl) for (const name of [...headers.keys()]) if (name.startsWith('content-')) headers.delete(name)
  return {
    url: target.href,
    init: {
      method: resumeUrl ? 'GET' : method,
      headers,
      cache: 'no-store',
      credentials,
      // `duplex` means something only for a stream, and fetch insists on it there.
      ...(!resumeUrl && body != null && { body, duplex: 'half' }),
    },
  }
}

/**
 * Where the stream of a request that must not be repeated continues: the answer's `Content-Location`, or the `Location` of what it
 * created (201). One of another origin is not taken: the caller's headers, with their credentials, were meant for this one.
 */
export function locationOf({ headers, status, url }: Response, requestUrl: string): string | undefined {
  const location = headers.get('content-location') ?? (status === 201 && headers.get('location'))
  try {
    const target = new URL(location || '', url || requestUrl)
    // Also after a redirect: fetch does not take credentials along either.
    return location && target.origin === new URL(requestUrl).origin ? target.href : undefined
  } catch {
    return undefined
  }
}

/** What arrives as it was sent: no control characters, no space at either end, where it would be cut off, and not more than servers take. */
const sendable = /^[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]{0,8190}[\x21-\x7e\x80-\xff])?$/

/** "The last event ID, encoded as UTF-8" (HTML standard §9.2.3): fetch takes a header's bytes as one character each. */
function encodeHeaderValue(id: string): string {
  return Array.from(new TextEncoder().encode(id), (byte) => String.fromCharCode(byte)).join('')
}
