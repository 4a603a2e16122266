import { EventStreamParser, type LimitError, type ParsedEvent } from '@x/sse-protocol'
import { type Answer, judgeAnswer } from './answer.js'
import { type Clock, startTimer } from './clock.js'
import type { Drop } from './machine.js'
import { type HeadersSource, type PlannedRequest, planRequest, type RequestSettings, resumeUrlOf } from './request.js'

/** Everything that a connection tells. After `ended`, `refused` and `dropped` it tells nothing more. */
export type Report =
  /** The request is on its way. */
  | { readonly type: 'sent' }
  | { readonly type: 'opened'; readonly resumeUrl: string | undefined }
  | { readonly type: 'retry'; readonly reconnectionTime: number }
  | { readonly type: 'event'; readonly event: ParsedEvent }
  /** All events of a chunk were told. */
  | { readonly type: 'settled'; readonly lastEventId: string }
  | Exclude<Answer, { readonly type: 'open' }>

export interface ConnectionOptions {
  readonly request: RequestSettings
  readonly headers: HeadersSource | undefined
  readonly cursor: string
  readonly resumeUrl: string | undefined
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly clock: Clock
  /** Milliseconds until the answer must have come. */
  readonly connectTimeout: number
  /** Milliseconds until the first byte must have come; 0: whenever it likes. */
  readonly firstByteTimeout: number
  /** Milliseconds without a byte after which the connection counts as dead; 0: never. */
  readonly silence: number
  readonly report: (report: Report) => void
  /** Asked after each event: what to wait for before the next one, if anything. */
  readonly room: () => Promise<void> | undefined
}

/** One request and the reading of its answer. Knows HTTP, bytes and timeouts, and nothing of what the events mean. */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #controller = new AbortController()
  #body: { cancel(): Promise<void> } | undefined
  #closed = false
  #stopTimer: () => void = () => {}
  #silence: number
  #lastByteAt = 0
  /** The consumer is slow, so that nobody reads: silence then says nothing about the server. */
  #paused = false

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#silence = options.silence
    void this.#run()
  }

  /** Nothing is reported from here on, not even the rest of a chunk. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stopTimer()
    this.#controller.abort()
    this.#body?.cancel().catch(() => {})
  }

  /** Milliseconds without a byte after which the connection counts as dead; 0: never. */
  set silence(silence: number) {
    if (this.#closed || silence === this.#silence) return
    this.#silence = silence
    this.#watch()
  }

  async #run(): Promise<void> {
    let answered = false
    this.#startTimer(this.#options.connectTimeout, () => {
      // An answer whose problem document does not come is told without it.
      if (answered) this.#controller.abort()
      else this.#drop({ reason: 'timeout' })
    })
    const request = await this.#plan()
    if (!request) return
    this.#options.report({ type: 'sent' })
    if (this.#closed) return
    let response: Response
    try {
      response = await this.#options.fetch(request.url, { ...request.init, signal: this.#controller.signal })
    } catch (error) {
      this.#drop({ reason: 'network', error })
      return
    }
    if (this.#closed) {
      response.body?.cancel().catch(() => {})
      return
    }
    answered = true
    if (response.body) this.#body = response.body
    const answer = await judgeAnswer(response)
    if (this.#closed) return
    if (answer.type !== 'open') return this.#finish(answer)
    this.#stopTimer()
    const reader = response.body?.getReader()
    if (reader) this.#body = reader
    this.#options.report({ type: 'opened', resumeUrl: resumeUrlOf(response, request.url) })
    if (this.#closed) return
    if (reader) await this.#read(reader)
    else this.#drop({ reason: 'end' })
  }

  async #plan(): Promise<PlannedRequest | undefined> {
    const { headers, request, cursor, resumeUrl } = this.#options
    let headersInit: HeadersInit | undefined
    try {
      // In a turn of its own, and a rejection if it throws: the caller's code never runs inside open().
      headersInit = await Promise.resolve().then(() => (typeof headers === 'function' ? headers() : headers))
    } catch (error) {
      this.#drop({ reason: 'network', error })
    }
    if (this.#closed) return undefined
    try {
      return planRequest(request, headersInit, cursor, resumeUrl)
    } catch (cause) {
      this.#fail('The request cannot be made', cause)
      return undefined
    }
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const { report, room, clock, cursor, firstByteTimeout } = this.#options
    const parser = new EventStreamParser({ onRetry: (reconnectionTime) => report({ type: 'retry', reconnectionTime }) })
    parser.reset({ lastEventId: cursor })
    this.#lastByteAt = clock.now()
    if (this.#silence > 0) this.#watch()
    else if (firstByteTimeout > 0) this.#startTimer(firstByteTimeout, () => this.#drop({ reason: 'silence' }))
    for (let first = true; ; first = false) {
      let events: readonly ParsedEvent[]
      let excess: LimitError | undefined
      try {
        const { done, value } = await reader.read()
        if (this.#closed) return
        if (done) return this.#drop({ reason: 'end' })
        this.#lastByteAt = clock.now()
        if (first && this.#silence === 0) this.#stopTimer()
        events = parser.push(value)
      } catch (error) {
        if (!(error instanceof RangeError && 'events' in error)) return this.#drop({ reason: 'network', error })
        excess = error as LimitError
        events = excess.events
      }
      for (const event of events) {
        report({ type: 'event', event })
        if (this.#closed) return
        const waiting = room()
        if (!waiting) continue
        this.#paused = true
        await waiting
        if (this.#closed) return
        this.#paused = false
        this.#lastByteAt = clock.now()
      }
      report({ type: 'settled', lastEventId: parser.lastEventId })
      // The next connection would bring it again.
      if (excess) return this.#fail('The stream has a line or an event that is too large', excess)
    }
  }

  /** One timer for the whole silence, not one for each chunk: it looks at the last byte's time when it fires. */
  #watch(): void {
    this.#stopTimer()
    if (this.#silence <= 0) return
    const { clock } = this.#options
    this.#startTimer(Math.max(1, this.#lastByteAt + this.#silence - clock.now()), () => {
      if (this.#paused) this.#lastByteAt = clock.now()
      if (clock.now() - this.#lastByteAt >= this.#silence) this.#drop({ reason: 'silence' })
      else this.#watch()
    })
  }

  #startTimer(delay: number, callback: () => void): void {
    this.#stopTimer()
    if (delay > 0 && delay !== Infinity) this.#stopTimer = startTimer(this.#options.clock, delay, callback)
  }

  #fail(message: string, cause: unknown): void {
    this.#finish({ type: 'refused', failure: { code: 'failed', message, cause } })
  }

  #drop(drop: Drop): void {
    this.#finish({ type: 'dropped', drop })
  }

  #finish(report: Report): void {
    if (this.#closed) return
    this.close()
    this.#options.report(report)
  }
}
