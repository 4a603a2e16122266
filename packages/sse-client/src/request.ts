/** Headers, or what gives them anew for every request, such as a fresh token. */
export type HeadersSource = HeadersInit | (() => HeadersInit | Promise<HeadersInit>)

export interface RequestSettings {
  readonly url: string
  readonly method: string
  readonly body: BodyInit | undefined
  readonly credentials: RequestCredentials
}

export interface PlannedRequest {
  readonly url: string
  readonly init: RequestInit & { readonly duplex?: 'half' }
}

/** A request that has no body says nothing about one ("request-body-header name", Fetch standard). */
const bodyHeaders = ['content-encoding', 'content-language', 'content-location', 'content-type']

/**
 * The next request: the given one, or the GET that continues its stream (PROTOCOL.md §4.1).
 *
 * @throws TypeError where a header's name or value is not one.
 */
export function planRequest(
  settings: RequestSettings,
  headersInit: HeadersInit | undefined,
  cursor: string,
  resumeUrl: string | undefined,
): PlannedRequest {
  const headers = new Headers(headersInit)
  headers.set('accept', 'text/event-stream')
  const lastEventId = encodeHeaderValue(cursor)
  if (lastEventId !== undefined) headers.set('last-event-id', lastEventId)
  const resuming = resumeUrl !== undefined
  if (resuming) for (const name of bodyHeaders) headers.delete(name)
  const body = resuming ? undefined : settings.body
  return {
    url: resumeUrl ?? settings.url,
    init: {
      method: resuming ? 'GET' : settings.method,
      headers,
      cache: 'no-store',
      credentials: settings.credentials,
      ...(body === undefined ? undefined : { body }),
      ...(globalThis.ReadableStream && body instanceof ReadableStream ? { duplex: 'half' as const } : undefined),
    },
  }
}

/**
 * Where the stream of an answered request continues: its `Content-Location`. One of another origin is not taken: the caller's
 * headers, with their credentials, were meant for this one.
 */
export function resumeUrlOf(response: Response, requestUrl: string): string | undefined {
  const location = response.headers.get('content-location')
  if (location === null) return undefined
  try {
    const base = new URL(response.url || requestUrl)
    const url = new URL(location, base)
    return url.origin === base.origin ? url.href : undefined
  } catch {
    return undefined
  }
}

/** What arrives as it was sent: no control characters, and no space at either end, where it would be cut off. */
const sendable = /^[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/

/** "The last event ID, encoded as UTF-8" (HTML standard §9.2.3): fetch takes a header's bytes as one character each. */
function encodeHeaderValue(id: string): string | undefined {
  let value = ''
  for (const byte of new TextEncoder().encode(id)) value += String.fromCharCode(byte)
  return sendable.test(value) ? value : undefined
}
