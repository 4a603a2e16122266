import { formatPage, pageLimits } from './event-page.js'
import type { Exchange } from './exchange.js'
import { isWorthWaiting, waitForPage } from './long-poll.js'
import { askPermission } from './permission.js'
import { isAtEnd, type LocatedPage, readAfter } from './position.js'
import { preferredWait } from './prefer.js'
import { Reception } from './reception.js'
import { crowded, internalError, unknownStream } from './refusals.js'
import { RequestSource } from './request-source.js'
import { joinHeaders, pageHeaders, streamHeaders } from './response-headers.js'
import type { ServerCore } from './server-core.js'
import { expectText, isStreamId } from './stream-id.js'

/**
 * The stream that a request reads: its id, or a function that gives it and is called once the request is admitted, for instance to start
 * a run. Where it throws the place is given back.
 */
export type StreamTarget = string | (() => string | Promise<string>)

const types = ['text/event-stream', 'application/json']
const stateOnly = { maxEvents: 0, maxBytes: 0 }

/** Answers one request for a stream of the log, as events or as a page. */
export class Answer {
  readonly #core: ServerCore
  readonly #exchange: Exchange
  readonly #reception: Reception

  /** @param extra headers of a successful answer */
  constructor(core: ServerCore, exchange: Exchange, extra: Readonly<Record<string, string>>) {
    this.#core = core
    this.#exchange = exchange
    this.#reception = new Reception(core, exchange, types, extra)
  }

  /** Resolves when the answer has begun; rejects, with nothing sent, where the target threw. */
  async begin(target: StreamTarget): Promise<void> {
    const reception = this.#reception
    if (!reception.begin() || !(await this.#isItsTurn())) return
    if (typeof target !== 'function') {
      await this.#read(expectText(target))
      return
    }
    if (reception.isHead) {
      reception.reply(200, reception.isStream ? streamHeaders : pageHeaders)
      return
    }
    if (!reception.admit()) return
    try {
      await this.#read(expectText(await target()))
    } finally {
      reception.release()
    }
  }

  /** A page is made when it can be sent: many may be asked for on one socket that nobody reads. False: the request is dealt with. */
  async #isItsTurn(): Promise<boolean> {
    const reception = this.#reception
    if (reception.isStream) return true
    const turn = await this.#exchange.turn()
    if (turn === 'crowded') reception.refuse(crowded)
    // Again, since the server may have begun to close.
    return turn === 'now' && reception.begin()
  }

  async #read(streamId: string): Promise<void> {
    const { isStream, cursor } = this.#reception
    try {
      const { settings, log } = this.#core
      const isAllowed = isStreamId(streamId) && (await askPermission(settings, this.#exchange.request, streamId))
      const located = isAllowed ? await readAfter(log, streamId, cursor, isStream ? stateOnly : pageLimits) : undefined
      if (located === undefined) this.#reception.refuse(unknownStream)
      else if (isStream) this.#stream(streamId, located)
      else await this.#page(streamId, located)
    } catch (error) {
      this.#core.report(error, streamId)
      this.#reception.refuse(internalError)
    } finally {
      this.#reception.release()
    }
  }

  #stream(streamId: string, located: LocatedPage): void {
    const reception = this.#reception
    // Before admission: a reader that is done must learn so also where the server is full.
    if (isAtEnd(located) && located.gap === undefined) reception.replyDone()
    else if (reception.isHead) reception.reply(200, streamHeaders)
    else if (reception.admit()) {
      const { connectionMaxAge: maxAge } = this.#core.settings
      const source = new RequestSource(this.#core, this.#exchange.request, streamId)
      reception.connect({ source, page: located.page, maxAge })
    }
  }

  async #page(streamId: string, located: LocatedPage): Promise<void> {
    const { counters, log, settings } = this.#core
    const reception = this.#reception
    const wait = Math.min(preferredWait(this.#exchange.header('prefer')) * 1_000, settings.maxWait)
    let page: LocatedPage | undefined = located
    if (wait > 0 && isWorthWaiting(located) && !reception.isHead) {
      if (!reception.admit()) return
      page = await waitForPage(this.#core, this.#exchange, streamId, reception.cursor, wait)
    }
    if (page === undefined) {
      reception.refuse(unknownStream)
      return
    }
    const applied = wait > 0 ? { 'Preference-Applied': `wait=${Math.floor(wait / 1_000)}` } : {}
    const text = await formatPage(log, streamId, page)
    reception.reply(200, joinHeaders(pageHeaders, applied), text, settings.writeTimeout)
    counters.pages += 1
    if (page.gap !== undefined) counters.gaps += 1
  }
}
