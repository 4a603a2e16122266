import type { DAGTask } from './dag.js'

/** What a log says about an execution: where it got to. */
export interface ExecutionRecord {
  readonly executionId: string
  readonly planHash: string
  /** The tasks of the last plan, where the log holds one. Functions in `retryOn` are not in it. */
  readonly plan: readonly DAGTask[] | undefined
  /** How many plans there were: a resume with a changed one brings another. */
  readonly generation: number
  /**
   * By id, those that have had an event, in the order of the last one of each that matters, and those that were in the plan before as well.
   */
  readonly tasks: ReadonlyMap<string, TaskRecord>
  /** Of an execution that has come to its end. */
  readonly completion: CompletionRecord | undefined
}

export interface CompletionRecord {
  readonly status: 'success' | 'error' | 'cancelled' | 'timeout'
  readonly totalExecutionTimeMs: number
  readonly speedup: number
}

/** What a log says about one task. */
export interface TaskRecord {
  /** Which of the plans, counted from 1, brought the task as it is. */
  readonly generation: number
  /** Attempts that have begun. */
  readonly attempts: number
  /** The last of them has neither ended nor failed. */
  readonly isRunning: boolean
  /** How many of them failed and were to be followed by another. */
  readonly failures: number
  /** The last of these failures, with its public text. */
  readonly failure: { readonly code: string; readonly error: string } | undefined
  /** Where the task has come to its end. */
  readonly end: TaskEnd | undefined
}

/** The `task_complete` of a task. */
export interface TaskEnd {
  readonly status: 'success' | 'error' | 'skipped'
  /** Whole, unless `isPreview`. */
  readonly output: unknown
  /** The log has only a truncated form of the output. */
  readonly isPreview: boolean
  /** Public text. */
  readonly error: string | undefined
  readonly code: string | undefined
  readonly because: string | undefined
  readonly handled: 'ignored' | 'fallback' | undefined
  readonly executionTimeMs: number
  readonly attempts: number
}
