import type { Appended, EventLog, NewEntry } from './event-log.js'

/** Where the events of one call are. */
export interface Committed {
  readonly epoch: string
  /** Sequence of the last of them. */
  readonly last: number
}

interface Waiting {
  readonly entries: readonly NewEntry[]
  readonly isEnd: boolean
  readonly resolve: (committed: Committed) => void
  readonly reject: (error: unknown) => void
}

/** Entries in one append, beyond which the next append takes the rest. */
const maxBatch = 1_000

/**
 * Appends for one producer in the order of the calls. One append is under way at a time; what is asked for meanwhile goes into
 * the next one together, so a log that takes a while for each append is asked less often.
 */
export class AppendQueue {
  readonly #log: EventLog
  readonly #streamId: string
  readonly #fence: number
  #waiting: Waiting[] = []
  #isBusy = false
  #producerNumber = 0

  constructor(log: EventLog, streamId: string, fence: number) {
    this.#log = log
    this.#streamId = streamId
    this.#fence = fence
  }

  append(entries: readonly NewEntry[], isEnd: boolean): Promise<Committed> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, isEnd, resolve, reject })
      this.#next()
    })
  }

  #next(): void {
    while (!this.#isBusy && this.#waiting.length > 0) {
      const batch = this.#take()
      // Counted up also when the append fails: it may have arrived, and its number then stands for these events.
      this.#producerNumber += 1
      try {
        const appended = this.#log.append(this.#streamId, {
          fence: this.#fence,
          producerNumber: this.#producerNumber,
          entries: batch.length === 1 ? batch[0]!.entries : batch.flatMap(({ entries }) => entries),
          end: batch.at(-1)!.isEnd,
        })
        if (appended instanceof Promise) this.#await(appended, batch)
        else settle(batch, appended)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
  }

  #await(appended: Promise<Appended>, batch: readonly Waiting[]): void {
    this.#isBusy = true
    appended
      .then(
        (value) => settle(batch, value),
        (error: unknown) => {
          for (const { reject } of batch) reject(error)
        },
      )
      .finally(() => {
        this.#isBusy = false
        this.#next()
      })
  }

  #take(): Waiting[] {
    let count = 0
    let entries = 0
    for (const waiting of this.#waiting) {
      entries += waiting.entries.length
      if (count > 0 && entries > maxBatch) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }
}

function settle(batch: readonly Waiting[], { epoch, first }: Appended): void {
  let last = first - 1
  for (const { entries, resolve } of batch) {
    last += entries.length
    resolve({ epoch, last })
  }
}
