import type { LogPage, NewEntry, ReadLimits } from '../event-log.js'
import type { SseServerErrorCode } from '../server-error.js'
import { expectSame, expectThat } from './expectation.js'

interface Made {
  readonly first: number
  readonly last: number
}

/** What a stream has to be, in the simplest words: the whole history in an array. */
export class ModelStream {
  readonly epoch: string
  fence: number
  ended = false
  oldest = 1
  /** The appends of the valid fence by their number. */
  made = new Map<number, Made>()
  readonly #entries: NewEntry[] = []

  constructor(epoch: string, fence: number) {
    this.epoch = epoch
    this.fence = fence
  }

  get head(): number {
    return this.#entries.length
  }

  get lastNumber(): number {
    return Math.max(0, ...this.made.keys())
  }

  open(fence: number): void {
    this.fence = fence
    this.made = new Map()
  }

  /** The place that an append gets, or the codes with which it may be refused; both where the log may choose. */
  append(fence: number, number: number): { readonly first?: number; readonly codes: readonly SseServerErrorCode[] } {
    if (fence !== this.fence) return { codes: ['fenced'] }
    const made = this.made.get(number)
    if (made !== undefined) return { first: made.first, codes: made.last < this.oldest ? ['unknown_append'] : [] }
    if (number < this.lastNumber) return { codes: ['unknown_append'] }
    if (this.ended) return { codes: ['stream_ended'] }
    return { first: this.head + 1, codes: [] }
  }

  commit(number: number, entries: readonly NewEntry[], end: boolean): void {
    if (this.made.has(number)) return
    this.made.set(number, { first: this.head + 1, last: this.head + entries.length })
    this.#entries.push(...entries)
    this.ended = end
  }

  trim(oldest: number): void {
    this.oldest = Math.max(this.oldest, Math.min(oldest, this.head))
  }

  /** Expects a page to be one that a read may give. */
  check(page: LogPage | undefined, after: number, { maxEvents, maxBytes }: ReadLimits): void {
    expectThat(page !== undefined, 'the log to hold the stream', page)
    const { epoch, entries, oldest, head, ended } = page!
    expectSame(
      'State',
      { epoch, oldest, head, ended },
      { epoch: this.epoch, oldest: this.oldest, head: this.head, ended: this.ended },
    )
    const first = Math.max(after + 1, this.oldest)
    for (const [index, entry] of entries.entries()) {
      expectSame('Sequence', entry.sequence, first + index)
      const { type, data, bytes, internal } = entry
      expectSame(`Event ${entry.sequence}`, { type, data, bytes, internal }, this.#entries[entry.sequence - 1])
    }
    expectThat(entries.length <= maxEvents, `at most ${maxEvents} events`, entries.length)
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
    expectThat(entries.length <= 1 || bytes <= maxBytes, `one event, or at most ${maxBytes} bytes`, bytes)
    const isThere = first <= this.head && maxEvents > 0
    expectThat(entries.length > 0 || !isThere, `an event after ${after} of ${this.head}`, entries)
  }
}
