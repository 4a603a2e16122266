import { type EventId, encodeRetry } from '@x/sse-protocol'
import { preferredType } from './accept.js'
import type { Slot } from './admission.js'
import { Connection } from './connection.js'
import type { RefuseReason } from './counters.js'
import { formatPage, pageLimits } from './event-page.js'
import type { Exchange } from './exchange.js'
import { isWorthWaiting, waitForPage } from './long-poll.js'
import { isAtEnd, type LocatedPage, readAfter } from './position.js'
import { preferredWait } from './prefer.js'
import { type Problem, problemHeaders, problemText } from './problem.js'
import { jitter } from './random.js'
import { internalError, notAcceptable, refusals, unknownStream } from './refusals.js'
import { readCursor } from './request-cursor.js'
import { corsHeaders, joinHeaders, pageHeaders, preflightHeaders, streamHeaders } from './response-headers.js'
import type { ServerCore } from './server-core.js'
import { isStreamId } from './stream-id.js'

/**
 * The stream that a request reads: its id, or a function that gives it and is called once the request is admitted, for instance to start
 * a run. Where it throws the place is given back.
 */
export type StreamTarget = string | (() => string | Promise<string>)

type Headers = Readonly<Record<string, string>>

const types = ['text/event-stream', 'application/json'] as const
const stateOnly = { maxEvents: 0, maxBytes: 0 }

/** Answers one request, from its headers to the first byte; a {@link Connection} writes the rest. */
export class Answer {
  readonly #core: ServerCore
  readonly #exchange: Exchange
  readonly #extra: Headers
  readonly #cors: Headers
  #isStream = true
  #cursor: EventId | undefined
  #slot: Slot | undefined

  /** @param extra headers of a successful answer */
  constructor(core: ServerCore, exchange: Exchange, extra: Headers) {
    this.#core = core
    this.#exchange = exchange
    this.#extra = extra
    this.#cors = corsHeaders(core.settings.cors, exchange.header('origin'))
  }

  /** Resolves when the answer has begun; rejects, with nothing sent, where the target threw. */
  async begin(target: StreamTarget): Promise<void> {
    if (this.#exchange.method === 'OPTIONS') {
      this.#replyPreflight()
      return
    }
    const problem = this.#understand()
    if (problem !== undefined) {
      this.#refuse(problem)
      return
    }
    if (this.#core.isClosing) {
      this.#turnAway('closing')
      return
    }
    if (typeof target === 'string') {
      await this.#read(target)
      return
    }
    if (this.#isHead) {
      this.#reply(200, this.#headers)
      return
    }
    if (!this.#admit()) return
    try {
      await this.#read(await target())
    } finally {
      this.#slot?.release()
    }
  }

  get #isHead(): boolean {
    return this.#exchange.method === 'HEAD'
  }

  get #headers(): Headers {
    return this.#isStream ? streamHeaders : pageHeaders
  }

  /** Reads the request's headers; what it returns is wrong with them. */
  #understand(): Problem | undefined {
    const type = preferredType(this.#exchange.header('accept'), types)
    if (type === undefined) return notAcceptable
    this.#isStream = type === 'text/event-stream'
    const cursor = readCursor(this.#exchange)
    if (cursor !== undefined && 'problem' in cursor) return cursor.problem
    this.#cursor = cursor
    return undefined
  }

  async #read(streamId: string): Promise<void> {
    try {
      const { settings, log } = this.#core
      const isAllowed = isStreamId(streamId) && (await settings.authorize(this.#exchange.request, streamId))
      const located = isAllowed
        ? await readAfter(log, streamId, this.#cursor, this.#isStream ? stateOnly : pageLimits)
        : undefined
      if (located === undefined) this.#refuse(unknownStream)
      else if (this.#isStream) this.#stream(streamId, located)
      else await this.#page(streamId, located)
    } catch (error) {
      this.#core.report(error, streamId)
      this.#refuse(internalError)
    } finally {
      this.#slot?.release()
    }
  }

  #stream(streamId: string, located: LocatedPage): void {
    if (isAtEnd(located) && located.gap === undefined) {
      // Before admission: a reader that is done must learn so also where the server is full (PROTOCOL.md §6.3).
      this.#reply(204, { 'Cache-Control': 'no-store', Vary: 'Accept' })
    } else if (this.#isHead) {
      this.#reply(200, streamHeaders)
    } else if (this.#admit()) {
      new Connection({
        core: this.#core,
        streamId,
        exchange: this.#exchange,
        headers: joinHeaders(streamHeaders, this.#cors, this.#extra),
        cursor: this.#cursor,
        page: located.page,
        slot: this.#slot!,
      })
      // From here on the connection gives the place back.
      this.#slot = undefined
    }
  }

  async #page(streamId: string, located: LocatedPage): Promise<void> {
    const { counters, log, settings } = this.#core
    const wait = Math.min(preferredWait(this.#exchange.header('prefer')) * 1_000, settings.maxWait)
    let page: LocatedPage | undefined = located
    if (wait > 0 && isWorthWaiting(located) && !this.#isHead) {
      if (!this.#admit()) return
      page = await waitForPage(this.#core, this.#exchange, streamId, this.#cursor, wait)
    }
    if (page === undefined) {
      this.#refuse(unknownStream)
      return
    }
    const applied = wait > 0 ? { 'Preference-Applied': `wait=${Math.floor(wait / 1_000)}` } : {}
    this.#reply(200, joinHeaders(pageHeaders, applied), await formatPage(log, streamId, page))
    counters.pages += 1
    if (page.gap !== undefined) counters.gaps += 1
  }

  /** Takes a place, unless this request has one. False: it is not to be served, and the client was told where it is still there. */
  #admit(): boolean {
    const { admission, settings } = this.#core
    const hasClientLimit = settings.maxConnectionsPerClient !== Number.POSITIVE_INFINITY
    const clientKey = hasClientLimit ? settings.clientKey(this.#exchange.request) : undefined
    // A client that left meanwhile would hold a place that nothing gives back, also where it has its place already.
    if (this.#exchange.gone) return false
    // The server may have begun to close meanwhile, and would wait for this connection for ever.
    if (this.#core.isClosing) {
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
    this.#exchange.onGone(() => slot.release())
    return true
  }

  #turnAway(reason: RefuseReason): void {
    const { counters, settings } = this.#core
    counters.refused[reason] += 1
    const delay = jitter(Math.max(settings.retry, 1_000))
    if (settings.whenFull === 'retry' && this.#isStream && !this.#isHead) {
      this.#exchange.reply(200, joinHeaders(streamHeaders, this.#cors), encodeRetry(delay))
    } else this.#refuse(refusals[reason], { 'Retry-After': String(Math.ceil(delay / 1_000)) })
  }

  #replyPreflight(): void {
    const preflight = this.#core.settings.cors === undefined ? {} : preflightHeaders
    this.#exchange.reply(204, joinHeaders({ Allow: 'GET, HEAD, OPTIONS' }, this.#cors, preflight))
  }

  #reply(status: number, headers: Headers, body?: string): void {
    this.#exchange.reply(status, joinHeaders(headers, this.#cors, this.#extra), body)
  }

  #refuse(problem: Problem, headers: Headers = {}): void {
    const vary = { Vary: 'Accept' }
    this.#exchange.reply(problem.status, joinHeaders(problemHeaders, vary, this.#cors, headers), problemText(problem))
  }
}
