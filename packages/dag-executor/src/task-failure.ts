import { rawErrorText } from './error-text.js'
import { ToolError } from './tool-error.js'

/** What a task's result says about a thrown value. Never throws. */
export function describeFailure(error: unknown): { error: string; code: string; cause: unknown } {
  return { error: rawErrorText(error), code: failureCode(error), cause: error }
}

/** A ToolError's code, or `task_failed`. Never throws. */
export function failureCode(error: unknown): string {
  try {
    // Read once: it may be a getter.
    const code: unknown = ToolError.isInstance(error) ? error.code : undefined
    return typeof code === 'string' ? code : 'task_failed'
  } catch {
    return 'task_failed'
  }
}

/** Whether an abort means that the time is over, and not that somebody does not want the result any more. Never throws. */
export function isTimeout(reason: unknown): boolean {
  try {
    if (typeof reason !== 'object' || reason === null) return false
    return (
      ('code' in reason && reason.code === 'stream_timeout') || ('name' in reason && reason.name === 'TimeoutError')
    )
  } catch {
    return false
  }
}
