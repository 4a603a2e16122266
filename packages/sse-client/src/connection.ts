import { EventStreamParser, type ParsedEvent } from '@x/sse-protocol'
import { judgeAnswer, reject } from './answer.js'
import type { Clock } from './clock.js'
import { parsePage } from './event-page.js'
import type { Drop, Input, Policy, Transport } from './machine.js'
import { refreshOnce } from './refresh.js'
import { type HeadersSource, locationOf, type PlannedRequest } from './request.js'
import type { StatusPolicy } from './status-policy.js'
import { startWatch } from './watch.js'

/** Seconds that a server is asked to hold back a page that would be empty. */
const pageWait = 20
const maxPageBytes = 3 * 2 ** 23
/** Comments at a shorter distance are no heartbeat. */
const shortestCadence = 1_000
const unmakeable = 'The request cannot be made'

export interface ConnectionOptions {
  readonly headers: HeadersSource | undefined
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly clock: Clock
  readonly statuses: StatusPolicy
  readonly maxEventBytes: number
  /** Milliseconds until the answer must have come; 0: whenever it likes. */
  readonly connectTimeout: number
  /** Whether the server speaks first (PROTOCOL.md §4.4), so that `connectTimeout` holds for the first byte too. */
  readonly events: unknown
  /** `initial`: milliseconds between two requests for pages that bring nothing. */
  readonly retry: Pick<Policy, 'initial' | 'transport'>
  readonly refresh: (() => unknown) | undefined
  readonly resume: ((response: Response) => string | URL | undefined) | undefined
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
  /** A page was read, with the cursor for the next one. */
  seed(lastEventId: string, hasGap: boolean): void
  /** What to wait for before the next event, if anything. */
  room(): Promise<void> | undefined
}

/**
 * Makes one request and reads its answer, or one after the other where the answers are pages. Knows HTTP, bytes and timeouts, and
 * nothing of what the events mean. Returns what closes it; from then on nothing is told, not even the rest of a chunk.
 */
