import { type EventId, encodeRetry } from '@x/sse-protocol'
import { preferredType } from './accept.js'
import type { Slot } from './admission.js'
import { Connection, type ConnectionSetup } from './connection.js'
import type { RefuseReason } from './counters.js'
import type { Exchange } from './exchange.js'
import { type Problem, problemHeaders, problemText } from './problem.js'
import { jitter } from './random.js'
import { allowMethods, notAcceptable, refusals } from './refusals.js'
import { readCursor } from './request-cursor.js'
import { corsHeaders, joinHeaders, preflightHeaders, streamHeaders } from './response-headers.js'
import type { ServerCore } from './server-core.js'
import { RefuseEvent } from './server-events.js'

type Headers = Readonly<Record<string, string>>

const streamType = 'text/event-stream'

/** Receives one request: reads its headers, finds it a place or refuses it, and connects it to a stream. */
export class Reception {
  readonly core: ServerCore
  readonly exchange: Exchange
  readonly #types: readonly string[]
  readonly #extra: Headers
  readonly #cors: Headers
  #isStream = true
  #cursor: EventId | undefined
  #slot: Slot | undefined

  /**
   * @param types media types that there is an answer in
   * @param extra headers of a successful answer
   */
  constructor(core: ServerCore, exchange: Exchange, types: readonly string[], extra: Headers) {
    this.core = core
    this.exchange = exchange
    this.#types = types
    this.#extra = extra
    this.#cors = corsHeaders(core.settings.cors, exchange.header('origin'))
  }

  /** Whether an event stream is wanted, and not a page. */
  get isStream(): boolean {
    return this.#isStream
  }

  get isHead(): boolean {
    return this.exchange.method === 'HEAD'
  }

  get cursor(): EventId | undefined {
    return this.#cursor
  }

  /** False: the request is answered already. */
  begin(): boolean {
    if (this.exchange.method === 'OPTIONS') {
      const preflight = this.core.settings.cors === undefined ? {} : preflightHeaders
      this.exchange.reply(204, joinHeaders(allowMethods, this.#cors, preflight))
      return false
    }
    const problem = this.#understand()
    if (problem !== undefined) this.refuse(problem)
    else if (this.core.isClosing) this.#turnAway('closing')
    else return true
    return false
  }

  /** Takes a place, unless this request has one. False: it is not to be served, and the client was told where it is still there. */
  admit(): boolean {
    const { admission, settings } = this.core
    const hasClientLimit = settings.maxConnectionsPerClient !== Number.POSITIVE_INFINITY
    const clientKey = hasClientLimit ? settings.clientKey(this.exchange.request) : undefined
    // A client that left meanwhile would hold a place that nothing gives back, also where it has its place already.
    if (this.exchange.gone) return false
    // The server may have begun to close meanwhile, and would wait for this connection for ever.
    if (this.core.isClosing) {
      this.#turnAway('closing')
      return false
    }
    if (this.#slot !== undefined) return true
    const slot = admission.acquire(clientKey)
    if (typeof slot === 'string') {
      this.#turnAway(slot)
      return false
    }
    this.#slot = slot
    // Whatever is waited for may take long, or for ever.
    this.exchange.onGone(() => slot.release())
    return true
  }

  /** Lets the admitted reader read; from here on the connection gives the place back. */
  connect(reading: Pick<ConnectionSetup, 'source' | 'page' | 'maxAge' | 'onClosed'>): void {
    new Connection({
      ...reading,
      core: this.core,
      exchange: this.exchange,
      headers: joinHeaders(streamHeaders, this.#cors, this.#extra),
      cursor: this.#cursor,
      slot: this.#slot!,
    })
    this.#slot = undefined
  }

  /** Gives the place back, where there is one that no connection has. */
  release(): void {
    this.#slot?.release()
  }

  reply(status: number, headers: Headers, body?: string, writeTimeout?: number): void {
    this.exchange.reply(status, joinHeaders(headers, this.#cors, this.#extra), body, writeTimeout)
  }

  /** The reader has all of a stream that has ended (PROTOCOL.md §6.3). */
  replyDone(): void {
    this.reply(204, { 'Cache-Control': 'no-store', Vary: 'Accept' })
  }

  refuse(problem: Problem, headers: Headers = {}): void {
    const vary = { Vary: 'Accept' }
    this.exchange.reply(problem.status, joinHeaders(problemHeaders, vary, this.#cors, headers), problemText(problem))
  }

  /** Reads the request's headers; what it returns is wrong with them. */
  #understand(): Problem | undefined {
    const type = preferredType(this.exchange.header('accept'), this.#types)
    if (type === undefined) return notAcceptable(this.#types)
    this.#isStream = type === streamType
    const cursor = readCursor(this.exchange)
    if (cursor !== undefined && 'problem' in cursor) return cursor.problem
    this.#cursor = cursor
    return undefined
  }

  #turnAway(reason: RefuseReason): void {
    const { counters, dispatch, settings } = this.core
    counters.refused[reason] += 1
    dispatch('refuse', new RefuseEvent(reason))
    const delay = jitter(Math.max(settings.retry, 1_000))
    if (settings.whenFull === 'retry' && this.#isStream && !this.isHead) {
      this.exchange.reply(200, joinHeaders(streamHeaders, this.#cors), encodeRetry(delay))
    } else this.refuse(refusals[reason], { 'Retry-After': String(Math.ceil(delay / 1_000)) })
  }
}
