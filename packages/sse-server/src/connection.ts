import { type EventId, encodeGap } from '@x/sse-protocol'
import type { Slot } from './admission.js'
import { type Beat, comeBackAtOnceFrame, comeBackFrame, heartbeatFrame, openingFrame } from './control-frames.js'
import type { CloseReason } from './counters.js'
import type { LogPage } from './event-log.js'
import type { Exchange } from './exchange.js'
import { encode } from './frames.js'
import { isPromise } from './is-promise.js'
import { locate } from './position.js'
import { Progress } from './progress.js'
import { shorten } from './random.js'
import type { Channel, Reading } from './readers.js'
import { finishLive, type Live, type LiveState, type ServerCore } from './server-core.js'
import { ConnectionCloseEvent, ConnectionOpenEvent, GapEvent } from './server-events.js'
import type { Sink, SinkEvents } from './sink.js'
import { type PageAnswer, readPage, type Source } from './source.js'
import { startTimer, type Timer } from './timer.js'

export interface ConnectionSetup {
  readonly core: ServerCore
  readonly source: Source
  readonly exchange: Exchange
  readonly headers: Readonly<Record<string, string>>
  /** The reader's cursor. */
  readonly cursor: EventId | undefined
  /** The stream as it was when the request was admitted. */
  readonly page: LogPage
  readonly slot: Slot
  /** Milliseconds; `Infinity`: any time. */
  readonly maxAge: number
  readonly onClosed?: (() => void) | undefined
}

/**
 * One response that reads one stream: the cursor loop, and the only way in which events reach a reader. It reads a page after its
 * cursor, writes until the sink says stop, waits for room, and at the head waits to be woken. There is no queue of events: a reader that
 * is slow is behind in the log, and nowhere else.
 */
export class Connection implements SinkEvents, Live, Reading {
  readonly #core: ServerCore
  readonly #source: Source
  readonly #slot: Slot
  readonly #onClosed: (() => void) | undefined
  readonly #sink: Sink
  readonly #channel: Channel
  readonly #progress: Progress
  readonly #openedAt = performance.now()
  /** Ends the connection when it is old. */
  readonly #age: Timer
  #head: number
  #events = 0
  #state: 'idle' | 'reading' | 'blocked' | 'ending' | 'closed' = 'idle'
  /** There may be more than the read under way will show. */
  #isStale = false
  #isBeatDue = false
  #deadline: Timer | undefined
  #reason: CloseReason = 'disconnected'

