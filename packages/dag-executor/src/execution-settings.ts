import type { EventRendererOptions } from './event-renderer.js'
import type { ObserveExecution } from './execution-mark.js'
import type { ExecutionRecord } from './execution-record.js'
import type { TaskResult } from './execution-result.js'
import type { Journal } from './journal.js'
import type { Plan } from './plan.js'
import type { ValidateArguments } from './tool.js'

/** What an executor does in the same way in all its executions. */
export interface ExecutionSettings {
  readonly maxConcurrency: number
  readonly failureMode: 'continue' | 'finish-running' | 'fail-fast'
  readonly grace: number
  readonly validateArguments: ValidateArguments | undefined
  /** Of events, for a journal or a stream. */
  readonly events: EventRendererOptions
  readonly maxBufferedEvents: number
}

/** A plan that can be run, and what one run of it is to do. */
export interface PreparedExecution {
  readonly plan: Plan
  readonly executionId: string
  readonly signal: AbortSignal | undefined
  readonly onTaskComplete: ((result: TaskResult) => void) | undefined
  readonly journal: Journal | undefined
  /** What the log says from which it is to go on. */
  readonly record: ExecutionRecord | undefined
  /** Whether a log of another plan is of use. */
  readonly reuse: boolean
}

/** What is kept of an execution, or told to somebody, besides its result. */
export interface ExecutionWatch {
  /** Told of everything that happens. */
  readonly observe?: ObserveExecution | undefined
  /** Keep what `explain` needs. */
  readonly withHistory?: boolean | undefined
}
