import { hasEnded, type TaskPhase, type TaskState } from './task-state.js'

/** A phase that a task came into. */
export interface TaskMoment {
  readonly phase: TaskPhase
  /** Milliseconds since the execution began. */
  readonly at: number
  /** Counts the moments of the whole execution, since many of them may have the same time. */
  readonly sequence: number
  /** What the last failed attempt threw before. */
  readonly failure: unknown
}

const phases: readonly TaskPhase[] = ['waiting', 'ready', 'running', 'backoff', 'success', 'error', 'skipped']

/**
 * Every phase that every task came into after it was `waiting`. Kept as columns of numbers: a moment is written four times a task, and
 * read when somebody asks about one.
 */
export class TaskHistory {
  #tasks: Int32Array
  #phases: Uint8Array
  #times: Float64Array
  #size = 0
  /** What had been thrown before a moment, where anything had. */
  readonly #failures = new Map<number, unknown>()

  constructor(tasks: number) {
    // Most tasks become ready, run and end.
    const capacity = tasks * 3 + 1
    this.#tasks = new Int32Array(capacity)
    this.#phases = new Uint8Array(capacity)
    this.#times = new Float64Array(capacity)
  }

  record({ task, phase, incidents }: TaskState, at: number): void {
    const sequence = this.#size
    if (sequence === this.#tasks.length) this.#grow()
    this.#tasks[sequence] = task.index
    this.#phases[sequence] = phases.indexOf(phase)
    this.#times[sequence] = at
    if (incidents?.failure !== undefined) this.#failures.set(sequence, incidents.failure)
    this.#size += 1
  }

  of(index: number): readonly TaskMoment[] {
    const moments: TaskMoment[] = []
    for (
      let sequence = this.#tasks.indexOf(index);
      sequence >= 0;
      sequence = this.#tasks.indexOf(index, sequence + 1)
    ) {
      if (sequence >= this.#size) break
      const phase = phases[this.#phases[sequence]!]!
      moments.push({ phase, at: this.#times[sequence]!, sequence, failure: this.#failures.get(sequence) })
    }
    return moments
  }

  /** The task out of these that came last to an end before a moment. */
  lastEnded(indexes: ReadonlySet<number>, before: number): number | undefined {
    for (let sequence = Math.min(before, this.#size) - 1; sequence >= 0; sequence -= 1) {
      const index = this.#tasks[sequence]!
      if (indexes.has(index) && hasEnded({ phase: phases[this.#phases[sequence]!]! })) return index
    }
    return undefined
  }

  #grow(): void {
    const capacity = this.#tasks.length * 2
    const [tasks, phasesOf, times] = [new Int32Array(capacity), new Uint8Array(capacity), new Float64Array(capacity)]
    tasks.set(this.#tasks)
    phasesOf.set(this.#phases)
    times.set(this.#times)
    this.#tasks = tasks
    this.#phases = phasesOf
    this.#times = times
  }
}
