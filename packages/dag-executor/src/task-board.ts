import type { TaskResult } from './execution-result.js'
import { PhaseClock } from './phase-clock.js'
import type { Plan } from './plan.js'
import { ReadyQueue } from './ready-queue.js'
import { noOutput } from './references.js'
import { describeFailure } from './task-failure.js'
import type { TaskHistory } from './task-history.js'
import {
  createSuccess,
  createTaskResult,
  createTaskState,
  hasEnded,
  incidentsOf,
  type TaskIncidents,
  type TaskResultParts,
  type TaskState,
} from './task-state.js'
import { type BoardLedger, type TaskEvent, transition } from './task-transitions.js'
import { ToolError } from './tool-error.js'

/** Where a log left a task. */
export interface RestoredTask {
  /** Where it had come to its end. */
  readonly result: TaskResult | undefined
  /** That had begun. */
  readonly attempts: number
  /** Of these, those that had neither succeeded nor failed. */
  readonly lostAttempts: number
  /** What the last failed attempt is known by, where the task had not come to its end. */
  readonly failure: unknown
  /** As of {@link TaskState.incidents}. */
  readonly generation: number
}

export interface TaskBoardOptions {
  readonly maxConcurrency: number
  readonly history: TaskHistory | undefined
  /** Called with each result at once, before a dependent can become ready. */
  readonly onResult: (state: TaskState, result: TaskResult) => void
  /** Called after that, where the end of a task lets its dependents go: has `letDependentsGo` called, now or later. */
  readonly onReleased: (state: TaskState, at: number) => void
}

/**
 * Where every task of an execution is, and what the phase of one means for the others. It has no clock and calls no tool: `at` is
 * always the time in milliseconds since the execution began. No step calls itself for a dependent, so that the length of a
 * chain is no matter.
 */
export class TaskBoard {
  /** For tests of this package: called after every transition, to look for contradictions. */
  static check: ((board: TaskBoard, changed: TaskState) => void) | undefined

  readonly states: readonly TaskState[]
  readonly ledger: BoardLedger
  readonly maxConcurrency: number
  readonly #plan: Plan
  readonly #history: TaskHistory | undefined
  readonly #onResult: TaskBoardOptions['onResult']
  readonly #onReleased: TaskBoardOptions['onReleased']
  /** No task is to start any more. */
  #isStopped = false

  constructor(plan: Plan, { maxConcurrency, history, onResult, onReleased }: TaskBoardOptions) {
    this.#plan = plan
    this.maxConcurrency = maxConcurrency
    this.#history = history
    this.#onResult = onResult
    this.#onReleased = onReleased
    this.states = plan.tasks.map(createTaskState)
    const { length } = this.states
    this.ledger = { ready: new ReadyQueue(plan.tasks), clock: new PhaseClock(length), running: 0, unsettled: length }
  }

  /** How many tasks have not come to their end. */
  get unsettled(): number {
    return this.ledger.unsettled
  }

  /** The results so far, in the order of the plan. */
  results(): TaskResult[] {
    const results: TaskResult[] = []
    for (const { result } of this.states) if (result) results.push(result)
    return results
  }

