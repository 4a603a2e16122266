import type { TaskResult } from './execution-result.js'
import type { Plan, PlannedTask } from './plan.js'
import { ReadyQueue } from './ready-queue.js'
import { describeFailure } from './task-failure.js'
import {
  createTaskResult,
  createTaskState,
  hasEnded,
  moveTo,
  type TaskResultParts,
  type TaskState,
} from './task-state.js'
import { ToolError } from './tool-error.js'

/**
 * Where every task of an execution is, and the steps from one phase to the next. It knows of no time and calls no tool. No step
 * calls itself for a dependent, so that the length of a chain is no matter.
 */
export class TaskBoard {
  readonly states: readonly TaskState[]
  readonly #plan: Plan
  readonly #onResult: (task: PlannedTask, result: TaskResult) => void
  readonly #ready = new ReadyQueue()
  #unsettled: number

  /** `onResult` is called with each result at once, before a dependent can become ready. */
  constructor(plan: Plan, onResult: (task: PlannedTask, result: TaskResult) => void) {
    this.#plan = plan
    this.#onResult = onResult
    this.states = plan.tasks.map(createTaskState)
    this.#unsettled = this.states.length
  }

  /** How many tasks have not come to their end. */
  get unsettled(): number {
    return this.#unsettled
  }

  /** The results so far, in the order of the plan. */
  results(): TaskResult[] {
    return this.states.flatMap(({ result }) => result ?? [])
  }

  outputOf(taskId: string): unknown {
    return this.states[this.#plan.indexes.get(taskId)!]!.result!.output
  }

  /** Makes the tasks ready that depend on nothing. */
  open(): void {
    for (const state of this.states) if (state.missing === 0) this.makeReady(state)
  }

  makeReady(state: TaskState): void {
    moveTo(state, 'ready')
    this.#ready.add(state.task)
  }

  /** Lets the next attempt begin, at the task whose turn it is; `undefined` where none can start now. */
  startNext(): TaskState | undefined {
    const task = this.#ready.take()
    if (!task) return undefined
    const state = this.states[task.index]!
    moveTo(state, 'running')
    state.attempts += 1
    return state
  }

  /** The attempt that was running is over. */
  attemptEnded(state: TaskState, executionTimeMs: number): void {
    state.executionTimeMs += executionTimeMs
    state.attempt = undefined
    this.#ready.release(state.task)
  }

  backOff(state: TaskState, stopBackoff: () => void): void {
    moveTo(state, 'backoff')
    state.stopBackoff = stopBackoff
  }

  succeed(state: TaskState, output: unknown): void {
    this.#settle(state, 'success', { output })
    for (const index of state.task.dependents) {
      const dependent = this.states[index]!
      dependent.missing -= 1
      if (dependent.missing === 0 && dependent.phase === 'waiting') this.makeReady(dependent)
    }
  }

  fail(state: TaskState, error: unknown): void {
    this.#settle(state, 'error', describeFailure(error))
  }

  /** Skips every task that depends on one that failed, over any number of tasks between. */
  skipDependents({ task }: TaskState): void {
    const next = [...task.dependents]
    // The list grows while it is read.
    for (const index of next) {
      const state = this.states[index]!
      if (hasEnded(state)) continue
      this.#settle(state, 'skipped', { because: task.id, code: 'dependency_failed' })
      for (const dependent of state.task.dependents) next.push(dependent)
    }
  }

  /**
   * Ends every task that is not running, because of a task that failed or, without one, of a cancel. A task that has had an
   * attempt counts as failed, the others as skipped (PROTOCOL.md §8.4).
   */
  endIdle(because?: string): void {
    this.#ready.clear()
    for (const state of this.states) {
      state.stopBackoff?.()
      if (hasEnded(state) || state.phase === 'running') continue
      const { attempts, failure } = state
      if (attempts === 0) {
        this.#settle(
          state,
          'skipped',
          because === undefined ? { code: 'cancelled' } : { because, code: 'dependency_failed' },
        )
      } else if (because === undefined) {
        this.fail(state, new ToolError('cancelled', 'The task was cancelled.', { cause: failure }))
      } else {
        this.fail(state, failure)
      }
    }
  }

  #settle(state: TaskState, status: TaskResult['status'], parts: TaskResultParts): void {
    moveTo(state, status)
    const result = createTaskResult(state, status, parts)
    state.result = result
    this.#unsettled -= 1
    this.#onResult(state.task, result)
  }
}