  constructor({ core, source, exchange, headers, cursor, page, slot, maxAge, onClosed }: ConnectionSetup) {
    this.#core = core
    this.#source = source
    this.#slot = slot
    this.#onClosed = onClosed
    this.#progress = new Progress(cursor, page)
    this.#head = page.head
    // First, since it throws where the log gave out what no frame can hold, and there must be nothing of an answer then. The epoch is the
    // stream's own, the cursor may be of another one: then a gap follows.
    const opening = openingFrame(core.settings.retry, this.#nextBeat(page.epoch), this.#progress.cursor)
    // Both may throw, and then nothing may be left of the first.
    this.#channel = source.readers.join(source.streamId, this)
    try {
      this.#sink = exchange.stream(headers, this)
    } catch (error) {
      source.readers.leave(source.streamId, this)
      throw error
    }
    this.#age = startTimer(shorten(maxAge), () => this.#end('max_age', comeBackAtOnceFrame))
    core.live.add(this)
    core.heartbeats.add(this)
    core.counters.opened += 1
    const replay = page.head - locate(cursor, null, page).after
    core.dispatch('open', new ConnectionOpenEvent(source.streamId, replay))
    if (this.#sink.write(opening)) this.pump()
    else this.#block()
  }

  get state(): LiveState {
    const lag = this.#progress.lag(this.#channel.epoch, this.#channel.head)
    return { lag, bytesPending: this.#sink.pending }
  }

  wake(): void {
    this.pump()
  }

  /** Delivers what there is, unless that is under way or must wait; what wakes it may come at any time. */
  pump(): void {
    if (this.#state !== 'idle') {
      this.#isStale = true
      return
    }
    do {
      this.#isStale = false
      try {
        const page = readPage(this.#source, this.#progress)
        if (isPromise(page)) {
          this.#await(Promise.resolve(page))
          return
        }
        this.#isStale = this.#deliver(page) || this.#isStale
      } catch (error) {
        this.#giveUp(error)
      }
    } while (this.#isStale && this.#isIdle())
    this.#beatIfDue()
  }

  /** The shared timer's call. It also looks into the log, in case a wake-up was lost. */
  beat(): void {
    const hasBeats = this.#core.settings.heartbeatInterval > 0
    if (this.#state === 'blocked') {
      if (hasBeats) this.#core.counters.heartbeatsSkipped += 1
      return
    }
    this.#isBeatDue = hasBeats
    // What is asked of the log, or of `authorize`, may take long; the reader is not to take that for a dead connection.
    if (this.#state === 'reading') this.#beatIfDue()
    this.pump()
  }

  ready(): void {
    if (this.#state !== 'blocked') return
    this.#deadline?.stop()
    this.#state = 'idle'
    this.pump()
  }

  closed(): void {
    if (this.#state === 'closed') return
    const { lag } = this.state
    this.#leave()
    this.#state = 'closed'
    this.#deadline?.stop()
    this.#slot.release()
    this.#core.counters.closed[this.#reason] += 1
    finishLive(this.#core, this)
    this.#onClosed?.()
    const durationMs = performance.now() - this.#openedAt
    const facts = { reason: this.#reason, durationMs, events: this.#events, lag }
    this.#core.dispatch('close', new ConnectionCloseEvent(this.#source.streamId, facts))
  }

  drain(): void {
    this.#end('closing', comeBackFrame(this.#core.settings.retry))
  }

  destroy(): void {
    this.#abort('closing')
  }

  #await(read: Promise<PageAnswer>): void {
    this.#state = 'reading'
    read
      .then((page) => {
        if (this.#state !== 'reading') return
        this.#state = 'idle'
        const isStale = this.#isStale
        if ((this.#deliver(page) || isStale) && this.#isIdle()) this.pump()
        else this.#beatIfDue()
      })
      // Also what a page that cannot be sent throws.
      .catch((error: unknown) => this.#giveUp(error))
  }

  /** Writes a page. True: there is more to read. */
  #deliver(page: PageAnswer): boolean {
    if (page === undefined || page === 'forbidden') {
      this.#end(page ?? 'dropped')
      return false
    }
    this.#head = page.head
    this.#channel.epoch = page.epoch
    this.#channel.head = page.head
    const gap = this.#progress.skipGap(page)
    if (gap !== undefined) {
      this.#core.counters.gaps += 1
      this.#core.dispatch('gap', new GapEvent(this.#source.streamId, gap))
      if (!this.#sink.write(encode(encodeGap(gap)))) {
        this.#block()
        return false
      }
      // The entries were read after a place of another epoch, or beyond the head.
      if (gap.reason !== 'evicted') return true
    }
    const hasRoom =
      page.entries.length === 0 || this.#sink.write(this.#channel.encoder.encode(this.#source.streamId, page))
    this.#events += page.entries.length
    this.#core.counters.delivered += page.entries.length
    const hasMore = this.#progress.pass(page)
    if (page.ended && !this.#progress.isBehind) this.#end('ended')
    else if (!hasRoom) this.#block()
    return hasMore
  }

  #beatIfDue(): void {
    if (!this.#isBeatDue || (this.#state !== 'idle' && this.#state !== 'reading')) return
    this.#isBeatDue = false
    this.#core.counters.heartbeats += 1
    try {
      if (!this.#sink.write(heartbeatFrame(this.#nextBeat(this.#progress.cursor.epoch)))) this.#block()
    } catch (error) {
      // The next connection's heartbeat is due at the same call.
      this.#giveUp(error)
    }
  }

  #nextBeat(epoch: string): Beat {
    return { interval: this.#core.settings.heartbeatInterval, epoch, head: this.#head }
  }

  #isIdle(): boolean {
    return this.#state === 'idle'
  }

  #block(): void {
    if (this.#state !== 'idle') return
    this.#state = 'blocked'
    this.#isBeatDue = false
    this.#startDeadline()
  }

  #end(reason: CloseReason, bytes?: Uint8Array): void {
    if (this.#state === 'ending' || this.#state === 'closed') return
    this.#leave()
    this.#state = 'ending'
    this.#reason = reason
    this.#startDeadline()
    this.#sink.end(bytes)
  }

  #giveUp(error: unknown): void {
    // A response that has its end needs no log any more.
    if (this.#state === 'ending' || this.#state === 'closed') return
    this.#core.report(error, this.#source.streamId)
    this.#abort('log_error')
  }

  #abort(reason: CloseReason): void {
    if (this.#state === 'closed') return
    // A response that is ending keeps the reason for which it ends, unless it cannot.
    if (this.#state !== 'ending' || reason === 'write_timeout') this.#reason = reason
    this.#sink.destroy()
    this.closed()
  }

  #startDeadline(): void {
    this.#deadline?.stop()
    this.#deadline = startTimer(this.#core.settings.writeTimeout, () => this.#abort('write_timeout'))
  }

  #leave(): void {
    this.#age.stop()
    this.#source.readers.leave(this.#source.streamId, this)
    this.#core.heartbeats.delete(this)
  }
}
