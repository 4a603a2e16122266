import type { ExecutionMark, OutputMark, ProgressMark } from './execution-mark.js'

/** So many events are taken at once at most, so that what is made of them does not hold the event loop. */
export const maxBatchEvents = 1_000
/** So many places may be empty before those that are not move together. */
const maxEmptyPlaces = 1_024

/**
 * What has happened in an execution and was not taken by its consumer yet, in order. Pushing never waits.
 *
 * Progress and partial output are bounded: beyond the limit, older progress of an attempt is first merged into its newer progress, and
 * where there is none, the oldest of them is dropped and counted. All else is kept; of that there is no more than the
 * number of tasks and attempts allows.
 */
export class BufferedEventStream {
  readonly #maxBufferedEvents: number
  /** In order. What was taken, merged or dropped leaves its place empty, so that the places of the others stay true. */
  #marks: (ExecutionMark | undefined)[] = []
  #size = 0
  /** No place before this one holds anything. */
  #first = 0
  /** How many of the marks may be dropped, and a place before which there is none of them. */
  #droppable = 0
  #firstDroppable = 0
  /** Pairs of places: of progress, and of the next progress of the same attempt. From `#firstPair` on, but the first of a pair may be empty. */
  #superseded: number[] = []
  #firstPair = 0
  /** Where the newest progress of each task was put, by the task's index; the place may be empty. */
  readonly #progress = new Map<number, number>()
  #dropped = 0
  #ended = false
  #discarding = false
  #waiting: Promise<void> | undefined
  #wake: (() => void) | undefined

  constructor(maxBufferedEvents: number) {
    this.#maxBufferedEvents = maxBufferedEvents
  }

  /** How many events were dropped because the consumer was too slow. */
  get dropped(): number {
    return this.#dropped
  }

  /** How many events are waiting. */
  get size(): number {
    return this.#size
  }

  /** Nothing more will be pushed. */
  get ended(): boolean {
    return this.#ended
  }

  push(mark: ExecutionMark): void {
    if (this.#discarding) return
    if (isDroppable(mark) && this.#droppable >= this.#maxBufferedEvents) this.#makeRoom()
    this.#append(mark)
    this.#wake?.()
  }

  /** The oldest event, which is then no longer here. */
  take(): ExecutionMark | undefined {
    if (this.#size === 0) return undefined
    while (this.#marks[this.#first] === undefined) this.#first += 1
    return this.#remove(this.#first)
  }

  /** All that waits, up to {@link maxBatchEvents}; empty where nothing does. */
  takeBatch(): ExecutionMark[] {
    const length = Math.min(this.#size, maxBatchEvents)
    const batch: ExecutionMark[] = []
    while (batch.length < length) batch.push(this.take()!)
    return batch
  }

  /** Resolves as soon as there is something to take, or the end. */
  wait(): Promise<void> {
    if (this.#size > 0 || this.#ended) return Promise.resolve()
    this.#waiting ??= new Promise((resolve) => {
      this.#wake = () => {
        this.#waiting = undefined
        this.#wake = undefined
        resolve()
      }
    })
    return this.#waiting
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  /** The consumer is gone: what is here and what is still to come is of no use to anybody. */
  discard(): void {
    this.#discarding = true
    this.#clear()
    // Whoever waits waits for nothing any more.
    this.#wake?.()
  }

  #append(mark: ExecutionMark): void {
    const place = this.#marks.push(mark) - 1
    this.#size += 1
    if (!isDroppable(mark)) return
    this.#droppable += 1
    if (mark.type === 'task_progress') this.#supersede(mark, place)
  }

  #supersede({ task, attempt }: ProgressMark, place: number): void {
    const before = this.#progress.get(task.index)
    this.#progress.set(task.index, place)
    if (before === undefined) return
    const older = this.#marks[before] as ProgressMark | undefined
    if (older?.attempt === attempt) this.#superseded.push(before, place)
  }

  #makeRoom(): void {
    while (this.#firstPair < this.#superseded.length) {
      const [older, newer] = [this.#superseded[this.#firstPair]!, this.#superseded[this.#firstPair + 1]!]
      this.#firstPair += 2
      if (this.#marks[older] === undefined) continue
      this.#marks[newer] = mergeProgress(this.#marks[older] as ProgressMark, this.#marks[newer] as ProgressMark)
      this.#remove(older)
      return
    }
    this.#dropped += 1
    while (!isDroppable(this.#marks[this.#firstDroppable])) this.#firstDroppable += 1
    this.#remove(this.#firstDroppable)
  }

  #remove(place: number): ExecutionMark | undefined {
    const mark = this.#marks[place]
    this.#marks[place] = undefined
    this.#size -= 1
    if (isDroppable(mark)) this.#droppable -= 1
    // Each move is paid for by as many removals as there are marks to move.
    if (this.#marks.length > 2 * this.#size + maxEmptyPlaces) this.#moveTogether()
    return mark
  }

  /** Puts what is left in once more: what supersedes what then comes out as before, since it goes from the oldest to the newest. */
  #moveTogether(): void {
    const marks = this.#marks
    this.#clear()
    for (const mark of marks) if (mark) this.#append(mark)
  }

  #clear(): void {
    this.#marks = []
    this.#size = 0
    this.#first = 0
    this.#droppable = 0
    this.#firstDroppable = 0
    this.#superseded = []
    this.#firstPair = 0
    this.#progress.clear()
  }
}

function isDroppable(mark: ExecutionMark | undefined): mark is ProgressMark | OutputMark {
  return mark?.type === 'task_progress' || mark?.type === 'task_output'
}

/** A newer progress says again what the older one said, where it does not say otherwise. */
function mergeProgress(older: ProgressMark, newer: ProgressMark): ProgressMark {
  const { progress = older.progress, message = older.message } = newer
  return { ...newer, progress, message }
}
