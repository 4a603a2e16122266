import type { ObserveExecution } from './execution-mark.js'
import type { TaskResult } from './execution-result.js'
import type { Plan } from './plan.js'
import type { ValidateArguments } from './tool.js'

/** What an executor does in the same way in all its executions. */
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

/** What is kept of an execution, or told to somebody, besides its result. */
export interface ExecutionWatch {
  /** Told of everything that happens. */
  readonly observe?: ObserveExecution | undefined
  /** Keep what `explain` needs. */
  readonly withHistory?: boolean | undefined
}
