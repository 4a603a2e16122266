import type { ParsedEvent } from '@x/sse-protocol'
import { judgeAnswer, reject } from './answer.js'
import { readText } from './body-text.js'
import type { Clock } from './clock.js'
import { parsePage } from './event-page.js'
import type { Drop, Input, Policy } from './machine.js'
import { forgetRefresh, refreshOnce } from './refresh.js'
import { type HeadersSource, locationOf, type PlannedRequest } from './request.js'
import type { StatusPolicy } from './status-policy.js'
import { readStream } from './stream-body.js'
import { startWatch } from './watch.js'

/** Seconds that a server is asked to hold back a page that would be empty. */
const pageWait = 20
/** Milliseconds: no server is to be asked for pages faster than this without need. */
const shortestPause = 100
const tooLarge = 'The stream has a line, an event or a page that is too large'
const unmakeable = 'The request cannot be made'

export interface ConnectionOptions {
  readonly headers?: HeadersSource | undefined
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly clock: Clock
  readonly statuses: StatusPolicy
  readonly maxEventBytes: number
  /** Milliseconds until the answer must have come; 0: whenever it likes. */
  readonly connectTimeout: number
  /** Whether the server speaks first (PROTOCOL.md §4.4), so that `connectTimeout` holds for the first byte too. */
  readonly events: unknown
  /** `initial`: milliseconds between two requests for pages that bring nothing. */
  readonly policy: Pick<Policy, 'initial' | 'transport'>
  readonly refresh?: (() => unknown) | undefined
  readonly resume?: ((response: Response) => string | URL | null | undefined) | undefined
}

/** What a connection asks, and whom it tells. */
export interface ConnectionHooks {
  /** The next request; `undefined` where none may be made. @throws TypeError where it cannot be made. */
  plan(headers: HeadersInit | undefined, wait: number): PlannedRequest | undefined
  cursor(): string
  /** Milliseconds without a byte after which the connection counts as dead; 0: never. */
  silence(): number
  /** Comments come at this distance, in milliseconds. */
  learn(interval: number): void
  tell(input: Input): void
  read(event: ParsedEvent): void
  /** All events of a chunk were read. */
  settle(lastEventId: string): void
  /** A page came: the server speaks this protocol. */
  speak(): void
  /** The cursor for the next page. */
  seed(lastEventId: string): void
  /** What to wait for before the next event, if anything. */
  room(): Promise<void> | undefined
}

/**
 * Makes one request and reads its answer, or one after the other where the answers are pages. Knows HTTP, bytes and timeouts, and
 * nothing of what the events mean. Returns what closes it; from then on nothing is told, not even the rest of a chunk.
 */
