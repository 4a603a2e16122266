import { Attempt, type AttemptOutcome } from './attempt.js'
import type { ObserveExecution } from './execution-mark.js'
import { type ExecutionResult, type ExecutionStatus, summarize, type TaskResult } from './execution-result.js'
import type { Plan, PlannedTask } from './plan.js'
import { retryDelay } from './policy.js'
import { StartBudget } from './start-budget.js'
import { TaskBoard } from './task-board.js'
import { failureCode, isTimeout } from './task-failure.js'
import type { TaskState } from './task-state.js'
import { startTimer } from './timer.js'
import type { ValidateArguments } from './tool.js'
import { ToolError } from './tool-error.js'

export interface ExecutionSettings {
  readonly maxConcurrency: number
  readonly failureMode: 'continue' | 'finish-running' | 'fail-fast'
  readonly grace: number
  readonly validateArguments: ValidateArguments | undefined
}

/** A plan that can be run, and what one run of it is to do. */
export interface PreparedExecution {
  readonly plan: Plan
  readonly executionId: string
  readonly signal: AbortSignal | undefined
  readonly onTaskComplete: ((result: TaskResult) => void) | undefined
}

/** Somebody who is told of everything that happens. */
export interface ExecutionWatch {
  readonly planHash: string
  readonly observe: ObserveExecution
}

/** Failures that another attempt cannot mend. */
const finalCodes: ReadonlySet<string> = new Set(['invalid_arguments', 'unresolved_reference'])

/** One run of a plan: calls the tools, keeps the time, and stops when it is told to. */
export class Execution {
  readonly #settings: ExecutionSettings
  readonly #prepared: PreparedExecution
  readonly #planHash: string
  readonly #observe: ObserveExecution | undefined
  readonly #board: TaskBoard
  readonly #budget = new StartBudget(() => this.#step(() => undefined))
  readonly #startedAt = performance.now()
  #running = 0
  /** Once set, no attempt starts. */
  #stopped = false
  #ended = false
  #cancelStatus: 'cancelled' | 'timeout' | undefined
  /** The execution itself failed. */
  #failure: { readonly error: unknown } | undefined
  #stopGrace: (() => void) | undefined
  #resolve!: (result: ExecutionResult) => void
  #reject!: (error: unknown) => void

  constructor(settings: ExecutionSettings, prepared: PreparedExecution, watch?: ExecutionWatch) {
    this.#settings = settings
    this.#prepared = prepared
    this.#planHash = watch?.planHash ?? ''
    this.#observe = watch?.observe
    this.#board = new TaskBoard(prepared.plan, (task, result) => this.#taskEnded(task, result))
  }

