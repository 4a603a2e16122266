import { afterThisTurn } from './after-this-turn.js'
import type { Append, Appended, LogPage, ReadLimits } from './event-log.js'
import { MemoryEventLog } from './memory-event-log.js'

/** What may wait for the reader: events, and bytes beyond the first of them. */
const maxWaiting = { events: 16, bytes: 2 ** 18 }

const unlimited = {
  maxEvents: Number.POSITIVE_INFINITY,
  maxBytes: Number.POSITIVE_INFINITY,
  maxTotalBytes: Number.POSITIVE_INFINITY,
}

/**
 * The log of a generator's one stream and its one reader. It keeps what the reader has not got, and tells when it may be given more: so the
 * generator goes as fast as the reader takes.
 */
export class PulledLog extends MemoryEventLog {
  #head = 0
  /** Before the first read nothing may come: a cursor of another stream would be taken for a place in this one. */
  #taken = Number.NEGATIVE_INFINITY
  #wake: (() => void) | undefined
  #resume: (() => void) | undefined

  constructor() {
    // Nothing is dropped: the generator waits.
    super(unlimited)
  }

  override append(streamId: string, append: Append): Appended {
    const appended = super.append(streamId, append)
    this.#head = appended.first + append.entries.length - 1
    return appended
  }

  override read(streamId: string, after: number, limits: ReadLimits): LogPage | undefined {
    const page = super.read(streamId, after, limits)
    if (page === undefined || limits.maxEvents === 0) return page
    this.#taken = Math.min(after, page.head)
    this.trim(streamId, this.#taken + 1)
    if (this.#hasRoom) this.#resume?.()
    // To read again is how the reader says that it has taken these, and a reader at the head would not by itself.
    if (page.entries.length > 0) afterThisTurn(() => this.#wake?.())
    return page
  }

  override subscribe(streamId: string, wake: () => void): () => void {
    this.#wake = wake
    return super.subscribe(streamId, wake)
  }

  /** Resolves when the reader can be given more. */
  async room(): Promise<void> {
    while (!this.#hasRoom) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve
      })
    }
  }

  get #hasRoom(): boolean {
    const events = this.#head - this.#taken
    return events === 0 || (events < maxWaiting.events && this.bytes < maxWaiting.bytes)
  }
}