export function connect(options: ConnectionOptions, hooks: ConnectionHooks): () => void {
  const { headers, fetch, clock, connectTimeout, refresh } = options
  let controller: AbortController | undefined
  // What holds for a stream's event holds for its line, and for a page.
  const maxBytes = Math.max(options.maxEventBytes + 8, 3 * 2 ** 23)
  let closed = false
  let address = ''
  let body: { cancel(): Promise<void> } | null | undefined
  // The body of another `fetch` may be of any kind.
  const release = async (): Promise<void> => {
    try {
      await body?.cancel()
    } catch {}
  }
  const tell = (input: Input): void => {
    if (!closed) hooks.tell(input)
  }
  const drop = (drop: Drop): void => tell({ type: 'dropped', drop })
  const watch = startWatch(clock, () => drop({ reason: 'sleep' }))
  const fail = (message: string, cause: unknown): void =>
    tell({ type: 'failed', failure: { code: 'failed', message, cause } })

  async function run(): Promise<void> {
    // The caller's code never runs inside open().
    await undefined
    let wait = 0
    let hasRefreshed = false
    while (!closed) {
      watch.expect(connectTimeout && connectTimeout + wait * 1_000, () => drop({ reason: 'timeout' }))
      const headersInit = typeof headers === 'function' ? await headers() : headers
      if (closed) return
      let request: PlannedRequest | undefined
      try {
        request = hooks.plan(headersInit, wait)
      } catch (cause) {
        return fail(unmakeable, cause)
      }
      if (!request) return drop({ reason: 'end' })
      const { url, init } = request
      const { method, headers: sent } = init
      address = url
      // A stream as a body is used up.
      const isUsedUp = globalThis.ReadableStream && init.body instanceof ReadableStream
      tell({ type: 'sent', key: (!isUsedUp && sent.get('idempotency-key')) || undefined })
      if (closed) return
      const began = clock.now()
      // One for each request: what platforms add to a signal would grow with their number.
      controller = new AbortController()
      const response = await fetch(url, { ...init, signal: controller.signal })
      body = response.body
      if (closed) return release()
      if (response.status === 401 && refresh && !hasRefreshed) {
        hasRefreshed = true
        release()
        tell({ type: 'unsent' })
        const call = refreshOnce(refresh)
        watch.expect(connectTimeout, () => {
          forgetRefresh(refresh, call)
          drop({ reason: 'timeout' })
        })
        await call
        continue
      }
      hasRefreshed = false
      // An answer whose problem document does not come is told without it.
      watch.expect(connectTimeout, release)
      let resumeUrl: string | undefined
      try {
        if (response.ok && response.status !== 204) resumeUrl = resumeUrlOf(response, method, url)
      } catch (cause) {
        return fail('The stream cannot be resumed where `resume` says', cause)
      }
      const answer = await judgeAnswer(response, options.statuses, options.policy.transport, clock.now(), (maxBytes) =>
        textOf(response, maxBytes),
      )
      // The work was begun, and the answer only says where its stream is.
      const begun = method === 'GET' || resumeUrl === undefined ? undefined : ({ type: 'begun', resumeUrl } as const)
      if (typeof answer !== 'string') {
        tell(response.ok && begun ? begun : answer)
        release()
        continue
      }
      if (answer === 'sse') {
        tell({ type: 'opened', transport: answer, resumeUrl })
        if (closed) return
        // `null` is an empty body; where fetch cannot stream, there is no such property, or something else in it.
        if (response.body === null) return drop({ reason: 'end' })
        if (!response.body?.getReader) return drop({ reason: 'unstreamable' })
        const reader = response.body.getReader()
        body = reader
        const excess = await readStream(reader, { ...options, maxBytes }, hooks, { watch, tell, deliver })
        // The next connection would bring it again.
        return excess ? fail(tooLarge, excess) : drop({ reason: 'end' })
      }
      watch.expect(connectTimeout, () => drop({ reason: 'timeout' }))
      const before = hooks.cursor()
      const text = await textOf(response, maxBytes)
      if (closed) return
      if (text === undefined) return fail(tooLarge, undefined)
      const page = parsePage(text)
      if (!page) {
        tell(begun ?? reject(200, 'Expected an event stream or a page of events'))
        continue
      }
      if (page.events.some(({ data }) => data.length > options.maxEventBytes)) return fail(tooLarge, undefined)
      tell({ type: 'opened', transport: answer, resumeUrl })
      tell({ type: 'heard' })
      if (closed) return
      hooks.speak()
      if (!(await deliver(page.events))) return
      // Else the cursor is that of the last event; a gap that it does not pass would be told again without end.
      if (page.hasGap || !hooks.cursor()) hooks.seed(page.lastEventId)
      if (page.isLast) return tell({ type: 'finished' })
      const isHeld = wait > 0
      wait = pageWait
      const rest = began + Math.max(options.policy.initial, shortestPause) - clock.now()
      // A server that does not hold its answers back is not to be asked without a pause.
      if (((isHeld && hooks.cursor() === before) || page.hasGap) && rest > 0)
        await new Promise<void>((go) => watch.expect(rest, go))
    }
  }

  /** Returns whether the connection is still wanted. */
  async function deliver(events: readonly ParsedEvent[]): Promise<boolean> {
    for (const event of events) {
      if (closed) return false
      hooks.read(event)
      const room = closed ? undefined : hooks.room()
      if (!room) continue
      watch.paused = true
      await room
      watch.paused = false
      watch.touch()
    }
    return !closed
  }

  /** Of a `fetch` without streaming bodies, all of it. */
  function textOf(response: Response, maxBytes: number): Promise<string | undefined> {
    if (!response.body?.getReader) return response.text()
    const reader = response.body.getReader()
    body = reader
    return readText(reader, maxBytes, watch.touch)
  }

  /** To a GET, a `Content-Location` may name one of several representations. */
  function resumeUrlOf(response: Response, method: string | undefined, url: string): string | undefined {
    const given = options.resume?.(response)
    if (given != null) return new URL(given, response.url || url).href
    return method === 'GET' ? undefined : locationOf(response, url)
  }

  run().catch((error: unknown) => {
    // What fetch cannot ask at all it will not be able to ask later.
    if (/^(https?:|$)/.test(address)) drop({ reason: 'network', error })
    else fail(unmakeable, error)
  })
  return () => {
    if (closed) return
    closed = true
    watch.stop()
    controller?.abort()
    release()
  }
}
