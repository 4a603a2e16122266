import { type EventId, type ParsedEvent, parseEventId } from '@x/sse-protocol'
import type { StreamGap } from './stream-gap.js'

/** What an event's id says about its place: `true` to deliver it, `false` for one that was delivered before, or what is missing. */
export type Arrival = boolean | StreamGap

/**
 * A reader's place in the stream, and the arithmetic of PROTOCOL.md §3 that finds duplicates and holes.
 *
 * The arithmetic only holds where the server speaks this protocol. Elsewhere ids may merely look the same (a Redis stream's
 * `1526919030474-0`, an application's `order-17`), so it stays off until a contract or an opening heartbeat says so.
 */
export class Cursor {
  #value: string
  #sequenced: boolean
  /** The id of the event that has to come next, where that is known. */
  #next: EventId | undefined

  constructor(value: string, sequenced: boolean) {
    this.#value = value
    this.#sequenced = sequenced
  }

  get value(): string {
    return this.#value
  }

  get sequenced(): boolean {
    return this.#sequenced
  }

  /** A connection begins: the server continues after the cursor. */
  connect(): void {
    this.#expectAfter(this.#value)
  }

  /** The opening heartbeat's id is the cursor; a reader without one takes it from there, and no other reader does (§5.2). */
  seed(id: string): void {
    if (!parseEventId(id)) return
    this.#sequenced = true
    if (this.#value === '') this.#value = id
    this.#expectAfter(this.#value)
  }

  /** An announced gap: the next event is `oldest`, also where that is older than the cursor. The cursor waits for it. */
  jump(oldest: string | null): void {
    this.#next = parseEventId(oldest ?? '')
  }

  /** Judges an event without moving to it. */
  examine({ id }: ParsedEvent): Arrival {
    const at = this.#sequenced && id !== undefined ? parseEventId(id) : undefined
    if (!at || id === undefined) return true
    const requested = this.#value === '' ? null : this.#value
    const place = { requested, oldest: id, head: null }
    const next = this.#next
    if (!next) {
      return this.#value === '' && at.sequence > 1 ? { ...place, missed: at.sequence - 1, reason: 'skipped' } : true
    }
    if (at.epoch !== next.epoch) return { ...place, missed: null, reason: 'epoch' }
    if (at.sequence < next.sequence) return false
    return at.sequence > next.sequence ? { ...place, missed: at.sequence - next.sequence, reason: 'skipped' } : true
  }

  /** Moves past an event that is about to be delivered. */
  move({ id, lastEventId }: ParsedEvent): void {
    if (!this.#sequenced) this.#value = lastEventId
    else if (id !== undefined) {
      this.#value = id
      this.#expectAfter(id)
    }
  }

  /** A whole chunk was read; on other servers a block without data moves the cursor too (HTML standard §9.2.6). */
  settle(lastEventId: string): void {
    if (!this.#sequenced) this.#value = lastEventId
  }

  #expectAfter(id: string): void {
    const at = parseEventId(id)
    this.#next = at && { epoch: at.epoch, sequence: at.sequence + 1 }
  }
}
