import { Attempt, type AttemptListener, type AttemptOutcome } from './attempt.js'
import type { ObserveExecution } from './execution-mark.js'
import type { ExecutionSettings, PreparedExecution } from './execution-settings.js'
import { mayRetry, retryDelay } from './retry.js'
import type { TaskBoard } from './task-board.js'
import { hasEnded, type TaskState } from './task-state.js'
import { startTimer } from './timer.js'
import { ToolError } from './tool-error.js'

/** The execution that a runner works for. `at` is the time in milliseconds since it began. */
export interface RunnerHost {
  /** Has something happen, now. */
  step(change: (at: number) => void): void
  /** Whether no attempt is to start any more. */
  isStopped(): boolean
  /** A task failed, and that was not handled. */
  taskFailed(state: TaskState, at: number): void
}

const cancelText = 'The task was cancelled.'

/** Calls the tools of an execution, keeps the time of each task, tries again, and tells tools to stop. */
export class TaskRunner {
  readonly #board: TaskBoard
  readonly #settings: ExecutionSettings
  readonly #executionId: string
  readonly #observe: ObserveExecution | undefined
  readonly #host: RunnerHost
  readonly #outputOf = (taskId: string): unknown => this.#board.outputOf(taskId)
  readonly #listener: AttemptListener = {
    ended: (state, outcome) => this.#host.step((at) => this.#attemptEnded(state, outcome, at)),
    progress: (task, attempt, progress, message) =>
      this.#observe?.({ type: 'task_progress', at: Date.now(), task, attempt, progress, message }),
    output: (task, attempt, output) => this.#observe?.({ type: 'task_output', at: Date.now(), task, attempt, output }),
  }

  constructor(
    board: TaskBoard,
    settings: ExecutionSettings,
    { executionId }: PreparedExecution,
    observe: ObserveExecution | undefined,
    host: RunnerHost,
  ) {
    this.#board = board
    this.#settings = settings
    this.#executionId = executionId
    this.#observe = observe
    this.#host = host
  }

  /** Begins the next attempt at a task that has got its slot. */
  start(state: TaskState, at: number): void {
    const { task, attempts: number } = state
    this.#observe?.({ type: 'task_start', at: Date.now(), task, attempt: number })
    if (number === 1) this.#limitTotalTime(state, at)
    const attempt = new Attempt(state, this.#listener)
    state.attempt = attempt
    attempt.start(this.#executionId, this.#outputOf, this.#settings.validateArguments)
  }

  /** Ends one task, at once where it is not running; the others are none of its business. */
  cancelTask(state: TaskState, reason: unknown, at: number): void {
    if (hasEnded(state) || state.cancelledBy !== undefined) return
    state.cancelledBy = 'task'
    if (state.attempt) state.attempt.cancel(reason, cancelText, this.#settings.grace)
    else if (!this.#board.cancelIdle(state, reason, at)) this.#board.skipDependents(state, at)
  }

  /** Tells every tool that is running to stop, since the execution ends. */
  cancelRunning(reason: unknown, text = cancelText): void {
    for (const state of this.#board.states) {
      if (!state.attempt) continue
      state.cancelledBy ??= 'execution'
      state.attempt.cancel(reason, text, this.#settings.grace)
    }
  }

  #attemptEnded(state: TaskState, outcome: AttemptOutcome, at: number): void {
    if (outcome.type === 'success') {
      this.#board.succeed(state, outcome.output, at)
      return
    }
    const { error } = outcome
    state.failure = error
    const isLast = this.#host.isStopped() || state.isOverdue || state.cancelledBy !== undefined
    if (isLast || !mayRetry(state.task.policy, error, state.attempts)) this.#fail(state, error, at)
    else this.#retry(state, at)
  }

  #retry(state: TaskState, at: number): void {
    const { task, attempts, failure, deadline } = state
    const delayMs = retryDelay(task.policy, attempts, Math.random())
    const until = at + delayMs
    if (deadline && until >= deadline.at) {
      this.#fail(state, overdue(state), at)
      return
    }
    this.#observe?.({ type: 'task_retry', at: Date.now(), task, attempt: attempts, delayMs, error: failure })
    const stop = startTimer(delayMs, () => this.#host.step((now) => this.#board.wake(state, now)))
    this.#board.retry(state, { until, stop }, at)
  }

  #limitTotalTime(state: TaskState, startedAt: number): void {
    const { totalTimeout } = state.task.policy
    if (totalTimeout === Number.POSITIVE_INFINITY) return
    const stop = startTimer(totalTimeout, () =>
      this.#host.step((at) => {
        state.isOverdue = true
        if (state.attempt) state.attempt.timeOut(overdueText(state))
        else this.#fail(state, overdue(state), at)
      }),
    )
    state.deadline = { at: startedAt + totalTimeout, stop }
  }

  #fail(state: TaskState, error: unknown, at: number): void {
    if (this.#board.fail(state, error, at)) return
    if (state.cancelledBy === 'task') this.#board.skipDependents(state, at)
    else this.#host.taskFailed(state, at)
  }
}

function overdueText({ task }: TaskState): string {
  return `The task took longer than ${task.policy.totalTimeout} ms in all its attempts.`
}

function overdue(state: TaskState): ToolError {
  return new ToolError('timeout', overdueText(state), { cause: state.failure })
}
