import type { EventId } from '@x/sse-protocol'

const maxEnds = 5_000

/**
 * The ends of streams that are gone, for the readers that come back once more to hear that there is nothing more: the last five to ten thousand
 * of them.
 */
export class RecentEnds {
  #newer = new Map<string, number>()
  #older = new Map<string, number>()

  /** The id of a stream's last event. */
  add({ epoch, sequence }: EventId): void {
    if (this.#newer.size >= maxEnds) {
      this.#older = this.#newer
      this.#newer = new Map()
    }
    this.#newer.set(epoch, sequence)
  }

  /** Whether a reader at this place has all of its stream. */
  has(cursor: EventId | undefined): boolean {
    if (cursor === undefined) return false
    const { epoch, sequence } = cursor
    return (this.#newer.get(epoch) ?? this.#older.get(epoch)) === sequence
  }
}
