const brand = Symbol.for('@x/dag-executor.ResumeError')

/**
 * Why a log cannot be resumed from. `corrupt_log`: what is in it was not written by an execution, or something is missing from it.
 * `plan_changed`: the DAG is not the one that the log tells of. `other_execution`: the log is of another `executionId`.
 * `output_missing`: a task's output is in the log as a preview only.
 */
export type ResumeErrorCode = 'corrupt_log' | 'plan_changed' | 'other_execution' | 'output_missing'

export interface ResumeErrorDetails {
  /** With `corrupt_log`: the place in the log, counted from 0. */
  readonly position?: number | undefined
  /** With `output_missing`: the task. */
  readonly taskId?: string | undefined
}

/** A log was refused before anything started. */
export class ResumeError extends Error {
  override readonly name = 'ResumeError'
  readonly code: ResumeErrorCode
  readonly position: number | undefined
  readonly taskId: string | undefined

  constructor(code: ResumeErrorCode, message: string, { position, taskId }: ResumeErrorDetails = {}) {
    super(position === undefined ? message : `Event ${position} of the log: ${message}`)
    this.code = code
    this.position = position
    this.taskId = taskId
    Object.defineProperty(this, brand, { value: true })
  }

  /** Whether `value` is a ResumeError, also one of another copy of this package. Never throws. */
  static isInstance(value: unknown): value is ResumeError {
    try {
      return typeof value === 'object' && value !== null && brand in value
    } catch {
      // As of ToolError.
      return false
    }
  }
}
