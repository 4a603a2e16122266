import { type ParsedEvent, parseEventId } from '@x/sse-protocol'
import type { StreamGap } from './stream-gap.js'

/** What an event's id says about its place: `true` to deliver it, `false` for one that was delivered before, or what is missing. */
export type Arrival = boolean | StreamGap

/**
 * A reader's place in the stream, and the arithmetic of PROTOCOL.md §3 that finds duplicates and holes.
 *
 * The arithmetic only holds where the server speaks this protocol. Elsewhere ids may merely look the same (a Redis stream's
 * `1526919030474-0`, an application's `order-17`), so it stays off until a contract, an opening heartbeat or a page says so.
 */
export class Cursor {
  value: string
  /** Whether the server speaks this protocol. */
  isSequenced: boolean
  /** `<epoch>-` of the event that has to come next, and its sequence; 0 where that is not known. */
  #prefix = ''
  #next = 0
  /** Up to this sequence, events of that epoch were delivered. */
  #delivered = 0
  /** The id that was judged to be the next one. */
  #judged: string | undefined

  constructor(value: string, isSequenced: boolean) {
    this.value = value
    this.isSequenced = isSequenced
  }

  /** A connection begins: the server continues after the cursor. */
  connect(): void {
    this.#expect(this.value, 1)
  }

  /** The server speaks this protocol. */
  speak(): void {
    if (this.isSequenced) return
    this.isSequenced = true
    this.connect()
  }

  /** The server says where a reader without a cursor begins (§5.2), or where one goes on after a gap (§7.2). */
  seed(id: string): void {
    if (!parseEventId(id)) return
    this.value = id
    this.connect()
  }

  /** An announced gap: the next event is `oldest`, also where that is older than the cursor. The cursor waits for it. */
  jump({ oldest, reason }: StreamGap): void {
    const at = parseEventId(oldest ?? '')
    // With `evicted` the reader keeps its state: what was delivered stays so.
    if (at && reason === 'evicted' && this.#prefix === `${at.epoch}-`) this.#next = Math.max(this.#next, at.sequence)
    else this.#expect(oldest ?? '', 0)
  }

  /** Judges an event without moving to it. */
  examine({ id }: ParsedEvent): Arrival {
    // Of nearly all events a look tells that they are the next one.
    if (!this.isSequenced || id === undefined) return true
    if (this.#isNext(id)) {
      this.#judged = id
      return true
    }
    const at = parseEventId(id)
    // No event has the sequence 0 (§3.2): that is an id of another kind.
    if (!at?.sequence) return true
    const next = this.#next || (this.value ? at.sequence : 1)
    const isSame = !this.#next || `${at.epoch}-` === this.#prefix
    const missed = at.sequence - next
    if (isSame && missed <= 0) return !missed || (this.#next > 0 && at.sequence > this.#delivered)
    return {
      requested: this.value || null,
      oldest: id,
      head: null,
      missed: isSame ? missed : null,
      reason: isSame ? 'skipped' : 'epoch',
    }
  }

  /** Moves past an event that is about to be delivered. */
  move({ id, lastEventId }: ParsedEvent): void {
    if (!this.isSequenced) this.value = lastEventId
    else if (id) {
      this.value = id
      if (id === this.#judged) {
        this.#delivered = this.#next
        this.#next += 1
      } else this.#expect(id, 1)
    }
  }

  /** A whole chunk was read; on other servers a block without data moves the cursor too (HTML standard §9.2.6). */
  settle(lastEventId: string): void {
    if (!this.isSequenced) this.value = lastEventId
  }

  /** A number and no text is made of an id: that is cheaper than the text of the id that has to come. */
  #isNext(id: string): boolean {
    const { length } = this.#prefix
    let sequence = 0
    for (let at = length; at < id.length; at++) {
      const digit = id.charCodeAt(at) - 48
      if (digit < 0 || digit > 9 || (digit === 0 && sequence === 0)) return false
      sequence = sequence * 10 + digit
    }
    // Up to 2^53 a number is exact.
    return sequence === this.#next && sequence > 0 && sequence < 2 ** 53 && id.startsWith(this.#prefix)
  }

  #expect(id: string, distance: number): void {
    const at = parseEventId(id)
    this.#judged = undefined
    this.#prefix = at ? `${at.epoch}-` : ''
    this.#next = at ? at.sequence + distance : 0
    this.#delivered = this.#next - 1
  }
}