  /** What dependents of a task get, or {@link noOutput}. Needs no `this`. */
  readonly outputOf = (taskId: string): unknown => {
    const { output, handled } = this.states[this.#plan.indexes.get(taskId)!]!.result!
    return handled === 'ignored' ? noOutput : output
  }

  /** Puts tasks where a log left them, before `open`; those that have ended are not told of again. */
  restore(tasks: ReadonlyMap<number, RestoredTask>): void {
    for (const [index, { result, attempts, ...incidents }] of tasks) {
      const state = this.states[index]!
      state.attempts = attempts
      Object.assign(incidentsOf(state), incidents)
      if (!result) continue
      state.phase = result.status
      state.result = result
      this.ledger.unsettled -= 1
      if (result.status === 'success' || result.handled) {
        for (const dependent of state.task.dependents) this.states[dependent]!.missing -= 1
      }
    }
  }

  /** Lets the tasks go that depend on nothing. */
  open(at: number): void {
    for (const state of this.states) this.#releaseIfFree(state, at)
  }

  /** The task whose turn it is to start, whose tool's slot is then taken; `undefined` where none can start now. */
  next(): TaskState | undefined {
    const { ready, running } = this.ledger
    if (running >= this.maxConcurrency) return undefined
    for (let task = ready.take(); task; task = ready.take()) {
      const state = this.states[task.index]!
      if (state.phase === 'ready') return state
      // It came to its end while it was in the queue.
      ready.release(task)
    }
    return undefined
  }

  start(state: TaskState, at: number): void {
    this.#move(state, 'start', at)
  }

  retry(state: TaskState, backoff: TaskIncidents['backoff'], at: number): void {
    incidentsOf(state).backoff = backoff
    this.#move(state, 'retry', at)
  }

  wake(state: TaskState, at: number): void {
    this.#move(state, 'wake', at)
  }

  succeed(state: TaskState, output: unknown, at: number): void {
    this.#move(state, 'succeed', at)
    this.#report(state, createSuccess(state, output, this.ledger.clock))
    this.#onReleased(state, at)
  }

  /** Whether the failure was handled, so that it skips no dependent. */
  fail(state: TaskState, error: unknown, at: number): boolean {
    // Whoever ends the whole execution does not want the dependents either.
    const isUnwanted = this.#isStopped || state.incidents?.cancelledBy === 'execution'
    const onError = isUnwanted ? undefined : state.task.policy.onError
    this.#settle(state, 'error', { ...describeFailure(error), ...onError }, at)
    if (onError) this.#onReleased(state, at)
    return onError !== undefined
  }

  /** Ends a task that is not running, and that somebody cancelled alone; whether that was handled. */
  cancelIdle(state: TaskState, reason: unknown, at: number): boolean {
    const { attempts, incidents, task } = state
    if (attempts > 0) return this.fail(state, cancelled(incidents?.failure ?? reason), at)
    const { onError } = task.policy
    this.#settle(state, 'skipped', { code: 'cancelled', ...onError }, at)
    if (onError) this.#onReleased(state, at)
    return onError !== undefined
  }

  /** Skips every task that depends on one that failed, over any number of tasks between. */
  skipDependents({ task }: TaskState, at: number, because = task.id): void {
    const next = [...task.dependents]
    // The list grows while it is read.
    for (const index of next) {
      const state = this.states[index]!
      if (hasEnded(state)) continue
      this.#settle(state, 'skipped', { because, code: 'dependency_failed' }, at)
      for (const dependent of state.task.dependents) next.push(dependent)
    }
  }

  /** Of a task whose end lets them go. */
  letDependentsGo({ task }: TaskState, at: number): void {
    for (const index of task.dependents) {
      const dependent = this.states[index]!
      dependent.missing -= 1
      this.#releaseIfFree(dependent, at)
    }
  }

  /**
   * Ends every task that is not running, because of a task that failed or, without one, of a cancel. A task that has had an
   * attempt counts as failed, the others as skipped (PROTOCOL.md §8.4).
   */
  endIdle(because: string | undefined, at: number): void {
    this.#isStopped = true
    this.ledger.ready.clear()
    for (const state of this.states) {
      if (hasEnded(state) || state.phase === 'running') continue
      const { attempts } = state
      const failure = state.incidents?.failure
      if (because === undefined) incidentsOf(state).cancelledBy ??= 'execution'
      if (attempts > 0) this.fail(state, because === undefined ? cancelled(failure) : failure, at)
      else if (because === undefined) this.#settle(state, 'skipped', { code: 'cancelled' }, at)
      else this.#settle(state, 'skipped', { because, code: 'dependency_failed' }, at)
    }
  }

  #releaseIfFree(state: TaskState, at: number): void {
    if (state.missing === 0 && state.phase === 'waiting') this.#move(state, 'release', at)
  }

  #settle(state: TaskState, status: 'error' | 'skipped', parts: TaskResultParts, at: number): void {
    this.#move(state, status === 'error' ? 'fail' : 'skip', at)
    this.#report(state, createTaskResult(state, status, parts, this.ledger.clock))
  }

  #report(state: TaskState, result: TaskResult): void {
    state.result = result
    this.#onResult(state, result)
  }

  #move(state: TaskState, event: TaskEvent, at: number): void {
    transition(state, event, at, this.ledger)
    this.#history?.record(state, at)
    TaskBoard.check?.(this, state)
  }
}

function cancelled(cause: unknown): ToolError {
  return new ToolError('cancelled', 'The task was cancelled.', { cause })
}
