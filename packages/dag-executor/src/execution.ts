import type { ObserveExecution } from './execution-mark.js'
import { type ExecutionResult, type ExecutionStatus, summarize, type TaskResult } from './execution-result.js'
import type { ExecutionSettings, ExecutionWatch, PreparedExecution } from './execution-settings.js'
import type { PlannedTask } from './plan.js'
import { StartBudget } from './start-budget.js'
import { TaskBoard } from './task-board.js'
import { explainTask, type TaskExplanation } from './task-explanation.js'
import { isTimeout } from './task-failure.js'
import { TaskHistory } from './task-history.js'
import { TaskRunner } from './task-runner.js'
import type { TaskState } from './task-state.js'
import { ToolError } from './tool-error.js'

type Change = (at: number) => void

/** One run of a plan: starts what can start, decides what a failure means for the rest, and stops when it is told to. */
export class Execution {
  readonly #settings: ExecutionSettings
  readonly #prepared: PreparedExecution
  readonly #observe: ObserveExecution | undefined
  readonly #history: TaskHistory | undefined
  readonly #board: TaskBoard
  readonly #runner: TaskRunner
  readonly #budget = new StartBudget(() => this.#step(() => undefined))
  /** What was asked for before `run`. */
  readonly #early: Change[] = []
  #startedAt: number | undefined
  /** Once set, no attempt starts. */
  #stopped = false
  #ended = false
  #cancelStatus: 'cancelled' | 'timeout' | undefined
  /** The execution itself failed. */
  #failure: { readonly error: unknown } | undefined
  #resolve!: (result: ExecutionResult) => void
  #reject!: (error: unknown) => void

  constructor(settings: ExecutionSettings, prepared: PreparedExecution, watch: ExecutionWatch = {}) {
    this.#settings = settings
    this.#prepared = prepared
    this.#observe = watch.observe
    this.#history = watch.withHistory ? new TaskHistory() : undefined
    this.#board = new TaskBoard(prepared.plan, {
      maxConcurrency: settings.maxConcurrency,
      history: this.#history,
      onResult: (task, result) => this.#taskEnded(task, result),
    })
    this.#runner = new TaskRunner(this.#board, settings, prepared, watch.observe, {
      step: (change) => this.#step(change),
      isStopped: () => this.#stopped,
      taskFailed: (state, at) => this.#taskFailed(state, at),
    })
  }

  /** @throws What `onTaskComplete` threw, once the tasks have come to an end. */
  run(planHash = ''): Promise<ExecutionResult> {
    const { signal, executionId, plan } = this.#prepared
    const promise = new Promise<ExecutionResult>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#startedAt = performance.now()
    this.#step((at) => {
      this.#observe?.({ type: 'execution_start', at: Date.now(), executionId, plan, planHash })
      signal?.addEventListener('abort', this.#onAbort)
      if (signal?.aborted) this.#cancel(signal.reason, at)
      for (const change of this.#early) change(at)
      if (!this.#stopped) this.#board.open(at)
    })
    return promise
  }

  /** Ends the execution; does nothing where it has ended. */
  cancel(reason: unknown): void {
    this.#when((at) => this.#cancel(reason, at))
  }

  /** Ends one task of it; does nothing where the task has ended. */
  cancelTask(index: number, reason: unknown): void {
    this.#when((at) => this.#runner.cancelTask(this.#board.states[index]!, reason, at))
  }

  /** `undefined` where no history is kept. */
  explain(index: number): TaskExplanation | undefined {
    const at = this.#startedAt === undefined ? 0 : this.#clock()
    return this.#history && explainTask(this.#board.states[index]!, this.#board, this.#history, at)
  }

  readonly #onAbort = (): void => this.cancel(this.#prepared.signal?.reason)

  #when(change: Change): void {
    if (this.#startedAt === undefined) this.#early.push(change)
    else this.#step(change)
  }

  /** Milliseconds since the beginning. */
  #clock(): number {
    return performance.now() - this.#startedAt!
  }

  /** Whatever happens, happens in here; afterwards, what can start starts, in bursts that leave turns to others. */
  #step(change: Change): void {
    if (this.#ended) return
    try {
      change(this.#clock())
      this.#startReady()
    } catch (error) {
      this.#fail(error)
    }
    if (this.#board.unsettled === 0) this.#finish()
  }

  #startReady(): void {
    let now: number | undefined
    while (!this.#stopped && !this.#budget.isPaused) {
      const state = this.#board.next()
      if (!state) break
      const at: number = now ?? this.#clock()
      this.#board.start(state, at)
      this.#runner.start(state, at)
      now = this.#clock()
      this.#budget.spend(now - at)
    }
  }

  #taskFailed(failed: TaskState, at: number): void {
    if (this.#stopped) return
    switch (this.#settings.failureMode) {
      case 'continue':
        this.#board.skipDependents(failed, at)
        break
      case 'finish-running':
        this.#stop(failed.task.id, at)
        break
      case 'fail-fast':
        this.#stop(failed.task.id, at)
        this.#runner.cancelRunning(
          new ToolError('cancelled', 'Another task failed.'),
          'The task was stopped after another one failed.',
        )
        break
      default:
        this.#settings.failureMode satisfies never
    }
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

  #stop(because: string | undefined, at: number): void {
    this.#stopped = true
    this.#board.endIdle(because, at)
  }

  #cancel(reason: unknown, at: number): void {
    if (this.#board.unsettled === 0 && this.#board.states.length > 0) return
    this.#cancelStatus ??= isTimeout(reason) ? 'timeout' : 'cancelled'
    this.#stop(undefined, at)
    this.#runner.cancelRunning(reason)
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    try {
      this.#stop(undefined, this.#clock())
      this.#runner.cancelRunning(error)
    } catch {
      // The states contradict each other: a bug, and waiting for them could take for ever.
      this.#close()
      this.#reject(error)
    }
  }

  #finish(): void {
    if (this.#ended) return
    this.#close()
    try {
      const result = this.#summarize()
      if (this.#failure) this.#observe?.({ type: 'error', at: Date.now(), error: this.#failure.error })
      this.#observe?.({ type: 'execution_complete', at: Date.now(), result })
      if (!this.#failure) this.#resolve(result)
    } catch (error) {
      // As in `#fail`.
      this.#failure ??= { error }
    }
    if (this.#failure) this.#reject(this.#failure.error)
  }

  #summarize(): ExecutionResult {
    const { plan, executionId } = this.#prepared
    const results = this.#board.results()
    const failed = this.#failure || results.some(({ status, handled }) => status !== 'success' && !handled)
    const status: ExecutionStatus = this.#failure ? 'error' : (this.#cancelStatus ?? (failed ? 'error' : 'success'))
    return summarize(plan, results, { executionId, status, wallMs: this.#clock() })
  }

  #close(): void {
    this.#ended = true
    this.#budget.cancel()
    this.#prepared.signal?.removeEventListener('abort', this.#onAbort)
  }
}
