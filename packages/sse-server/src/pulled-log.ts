import type { Append, Appended, LogPage, ReadLimits } from './event-log.js'
import { MemoryEventLog } from './memory-event-log.js'

/** Events that may wait for the reader. */
const maxWaiting = 16

/**
 * The log of a generator's one stream and its one reader. It keeps what the reader has not got, and tells when it may be given more: so the
 * generator goes as fast as the reader takes.
 */
export class PulledLog extends MemoryEventLog {
  #head = 0
  #taken = 0
  #resume: (() => void) | undefined

  override append(streamId: string, append: Append): Appended {
    const appended = super.append(streamId, append)
    this.#head = appended.first + append.entries.length - 1
    return appended
  }

  override read(streamId: string, after: number, limits: ReadLimits): LogPage | undefined {
    const page = super.read(streamId, after, limits)
    // A cursor of before, beyond the head, has taken nothing of this stream.
    if (page === undefined || after > page.head) return page
    this.trim(streamId, after + 1)
    this.#taken = after
    if (this.#hasRoom) this.#resume?.()
    return page
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
    return this.#head - this.#taken < maxWaiting
  }
}