export function connect(options: ConnectionOptions, hooks: ConnectionHooks): () => void {
  const { headers, fetch, clock, connectTimeout, refresh } = options
  const controller = new AbortController()
  let closed = false
  let isOpen = false
  let address = ''
  let body: { cancel(): Promise<void> } | null | undefined
  const release = (): void => void body?.cancel().catch(() => {})
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
    for (;;) {
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
      const { method, headers: sent } = request.init
      address = request.url
      tell({ type: 'sent', key: sent.get('idempotency-key') ?? undefined })
      if (closed) return
      const began = clock.now()
      const response = await fetch(request.url, { ...request.init, signal: controller.signal })
      body = response.body
      if (closed) return release()
      if (response.status === 401 && refresh && !hasRefreshed) {
        hasRefreshed = true
        release()
        tell({ type: 'unsent' })
        await refreshOnce(refresh)
        continue
      }
      // An answer whose problem document does not come is told without it.
      watch.expect(connectTimeout, release)
      // To a GET, such a header may name one of several representations.
      const resumeUrl = options.resume?.(response) ?? (method === 'GET' ? undefined : locationOf(response, request.url))
      const answer = await judgeAnswer(response, options.statuses, options.retry.transport, (maxBytes) =>
        readText(response, maxBytes),
      )
      const isStream = answer === 'sse'
      // The work was begun, and the answer says where its stream is.
      const isStart = method !== 'GET' && response.ok && resumeUrl && !isStream
      if (typeof answer !== 'string' && !isStart) return tell(answer)
      const transport = isStart ? undefined : (answer as Transport)
      if (!isOpen) tell({ type: 'opened', transport, resumeUrl: resumeUrl && `${resumeUrl}` })
      isOpen = true
      if (closed) return
      if (isStream) return readStream(response)
      if (isStart) {
        release()
        continue
      }
      watch.expect(connectTimeout, () => drop({ reason: 'timeout' }))
      const before = hooks.cursor()
      const page = parsePage(await readText(response, maxPageBytes))
      if (closed) return
      if (!page) return tell(reject(200, 'Expected an event stream or a page of events'))
      await deliver(page.events)
      if (closed) return
      hooks.seed(page.lastEventId, page.hasGap)
      if (page.isLast) return tell({ type: 'finished' })
      hasRefreshed = false
      const isHeld = wait > 0
      wait = pageWait
      const rest = began + options.retry.initial - clock.now()
      // A server that does not hold its answers back is not to be asked without a pause.
      if (isHeld && hooks.cursor() === before && rest > 0) await new Promise<void>((go) => watch.expect(rest, go))
    }
  }

  async function readStream(response: Response): Promise<void> {
    // `null` is an empty body; where fetch cannot stream, there is no such property.
    if (response.body === undefined) return drop({ reason: 'unstreamable' })
    const reader = response.body?.getReader()
    if (!reader) return drop({ reason: 'end' })
    body = reader
    let commentAt: number
    let cadence: number
    const parser = new EventStreamParser({
      maxEventBytes: options.maxEventBytes,
      maxLineBytes: Math.max(options.maxEventBytes + 8, maxPageBytes),
      onRetry: (reconnectionTime) => tell({ type: 'retry', reconnectionTime }),
      onComment: () => {
        const distance = clock.now() - commentAt
        // Twice the same distance is a rhythm.
        if (distance >= shortestCadence && Math.abs(distance - cadence) < distance / 4) hooks.learn(distance)
        commentAt = clock.now()
        cadence = distance
      },
    })
    parser.reset({ lastEventId: hooks.cursor() })
    let silence = hooks.silence()
    const firstByteTimeout = options.events ? connectTimeout : 0
    const onSilence = (): void => drop({ reason: 'silence' })
    if (firstByteTimeout) watch.expect(firstByteTimeout, () => drop({ reason: 'mute' }))
    else watch.expect(silence, onSilence)
    for (let isFirst = true; ; isFirst = false) {
      const { done, value } = await reader.read()
      if (closed) return
      if (done) return drop({ reason: 'end' })
      watch.touch()
      let events: readonly ParsedEvent[]
      let excess: unknown
      try {
        events = parser.push(value)
      } catch (error) {
        excess = error
        events = (error as { events?: ParsedEvent[] }).events ?? []
      }
      await deliver(events)
      if (closed) return
      hooks.settle(parser.lastEventId)
      // The next connection would bring it again.
      if (excess) return fail('The stream has a line or an event that is too large', excess)
      if (isFirst || silence !== hooks.silence()) {
        silence = hooks.silence()
        watch.expect(silence, onSilence)
      }
    }
  }

  async function deliver(events: readonly ParsedEvent[]): Promise<void> {
    for (const event of events) {
      hooks.read(event)
      if (closed) return
      const room = hooks.room()
      if (!room) continue
      watch.paused = true
      await room
      watch.paused = false
      watch.touch()
      if (closed) return
    }
  }

  async function readText(response: Response, maxBytes: number): Promise<string> {
    if (!response.body) return response.text()
    const decoder = new TextDecoder()
    const reader = response.body.getReader()
    body = reader
    let text = ''
    for (let bytes = 0; ; ) {
      const { done, value } = await reader.read()
      if (done) return text
      bytes += value.byteLength
      if (bytes > maxBytes) throw new RangeError(`Expected at most ${maxBytes} bytes`)
      text += decoder.decode(value, { stream: true })
    }
  }

  run().catch((error: unknown) => {
    // What fetch cannot ask at all it will not be able to ask later.
    if (isOpen || /^(https?:|$)/.test(address)) drop({ reason: 'network', error })
    else fail(unmakeable, error)
  })
  return () => {
    if (closed) return
    closed = true
    watch.stop()
    controller.abort()
    release()
  }
}
