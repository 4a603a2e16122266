import type { ExecutionMark, ProgressMark } from './execution-mark.js'
import { LinkedList, type LinkedNode } from './linked-list.js'

interface Entry {
  mark: ExecutionMark
  place?: LinkedNode<Entry>
  /** Where it may be dropped. */
  droppable?: LinkedNode<Entry>
  /** Where newer progress of the same attempt is waiting as well. */
  superseded?: LinkedNode<Entry>
  newer?: Entry
}

/**
 * What has happened in an execution and was not taken by its consumer yet, in order. Pushing never waits.
 *
 * Progress and partial output are bounded: beyond the limit, older progress of an attempt is first merged into its newer progress, and
 * where there is none, the oldest of them is dropped and counted. All else is kept; of that there is no more than the
 * number of tasks and attempts allows.
 */
export class BufferedEventStream {
  readonly #maxBufferedEvents: number
  readonly #entries = new LinkedList<Entry>()
  readonly #droppable = new LinkedList<Entry>()
  readonly #superseded = new LinkedList<Entry>()
  /** The newest progress of each task that has some here, by the task's index. */
  readonly #progress = new Map<number, Entry>()
  #dropped = 0
  #ended = false
  #discarding = false
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
    return this.#entries.size
  }

  /** Nothing more will be pushed. */
  get ended(): boolean {
    return this.#ended
  }

  push(mark: ExecutionMark): void {
    if (this.#discarding) return
    const entry: Entry = { mark }
    if (mark.type === 'task_progress' || mark.type === 'task_output') {
      if (this.#droppable.size >= this.#maxBufferedEvents) this.#makeRoom()
      entry.droppable = this.#droppable.append(entry)
      if (mark.type === 'task_progress') this.#supersede(mark, entry)
    }
    entry.place = this.#entries.append(entry)
    this.#wake?.()
  }

  /** The oldest event, which is then no longer here. */
  take(): ExecutionMark | undefined {
    const entry = this.#entries.first
    if (entry) this.#remove(entry)
    return entry?.mark
  }

  /** Resolves as soon as there is something to take, or the end. For one consumer. */
  async wait(): Promise<void> {
    if (this.#entries.size > 0 || this.#ended) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#wake = undefined
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  /** The consumer is gone: what is here and what is still to come is of no use to anybody. */
  discard(): void {
    this.#discarding = true
    this.#entries.clear()
    this.#droppable.clear()
    this.#superseded.clear()
    this.#progress.clear()
  }

  #supersede(mark: ProgressMark, entry: Entry): void {
    const older = this.#progress.get(mark.task.index)
    this.#progress.set(mark.task.index, entry)
    if (older?.mark.type !== 'task_progress' || older.mark.attempt !== mark.attempt) return
    older.newer = entry
    older.superseded = this.#superseded.append(older)
  }

  #makeRoom(): void {
    const superseded = this.#superseded.first
    if (superseded) {
      mergeProgress(superseded)
      this.#remove(superseded)
      return
    }
    this.#dropped += 1
    const oldest = this.#droppable.first
    if (oldest) this.#remove(oldest)
  }

  #remove(entry: Entry): void {
    if (entry.place) this.#entries.remove(entry.place)
    if (entry.droppable) this.#droppable.remove(entry.droppable)
    if (entry.superseded) this.#superseded.remove(entry.superseded)
    const { mark } = entry
    if (mark.type === 'task_progress' && this.#progress.get(mark.task.index) === entry) {
      this.#progress.delete(mark.task.index)
    }
  }
}

/** A newer progress says again what the older one said, where it does not say otherwise. */
function mergeProgress({ mark: older, newer }: Entry): void {
  if (older.type !== 'task_progress' || newer?.mark.type !== 'task_progress') return
  const { progress = older.progress, message = older.message } = newer.mark
  newer.mark = { ...newer.mark, progress, message }
}
