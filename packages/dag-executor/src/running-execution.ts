import { quote } from './dag-issue.js'
import type { Execution } from './execution.js'
import type { ExecutionResult } from './execution-result.js'
import type { PreparedExecution } from './execution-settings.js'
import type { TaskExplanation } from './task-explanation.js'

/** An execution that has begun: what `start` returns. It may be asked and told things at any time, also after the end. */
export class RunningExecution {
  readonly executionId: string
  /** As of `execute`. */
  readonly result: Promise<ExecutionResult>
  readonly #execution: Execution
  readonly #indexes: ReadonlyMap<string, number>

  constructor(execution: Execution, { executionId, plan }: PreparedExecution, result: Promise<ExecutionResult>) {
    this.executionId = executionId
    this.result = result
    this.#execution = execution
    this.#indexes = plan.indexes
  }

  /**
   * Cancels the execution, as `signal` does: what runs is told to stop and has the `grace` for it, nothing else starts. The status of the
   * result is then `cancelled`, or `timeout` where the reason is a `TimeoutError`.
   *
   * @param reason What the signals of running tools are aborted with; by default an `AbortError`.
   */
  cancel(reason: unknown = new DOMException('The execution was cancelled.', 'AbortError')): void {
    this.#execution.cancel(reason)
  }

  /**
   * Cancels one task: if it runs, it is told to stop and has the `grace` for it. The tasks that depend on it follow its `onError`; all
   * others go on, whatever the `failureMode` is. Does nothing where the task has ended.
   *
   * @param reason What the signal of the tool is aborted with; by default an `AbortError`.
   * @throws TypeError where the DAG has no such task.
   */
  cancelTask(taskId: string, reason: unknown = new DOMException('The task was cancelled.', 'AbortError')): void {
    this.#execution.cancelTask(this.#indexOf(taskId), reason)
  }

  /**
   * What happened to a task so far, or is happening.
   *
   * @throws TypeError where the DAG has no such task.
   */
  explain(taskId: string): TaskExplanation {
    // Whoever makes one of these has the history kept.
    return this.#execution.explain(this.#indexOf(taskId))!
  }

  #indexOf(taskId: string): number {
    const index = this.#indexes.get(taskId)
    if (index === undefined) throw new TypeError(`Expected the id of a task of this execution, got ${quote(taskId)}`)
    return index
  }
}
