import type { PassingPhase } from './task-state.js'

const columns: Readonly<Record<PassingPhase, number>> = { waiting: 0, ready: 1, running: 2, backoff: 3 }
const width = Object.keys(columns).length

/**
 * How long each task of an execution was in each phase; times are milliseconds since the execution began. In two blocks of numbers, since a
 * number in a member of an object is an object of its own, and there would be several for every task.
 */
export class PhaseClock {
  readonly #since: Float64Array
  readonly #spent: Float64Array

  constructor(tasks: number) {
    this.#since = new Float64Array(tasks)
    this.#spent = new Float64Array(tasks * width)
  }

  /** When the task came into its present phase. */
  since(index: number): number {
    return this.#since[index]!
  }

  /** The task leaves a phase for another. */
  leave(index: number, phase: PassingPhase, at: number): void {
    this.#spent[index * width + columns[phase]]! += at - this.#since[index]!
    this.#since[index] = at
  }

  /** Milliseconds in a phase, without the present one. */
  spent(index: number, phase: PassingPhase): number {
    return this.#spent[index * width + columns[phase]]!
  }
}
