import type { Append, Appended, EventLog, MaybePromise, NewEntry } from './event-log.js'
import { isPromise } from './is-promise.js'
import { SseServerError } from './server-error.js'

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
 * the next one together, so a log that takes a while for each append is asked less often. An append that gets no answer is made once more.
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

  /** The answer is there at once where that of the log is. @throws What the log refuses it with. */
  append(entries: readonly NewEntry[], isEnd: boolean): MaybePromise<Committed> {
    if (this.#isBusy) {
      return new Promise((resolve, reject) => {
        this.#waiting.push({ entries, isEnd, resolve, reject })
      })
    }
    const append = this.#number(entries, isEnd)
    const appended = this.#ask(append)
    if (!isPromise(appended)) return { epoch: expectPlace(appended).epoch, last: appended.first + entries.length - 1 }
    return new Promise((resolve, reject) => {
      this.#await(appended, append, [{ entries, isEnd, resolve, reject }])
    })
  }

  /** Counted up also when the append fails: it may have arrived, and its number then stands for these events. */
  #number(entries: readonly NewEntry[], end: boolean): Append {
    this.#producerNumber += 1
    return { fence: this.#fence, producerNumber: this.#producerNumber, entries, end }
  }

  /** @throws Where the log said no at once. */
  #ask(append: Append): MaybePromise<Appended> {
    try {
      return this.#log.append(this.#streamId, append)
    } catch (error) {
      if (isRefusal(error)) throw error
      return Promise.reject(error)
    }
  }

  #await(appended: PromiseLike<Appended>, append: Append, batch: readonly Waiting[]): void {
    this.#isBusy = true
    Promise.resolve(appended)
      // A log that failed without a word may have the events: asked again under the same number, it says where, or takes them now.
      .catch((error: unknown) => {
        if (isRefusal(error)) throw error
        return this.#log.append(this.#streamId, append)
      })
      .then((value) => settle(batch, expectPlace(value)))
      .catch((error: unknown) => refuse(batch, error))
      .finally(() => {
        this.#isBusy = false
        this.#next()
      })
  }

  #next(): void {
    if (this.#waiting.length === 0) return
    const batch = this.#take()
    const append = this.#number(
      batch.flatMap(({ entries }) => entries),
      batch.at(-1)!.isEnd,
    )
    this.#await(new Promise((resolve) => resolve(this.#ask(append))), append, batch)
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

/** @throws TypeError where the log does not say where the events are. */
function expectPlace(appended: Appended): Appended {
  if (typeof appended?.epoch === 'string' && Number.isSafeInteger(appended.first)) return appended
  throw new TypeError('Expected the log to answer an append with an epoch and the sequence of the first event')
}

/** Whether the log said no, so that it holds nothing of the append. */
function isRefusal(error: unknown): boolean {
  return SseServerError.isInstance(error)
}

function refuse(batch: readonly Waiting[], error: unknown): void {
  for (const { reject } of batch) reject(error)
}

function settle(batch: readonly Waiting[], { epoch, first }: Appended): void {
  let last = first - 1
  for (const { entries, resolve } of batch) {
    last += entries.length
    resolve({ epoch, last })
  }
}
