import { hasEnded, type TaskPhase, type TaskState } from './task-state.js'

/** A phase that a task came into. */
export interface TaskMoment {
  readonly phase: TaskPhase
  /** Milliseconds since the execution began. */
  readonly at: number
  /** Counts the moments of the whole execution from 1, since many of them may have the same time. */
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
  /** The last moment of each task, and of each moment the one of the same task before; 0 where there is none. */
  readonly #last: Int32Array
  #before: Int32Array
  #phases: Uint8Array
  #times: Float64Array
  #size = 0
  /** What had been thrown before a moment, where anything had. */
  readonly #failures = new Map<number, unknown>()

  constructor(tasks: number) {
    this.#last = new Int32Array(tasks)
    // Most tasks become ready, run and end.
    const capacity = tasks * 3 + 1
    this.#before = new Int32Array(capacity)
    this.#phases = new Uint8Array(capacity)
    this.#times = new Float64Array(capacity)
  }

  record({ task, phase, incidents }: TaskState, at: number): void {
    this.#size += 1
    const sequence = this.#size
    if (sequence === this.#before.length) this.#grow()
    this.#before[sequence] = this.#last[task.index]!
    this.#last[task.index] = sequence
    this.#phases[sequence] = phases.indexOf(phase)
    this.#times[sequence] = at
    if (incidents?.failure !== undefined) this.#failures.set(sequence, incidents.failure)
  }

  of(index: number): readonly TaskMoment[] {
    const moments: TaskMoment[] = []
    for (let sequence = this.#last[index]!; sequence > 0; sequence = this.#before[sequence]!) {
      const phase = this.#phaseAt(sequence)
      moments.push({ phase, at: this.#times[sequence]!, sequence, failure: this.#failures.get(sequence) })
    }
    return moments.reverse()
  }

  /** The task out of these that came last to an end before a moment. */
  lastEnded(indexes: readonly number[], before: number): number | undefined {
    let [found, latest]: [number | undefined, number] = [undefined, 0]
    for (const index of indexes) {
      // An end is the last moment of a task.
      const sequence = this.#last[index]!
      if (sequence <= latest || sequence >= before || !hasEnded({ phase: this.#phaseAt(sequence) })) continue
      found = index
      latest = sequence
    }
    return found
  }

  #phaseAt(sequence: number): TaskPhase {
    return phases[this.#phases[sequence]!]!
  }

  #grow(): void {
    const capacity = this.#before.length * 2
    const [before, phasesOf, times] = [new Int32Array(capacity), new Uint8Array(capacity), new Float64Array(capacity)]
    before.set(this.#before)
    phasesOf.set(this.#phases)
    times.set(this.#times)
    this.#before = before
    this.#phases = phasesOf
    this.#times = times
  }
}
