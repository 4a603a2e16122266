import { onAbort } from './abort-listeners.js'
import { type Change, ChangeQueue } from './change-queue.js'
import { ExecutionClock } from './execution-clock.js'
import type { ObserveExecution } from './execution-mark.js'
import { ExecutionOutcome } from './execution-outcome.js'
import type { CompletionRecord, ExecutionRecord } from './execution-record.js'
import { type ExecutionResult, type ExecutionStatus, summarize, type TaskResult } from './execution-result.js'
import type { ExecutionSettings, ExecutionWatch, PreparedExecution } from './execution-settings.js'
import { JournalWriter } from './journal-writer.js'
import { type Resumption, resume } from './resume.js'
import { ResumeError } from './resume-error.js'
import { resumeFailures } from './resume-failures.js'
import { StartBudget } from './start-budget.js'
import { TaskBoard } from './task-board.js'
import { explainTask, type TaskExplanation } from './task-explanation.js'
import { TaskHistory } from './task-history.js'
import { TaskRunner } from './task-runner.js'
import type { TaskState } from './task-state.js'
import { ToolError } from './tool-error.js'

/** One run of a plan: starts what can start, decides what a failure means for the rest, and stops when it is told to. */
export class Execution {
  readonly #settings: ExecutionSettings
  readonly #prepared: PreparedExecution
  readonly #observe: ObserveExecution | undefined
  readonly #journal: JournalWriter | undefined
  readonly #history: TaskHistory | undefined
  readonly #board: TaskBoard
  readonly #runner: TaskRunner
  readonly #budget = new StartBudget(() => this.#step(() => undefined))
  readonly #outcome = new ExecutionOutcome()
  readonly #clock = new ExecutionClock()
  /** What was asked for before `run`. */
  readonly #early: Change[] = []
  #resumption: Resumption | undefined
  readonly #changes = new ChangeQueue((change) => this.#make(change))
  /** What can start is being started. */
  #isStarting = false
  /** Once set, no attempt starts. */
  #stopped = false
  #ended = false
  #stopListening: (() => void) | undefined