  /** @throws What `onTaskComplete` threw, once the tasks have come to an end. */
  run(): Promise<ExecutionResult> {
    const { signal, executionId, plan } = this.#prepared
    const promise = new Promise<ExecutionResult>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#step(() => {
      this.#observe?.({ type: 'execution_start', at: Date.now(), executionId, plan, planHash: this.#planHash })
      signal?.addEventListener('abort', this.#onAbort)
      if (signal?.aborted) this.#cancel(signal.reason)
      else this.#board.open()
    })
    return promise
  }

  readonly #onAbort = (): void => this.#step(() => this.#cancel(this.#prepared.signal?.reason))

  /** Whatever happens, happens in here; afterwards, what can start starts, in bursts that leave turns to others. */
  #step(change: () => void): void {
    if (this.#ended) return
    try {
      change()
      while (!this.#stopped && !this.#budget.isPaused && this.#running < this.#settings.maxConcurrency) {
        const state = this.#board.startNext()
        if (!state) break
        this.#budget.spend(() => this.#start(state))
      }
    } catch (error) {
      this.#fail(error)
    }
    if (this.#board.unsettled === 0) this.#finish()
  }

  #start(state: TaskState): void {
    const { task, attempts: number } = state
    this.#running += 1
    this.#observe?.({ type: 'task_start', at: Date.now(), task, attempt: number })
    const attempt = new Attempt({
      ended: (outcome) => this.#step(() => this.#attemptEnded(state, attempt, outcome)),
      progress: (progress, message) =>
        this.#observe?.({ type: 'task_progress', at: Date.now(), task, attempt: number, progress, message }),
      output: (output) => this.#observe?.({ type: 'task_output', at: Date.now(), task, attempt: number, output }),
    })
    state.attempt = attempt
    const about = { executionId: this.#prepared.executionId, attempt: number }
    attempt.start(task, about, (taskId) => this.#board.outputOf(taskId), this.#settings.validateArguments)
  }

  #attemptEnded(state: TaskState, attempt: Attempt, outcome: AttemptOutcome): void {
    this.#running -= 1
    this.#board.attemptEnded(state, performance.now() - attempt.startedAt)
    if (outcome.type === 'success') {
      this.#board.succeed(state, outcome.output)
      return
    }
    state.failure = outcome.error
    if (this.#mayRetry(state)) {
      this.#retry(state)
    } else {
      this.#board.fail(state, outcome.error)
      if (!this.#stopped) this.#applyFailureMode(state)
    }
  }

  #mayRetry({ task, attempts, failure }: TaskState): boolean {
    return !this.#stopped && attempts < task.policy.attempts && !finalCodes.has(failureCode(failure))
  }

  #retry(state: TaskState): void {
    const { task, attempts, failure } = state
    const delayMs = retryDelay(task.policy, attempts, Math.random())
    this.#observe?.({ type: 'task_retry', at: Date.now(), task, attempt: attempts, delayMs, error: failure })
    this.#board.backOff(
      state,
      startTimer(delayMs, () => this.#step(() => this.#board.makeReady(state))),
    )
  }

  #applyFailureMode(failed: TaskState): void {
    switch (this.#settings.failureMode) {
      case 'continue':
        this.#board.skipDependents(failed)
        break
      case 'finish-running':
        this.#stop(failed.task.id)
        break
      case 'fail-fast':
        this.#stop(failed.task.id)
        this.#cancelRunning(
          new ToolError('cancelled', 'Another task failed.'),
          'The task was stopped after another one failed.',
        )
        break
      default:
        this.#settings.failureMode satisfies never
    }
  }

  #stop(because?: string): void {
    this.#stopped = true
    this.#board.endIdle(because)
  }

  #cancel(reason: unknown): void {
    if (this.#board.unsettled === 0 && this.#board.states.length > 0) return
    this.#cancelStatus ??= isTimeout(reason) ? 'timeout' : 'cancelled'
    this.#stop()
    this.#cancelRunning(reason, 'The task was cancelled.')
  }

  #cancelRunning(reason: unknown, text: string): void {
    for (const { attempt } of this.#board.states) attempt?.cancel(reason, text)
    if (this.#running === 0 || this.#stopGrace) return
    this.#stopGrace = startTimer(this.#settings.grace, () => {
      for (const { attempt } of this.#board.states) attempt?.abandon()
    })
  }

  #taskEnded(task: PlannedTask, result: TaskResult): void {
    this.#observe?.({ type: 'task_complete', at: Date.now(), task, result })
    if (this.#failure) return
    try {
      this.#prepared.onTaskComplete?.(result)
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    try {
      this.#stop()
      this.#cancelRunning(error, 'The task was cancelled.')
    } catch {
      // The states contradict each other: a bug, and waiting for them could take for ever.
      this.#close()
      this.#reject(error)
    }
  }

  #finish(): void {
    if (this.#ended) return
    this.#close()
    const results = this.#board.results()
    const failed = this.#failure !== undefined || results.some(({ status }) => status === 'error')
    const status: ExecutionStatus = this.#failure ? 'error' : (this.#cancelStatus ?? (failed ? 'error' : 'success'))
    const wallMs = performance.now() - this.#startedAt
    const result = summarize(this.#prepared.plan, results, { executionId: this.#prepared.executionId, status, wallMs })
    if (this.#failure) this.#observe?.({ type: 'error', at: Date.now(), error: this.#failure.error })
    this.#observe?.({ type: 'execution_complete', at: Date.now(), result })
    if (this.#failure) this.#reject(this.#failure.error)
    else this.#resolve(result)
  }

  #close(): void {
    this.#ended = true
    this.#stopGrace?.()
    this.#budget.cancel()
    this.#prepared.signal?.removeEventListener('abort', this.#onAbort)
  }
}
