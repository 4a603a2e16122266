import type { TaskPhase, TaskState } from './task-state.js'

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

/** Every phase that every task came into after it was `waiting`. */
export class TaskHistory {
  readonly #moments = new Map<number, TaskMoment[]>()
  #sequence = 0

  record({ task, phase, failure }: TaskState, at: number): void {
    const moment = { phase, at, sequence: this.#sequence, failure }
    this.#sequence += 1
    const moments = this.#moments.get(task.index)
    if (moments) moments.push(moment)
    else this.#moments.set(task.index, [moment])
  }

  of(index: number): readonly TaskMoment[] {
    return this.#moments.get(index) ?? []
  }
}