  constructor(settings: ExecutionSettings, prepared: PreparedExecution, watch: ExecutionWatch = {}) {
    this.#settings = settings
    this.#prepared = prepared
    this.#journal = JournalWriter.open(prepared, settings, watch.observe, {
      committed: (states) => this.#step((at) => this.#letDependentsGo(states, at)),
      failed: (error) => {
        // Also where it was the last of all that could not be appended.
        this.#outcome.fail(error)
        this.#step(() => this.#fail(error))
      },
    })
    this.#observe = this.#journal ? this.#journal.observe : watch.observe
    this.#history = watch.withHistory ? new TaskHistory(prepared.plan.tasks.length) : undefined
    this.#board = new TaskBoard(prepared.plan, {
      maxConcurrency: settings.maxConcurrency,
      history: this.#history,
      onResult: (state, result) => this.#taskEnded(state, result),
      onReleased: (state, at) => {
        if (this.#journal) this.#journal.release(state)
        else this.#board.letDependentsGo(state, at)
      },
    })
    this.#runner = new TaskRunner(this.#board, settings, prepared, this.#observe, {
      step: (change) => this.#step(change),
      date: (at = this.#clock.read()) => this.#clock.date(at),
      isStopped: () => this.#stopped,
      taskFailed: (state, at) => this.#taskFailed(state, at),
    })
  }

  /**
   * @param planHash Left out where nobody is told of it.
   * @throws What `onTaskComplete` threw, or the journal, once the tasks have come to an end.
   * @throws ResumeError where the log is not one of this plan.
   */
  run(planHash = ''): Promise<ExecutionResult> {
    const { plan, record, reuse } = this.#prepared
    this.#clock.start()
    try {
      this.#resumption = record && resume(record, plan, planHash, reuse)
      if (this.#resumption) this.#board.restore(this.#resumption.tasks)
      if (this.#resumption?.completion) this.#repeat(this.#resumption.completion)
      else this.#step((at) => this.#begin(planHash, at))
    } catch (error) {
      this.#close()
      this.#outcome.fail(error)
      this.#outcome.settle(undefined)
    }
    return this.#outcome.promise
  }

  /** Ends the execution; does nothing where it has ended. */
  cancel(reason: unknown): void {
    this.#when((at) => this.#cancel(reason, at))
  }

  /** Ends one task of it; does nothing where the task has ended. */
  cancelTask(index: number, reason: unknown): void {
    this.#when((at) => this.#runner.cancelTask(this.#board.states[index]!, reason, at))
  }

  /** How many events the journal was too slow for. */
  get droppedByJournal(): number {
    return this.#journal?.dropped ?? 0
  }

  /** `undefined` where no history is kept. */
  explain(index: number): TaskExplanation | undefined {
    return this.#history && explainTask(this.#board.states[index]!, this.#board, this.#history, this.#clock.read())
  }

  #when(change: Change): void {
    if (this.#clock.hasStarted) this.#step(change)
    else this.#early.push(change)
  }

  /** Whatever happens, happens in here; afterwards, what can start starts, in bursts that leave turns to others. */
  #step(change: Change): void {
    if (this.#ended) return
    this.#clock.read()
    // What happens while a tool is called, such as its end where it returns at once, leaves the starting to the step around it.
    if (!this.#changes.add(change) || this.#isStarting) return
    this.#isStarting = true
    while (this.#startNext());
    this.#isStarting = false
    if (this.#board.unsettled === 0) this.#finish()
  }

  #make(change: Change): void {
    if (this.#ended) return
    try {
      change(this.#clock.now)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Starts a task, where one can start. */
  #startNext(): boolean {
    if (this.#stopped || this.#budget.isPaused) return false
    try {
      const state = this.#board.next()
      if (!state) return false
      // Whoever is told of ends may have taken his time.
      const at = this.#prepared.onTaskComplete ? this.#clock.read() : this.#clock.now
      this.#board.start(state, at)
      this.#runner.start(state, at)
      // The end of a task is timed when it comes.
      if (state.phase === 'running') this.#clock.read()
      this.#budget.spend(this.#clock.now - at)
    } catch (error) {
      this.#fail(error)
    }
    return true
  }

  #begin(planHash: string, at: number): void {
    const { signal, executionId, plan, record } = this.#prepared
    if (!this.#resumption?.isKnown) {
      this.#observe?.({ type: 'execution_start', at: this.#clock.date(at), executionId, plan, planHash })
    }
    this.#board.open(at)
    if (signal) this.#stopListening = onAbort(signal, () => this.cancel(signal.reason))
    if (signal?.aborted) this.#cancel(signal.reason, at)
    for (const change of this.#early) change(at)
    if (record && this.#resumption && !this.#stopped) this.#resumeFailures(record, this.#resumption, at)
  }

  /** What the failure of a task means for others may not be in the log yet. */
  #resumeFailures(record: ExecutionRecord, { tasks }: Resumption, at: number): void {
    const resumed = {
      startLast: (state: TaskState): void => {
        this.#stopped = true
        this.#board.start(state, at)
        this.#runner.start(state, at)
      },
      stop: (because: string): void => this.#stop(because, at),
    }
    resumeFailures(this.#board, record, tasks.keys(), this.#settings.failureMode, resumed, at)
  }

  #letDependentsGo(states: readonly TaskState[], at: number): void {
    for (const state of states) this.#board.letDependentsGo(state, at)
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

  #taskEnded({ task, incidents }: TaskState, result: TaskResult): void {
    this.#observe?.({
      type: 'task_complete',
      at: this.#clock.date(this.#clock.now),
      task,
      result,
      logged: incidents?.logged,
    })
    const { onTaskComplete } = this.#prepared
    if (!onTaskComplete || this.#outcome.failure) return
    try {
      const answer: unknown = onTaskComplete(result)
      // An async function fails later.
      if (answer instanceof Promise) answer.catch((error) => this.#step(() => this.#fail(error)))
    } catch (error) {
      this.#fail(error)
    }
  }

  #stop(because: string | undefined, at: number): void {
    this.#stopped = true
    this.#board.endIdle(because, at)
  }

  #cancel(reason: unknown, at: number): void {
    if (this.#outcome.isCancelled || (this.#board.unsettled === 0 && this.#board.states.length > 0)) return
    this.#outcome.cancel(reason)
    this.#stop(undefined, at)
    this.#runner.cancelRunning(reason)
  }

  #fail(error: unknown): void {
    this.#outcome.fail(error)
    try {
      this.#stop(undefined, this.#clock.read())
      this.#runner.cancelRunning(error)
    } catch {
      // The states contradict each other: a bug, and waiting for them could take for ever.
      this.#close()
      this.#outcome.settle(undefined)
    }
  }

  #finish(): void {
    if (this.#ended) return
    this.#close()
    let result: ExecutionResult | undefined
    try {
      result = this.#summarize(this.#outcome.status(this.#board.states))
      const { failure } = this.#outcome
      if (failure) this.#observe?.({ type: 'error', at: this.#clock.date(this.#clock.now), error: failure.error })
      this.#observe?.({ type: 'execution_complete', at: this.#clock.date(this.#clock.now), result })
    } catch (error) {
      // As in `#fail`.
      this.#outcome.fail(error)
    }
    if (this.#journal) this.#journal.finish().then(() => this.#outcome.settle(result))
    else this.#outcome.settle(result)
  }

  /** Gives the result of an execution that had come to its end before. */
  #repeat({ status, totalExecutionTimeMs, speedup }: CompletionRecord): void {
    if (this.#board.unsettled > 0) {
      throw new ResumeError('corrupt_log', 'The log has the end of the execution, but not of all its tasks')
    }
    this.#close()
    this.#outcome.settle({ ...this.#summarize(status), executionTimeMs: totalExecutionTimeMs, speedup })
  }

  #summarize(status: ExecutionStatus): ExecutionResult {
    const { plan, executionId } = this.#prepared
    const restored = this.#resumption?.tasks
    const ranHere = (index: number): boolean => !restored?.get(index)?.result
    return summarize(plan, this.#board.results(), { executionId, status, wallMs: this.#clock.read(), ranHere })
  }

  #close(): void {
    this.#ended = true
    this.#budget.cancel()
    this.#stopListening?.()
  }
}
