import type { EventId } from '@x/sse-protocol'

const maxEnds = 10_000

/** The ends of streams that are gone, for the readers that come back once more to hear that there is nothing more. The last ones are kept. */
export class RecentEnds {
  readonly #sequences = new Map<string, number>()

  /** The id of a stream's last event. */
  add({ epoch, sequence }: EventId): void {
    this.#sequences.set(epoch, sequence)
    const [first] = this.#sequences.keys()
    if (this.#sequences.size > maxEnds) this.#sequences.delete(first!)
  }

  /** Whether a reader at this place has all of its stream. */
  has(cursor: EventId | undefined): boolean {
    return cursor !== undefined && this.#sequences.get(cursor.epoch) === cursor.sequence
  }
}
