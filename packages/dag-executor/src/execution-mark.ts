import type { ExecutionResult, TaskResult } from './execution-result.js'
import type { Plan, PlannedTask } from './plan.js'

/**
 * Everything that happens in an execution, in the order in which it happens; `at` is the time in milliseconds since 1970. A mark
 * only points at what the execution holds anyway, so that keeping it costs next to nothing; the event is made from it when somebody takes it.
 */
export type ExecutionMark = { readonly at: number } & (
  | { readonly type: 'execution_start'; readonly executionId: string; readonly plan: Plan; readonly planHash: string }
  | { readonly type: 'task_start'; readonly task: PlannedTask; readonly attempt: number }
  | {
      readonly type: 'task_retry'
      readonly task: PlannedTask
      readonly attempt: number
      readonly delayMs: number
      readonly error: unknown
    }
  | {
      readonly type: 'task_complete'
      readonly task: PlannedTask
      readonly result: TaskResult
      /** As of TaskState. */
      readonly logged: { readonly output: unknown } | undefined
    }
  | { readonly type: 'execution_complete'; readonly result: ExecutionResult }
  | { readonly type: 'error'; readonly error: unknown }
  | ProgressMark
  | OutputMark
)

export interface ProgressMark {
  readonly type: 'task_progress'
  readonly at: number
  readonly task: PlannedTask
  readonly attempt: number
  readonly progress: number | undefined
  readonly message: string | undefined
}

export interface OutputMark {
  readonly type: 'task_output'
  readonly at: number
  readonly task: PlannedTask
  readonly attempt: number
  readonly output: unknown
}

/** Called with each mark at once; it must not throw. */
export type ObserveExecution = (mark: ExecutionMark) => void
