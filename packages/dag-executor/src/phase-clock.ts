import type { PassingPhase } from './task-state.js'

/**
 * How long each task of an execution was in each phase; times are milliseconds since the execution began. In two blocks of numbers, since a
 * number in a member of an object is an object of its own, and there would be several for every task.
 */
export class PhaseClock {
  readonly #since: Float64Array
  readonly #spent: Float64Array

  constructor(tasks: number) {
    this.#since = new Float64Array(tasks)
    this.#spent = new Float64Array(tasks * 4)
  }

  /** When the task came into its present phase. */
  since(index: number): number {
    return this.#since[index]!
  }

  /** The task leaves a phase for another. */
  leave(index: number, phase: PassingPhase, at: number): void {
    this.#spent[index * 4 + column(phase)]! += at - this.#since[index]!
    this.#since[index] = at
  }

  /** Milliseconds in a phase, without the present one. */
  spent(index: number, phase: PassingPhase): number {
    return this.#spent[index * 4 + column(phase)]!
  }
}

/** Compared rather than looked up: this is asked several times for every task. */
function column(phase: PassingPhase): 0 | 1 | 2 | 3 {
  if (phase === 'waiting') return 0
  if (phase === 'ready') return 1
  return phase === 'running' ? 2 : 3
}
