import { type EventId, formatEventId, type Gap } from '@x/sse-protocol'
import type { LogPage } from './event-log.js'
import { locate } from './position.js'

/** How far one reader has come in its stream. */
export class Progress {
  #epoch: string
  #sequence: number
  /** The place is the reader's own cursor, or came with an event; otherwise the reader had none. */
  #isCursor: boolean
  #isBehind = false

  constructor(cursor: EventId | undefined, { epoch }: Pick<LogPage, 'epoch'>) {
    this.#epoch = cursor?.epoch ?? epoch
    this.#sequence = cursor?.sequence ?? 0
    this.#isCursor = cursor !== undefined
  }

  get cursor(): EventId {
    return { epoch: this.#epoch, sequence: this.#sequence }
  }

  get sequence(): number {
    return this.#sequence
  }

  /** Whether the last page ended before the head, so that the next one is a replay. */
  get isBehind(): boolean {
    return this.#isBehind
  }

  /** Events between here and a head of the same epoch. */
  lag(epoch: string, head: number): number {
    return epoch === this.#epoch ? Math.max(0, head - this.#sequence) : head
  }

  /** What is missing before a page, to be told before anything of it. The reader is then where the log begins. */
  skipGap(page: LogPage): Gap | undefined {
    // Nearly always.
    if (page.epoch === this.#epoch && this.#sequence <= page.head && this.#sequence + 1 >= page.oldest) return undefined
    const requested = this.#isCursor ? formatEventId(this.#epoch, this.#sequence) : null
    const { after, gap } = locate(this.cursor, requested, page)
    if (gap !== undefined) this.#move(page, after)
    return gap
  }

  /** The events of a page were written. True: there is more to read. */
  pass(page: LogPage): boolean {
    const last = page.entries.at(-1)
    if (last !== undefined) this.#move(page, last.sequence)
    this.#isBehind = this.#sequence < page.head
    // A page that is empty before the head would be a fault of the log; to ask again at once could go on for ever.
    return this.#isBehind && last !== undefined
  }

  #move({ epoch }: LogPage, sequence: number): void {
    this.#epoch = epoch
    this.#sequence = sequence
    this.#isCursor = true
  }
}
