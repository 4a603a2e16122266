import { type EventId, encodeGap, formatEventId } from '@x/sse-protocol'
import type { Slot } from './admission.js'
import { type Beat, comeBackFrame, heartbeatFrame, openingFrame } from './control-frames.js'
import type { CloseReason } from './counters.js'
import type { LogPage } from './event-log.js'
import type { Exchange } from './exchange.js'
import { encode } from './frames.js'
import { locate } from './position.js'
import type { Channel } from './readers.js'
import { finishLive, type Live, type ServerCore } from './server-core.js'
import type { Sink, SinkEvents } from './sink.js'
import { startTimer, type Timer } from './timer.js'

export interface ConnectionSetup {
  readonly core: ServerCore
  readonly streamId: string
  readonly exchange: Exchange
  readonly headers: Readonly<Record<string, string>>
  /** The reader's cursor. */
  readonly cursor: EventId | undefined
  /** The stream as it was when the request was admitted. */
  readonly page: LogPage
  readonly slot: Slot
}

/** How much is read at a time, and so the most that waits for a slow reader, one event aside. */
const limits = { maxEvents: 1_000, maxBytes: 65_536 }

/**
 * One response that reads one stream: the cursor loop, and the only way in which events reach a reader. It reads a page after its
 * cursor, writes until the sink says stop, waits for room, and at the head waits to be woken. There is no queue of events: a reader that
 * is slow is behind in the log, and nowhere else.
 */
export class Connection implements SinkEvents, Live {
  readonly #core: ServerCore
  readonly #streamId: string
  readonly #slot: Slot
  readonly #sink: Sink
  readonly #channel: Channel
  #cursor: EventId
  /** The cursor is the reader's own, or was given to it with an event; otherwise it had none. */
  #hasCursor: boolean
  #head: number
  #state: 'idle' | 'reading' | 'blocked' | 'ending' | 'closed' = 'idle'
  /** There may be more than the read under way will show. */
  #isStale = false
  #isBeatDue = false
  #deadline: Timer | undefined
  #reason: CloseReason = 'disconnected'

  constructor({ core, streamId, exchange, headers, cursor, page, slot }: ConnectionSetup) {
    this.#core = core
    this.#streamId = streamId
    this.#slot = slot
    this.#cursor = cursor ?? { epoch: page.epoch, sequence: 0 }
    this.#hasCursor = cursor !== undefined
    this.#head = page.head
    // Both may throw, and then nothing may be left of the first.
    this.#channel = core.readers.join(streamId, () => this.pump())
    try {
      this.#sink = exchange.stream(headers, this)
    } catch (error) {
      this.#channel.leave()
      throw error
    }
    core.live.add(this)
    core.heartbeats.add(this)
    core.counters.opened += 1
    // The epoch is the stream's own, the cursor may be of another one: then a gap follows.
    if (this.#sink.write(openingFrame(core.settings.retry, this.#nextBeat(page.epoch), this.#cursor))) this.pump()
    else this.#block()
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
        const page = this.#core.log.read(this.#streamId, this.#cursor.sequence, limits)
        if (page instanceof Promise) {
          this.#await(page)
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
    if (this.#state === 'blocked') return
    this.#isBeatDue = this.#core.settings.heartbeatInterval > 0
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
    this.#leave()
    this.#state = 'closed'
    this.#deadline?.stop()
    this.#slot.release()
    this.#core.counters.closed[this.#reason] += 1
    finishLive(this.#core, this)
  }

  drain(): void {
    this.#end('closing', comeBackFrame(this.#core.settings.retry))
  }

  destroy(): void {
    this.#abort('closing')
  }

  #await(read: Promise<LogPage | undefined>): void {
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
  #deliver(page: LogPage | undefined): boolean {
    if (page === undefined) {
      this.#end('dropped')
      return false
    }
    this.#head = page.head
    const requested = this.#hasCursor ? formatEventId(this.#cursor.epoch, this.#cursor.sequence) : null
    const { after, gap } = locate(this.#cursor, requested, page)
    if (gap !== undefined) {
      this.#core.counters.gaps += 1
      this.#move(page.epoch, after)
      if (!this.#sink.write(encode(encodeGap(gap)))) {
        this.#block()
        return false
      }
      // The entries were read after a place of another epoch, or beyond the head.
      if (gap.reason !== 'evicted') return true
    }
    const last = page.entries.at(-1)
    let hasRoom = true
    if (last !== undefined) {
      this.#move(page.epoch, last.sequence)
      hasRoom = this.#sink.write(this.#channel.encoder.encode(page))
    }
    const isAtHead = this.#cursor.sequence >= page.head
    if (isAtHead && page.ended) this.#end('ended')
    else if (!hasRoom) this.#block()
    // A page that is empty before the head would be a fault of the log; to ask again at once could go on for ever.
    return !isAtHead && last !== undefined
  }

  #move(epoch: string, sequence: number): void {
    this.#cursor = { epoch, sequence }
    this.#hasCursor = true
  }

  #beatIfDue(): void {
    if (!this.#isBeatDue || this.#state !== 'idle') return
    this.#isBeatDue = false
    this.#core.counters.heartbeats += 1
    if (!this.#sink.write(heartbeatFrame(this.#nextBeat(this.#cursor.epoch)))) this.#block()
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
    this.#core.report(error, this.#streamId)
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
    this.#channel.leave()
    this.#core.heartbeats.delete(this)
  }
}
