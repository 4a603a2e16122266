import { Attempt, type AttemptHost } from './attempt.js'
import type { ObserveExecution } from './execution-mark.js'
import type { ExecutionSettings, PreparedExecution } from './execution-settings.js'
import { createIdempotencyKeys } from './idempotency-key.js'
import { jsonText } from './json-size.js'
import { mayRetry, retryDelay } from './retry.js'
import type { TaskBoard } from './task-board.js'
import { countedAttempts, hasEnded, incidentsOf, type TaskState } from './task-state.js'
import { startTimer } from './timer.js'
import { ToolError } from './tool-error.js'

/** The execution that a runner works for. `at` is the time in milliseconds since it began. */
export interface RunnerHost {
  /** Has something happen, now. */
  step(change: (at: number) => void): void
  /** A time in milliseconds since 1970; left out, now. */
  date(at?: number): number
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
  readonly #observe: ObserveExecution | undefined
  readonly #host: RunnerHost
  readonly #attempts: AttemptHost

  constructor(
    board: TaskBoard,
    settings: ExecutionSettings,
    { executionId, journal }: PreparedExecution,
    observe: ObserveExecution | undefined,
    host: RunnerHost,
  ) {
    this.#board = board
    this.#settings = settings
    this.#observe = observe
    this.#host = host
    this.#attempts = {
      executionId,
      validateArguments: settings.validateArguments,
      outputOf: board.outputOf,
      idempotencyKey: createIdempotencyKeys(executionId),
      succeeded: (state, output) =>
        host.step((at) => {
          const logged = journal && jsonCopy(output)
          if (logged) incidentsOf(state).logged = logged
          if (journal && !logged) this.#attemptFailed(state, unserialisable(), at)
          else board.succeed(state, output, at)
        }),
      failed: (state, error) => host.step((at) => this.#attemptFailed(state, error, at)),
      progress: (task, attempt, progress, message) =>
        observe?.({ type: 'task_progress', at: host.date(), task, attempt, progress, message }),
      output: (task, attempt, output) => observe?.({ type: 'task_output', at: host.date(), task, attempt, output }),
    }
  }

  /** Begins the next attempt at a task that has got its slot. */
  start(state: TaskState, at: number): void {
    const { task, attempts: number } = state
    this.#observe?.({ type: 'task_start', at: this.#host.date(at), task, attempt: number })
    if (task.policy.totalTimeout !== Number.POSITIVE_INFINITY) this.#limitTotalTime(state, at)
    const attempt = new Attempt(state, this.#attempts)
    state.attempt = attempt
    attempt.start()
  }

  /** Ends one task, at once where it is not running; the others are none of its business. */
  cancelTask(state: TaskState, reason: unknown, at: number): void {
    if (hasEnded(state) || state.incidents?.cancelledBy !== undefined) return
    incidentsOf(state).cancelledBy = 'task'
    if (state.attempt) state.attempt.cancel(reason, cancelText, this.#settings.grace)
    else if (!this.#board.cancelIdle(state, reason, at)) this.#board.skipDependents(state, at)
  }

  /** Tells every tool that is running to stop, since the execution ends. */
  cancelRunning(reason: unknown, text = cancelText): void {
    for (const state of this.#board.states) {
      if (!state.attempt) continue
      incidentsOf(state).cancelledBy ??= 'execution'
      state.attempt.cancel(reason, text, this.#settings.grace)
    }
  }

  #attemptFailed(state: TaskState, error: unknown, at: number): void {
    const incidents = incidentsOf(state)
    incidents.failure = error
    const isLast = this.#host.isStopped() || incidents.isOverdue || incidents.cancelledBy !== undefined
    if (isLast || !mayRetry(state.task.policy, error, countedAttempts(state))) this.#fail(state, error, at)
    else this.#retry(state, error, at)
  }

  #retry(state: TaskState, error: unknown, at: number): void {
    const { task, attempts, incidents } = state
    const delayMs = retryDelay(task.policy, countedAttempts(state), Math.random())
    const until = at + delayMs
    if (incidents?.deadline && until >= incidents.deadline.at) {
      this.#fail(state, overdue(state), at)
      return
    }
    this.#observe?.({ type: 'task_retry', at: this.#host.date(at), task, attempt: attempts, delayMs, error })
    const stop = startTimer(delayMs, () => this.#host.step((now) => this.#board.wake(state, now)))
    this.#board.retry(state, { until, stop }, at)
  }

  #limitTotalTime(state: TaskState, startedAt: number): void {
    const incidents = incidentsOf(state)
    if (incidents.deadline) return
    const { totalTimeout } = state.task.policy
    const stop = startTimer(totalTimeout, () =>
      this.#host.step((at) => {
        incidents.isOverdue = true
        if (state.attempt) state.attempt.timeOut(overdueText(state))
        else this.#fail(state, overdue(state), at)
      }),
    )
    incidents.deadline = { at: startedAt + totalTimeout, stop }
  }

  #fail(state: TaskState, error: unknown, at: number): void {
    if (this.#board.fail(state, error, at)) return
    if (state.incidents?.cancelledBy === 'task') this.#board.skipDependents(state, at)
    else this.#host.taskFailed(state, at)
  }
}

/** What JSON makes of an output, which its tool may go on to change; `undefined` where that is nothing. */
function jsonCopy(output: unknown): { readonly output: unknown } | undefined {
  if (output === undefined || typeof output === 'string') return { output }
  const text = jsonText(output)
  return text === undefined ? undefined : { output: JSON.parse(text) }
}

function unserialisable(): ToolError {
  return new ToolError('unserialisable_output', 'The output has no JSON text, so that it cannot be journalled.')
}

function overdueText({ task }: TaskState): string {
  return `The task took longer than ${task.policy.totalTimeout} ms in all its attempts.`
}

function overdue(state: TaskState): ToolError {
  return new ToolError('timeout', overdueText(state), { cause: state.incidents?.failure })
}
