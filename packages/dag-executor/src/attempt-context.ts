import type { Attempt } from './attempt.js'
import type { ToolContext } from './tool.js'

/** What a tool sees of its attempt. */
export class AttemptContext implements ToolContext {
  readonly executionId: string
  readonly taskId: string
  readonly attempt: number
  readonly idempotencyKey: string
  readonly progress: ToolContext['progress']
  readonly emit: ToolContext['emit']
  readonly #attempt: Attempt

  constructor(attempt: Attempt, executionId: string, taskId: string, number: number, idempotencyKey: string) {
    this.#attempt = attempt
    this.executionId = executionId
    this.taskId = taskId
    this.attempt = number
    this.idempotencyKey = idempotencyKey
    // Functions of the context's own, so that a tool may take them out of it.
    this.progress = (progress, message) => this.#attempt.progress(progress, message)
    this.emit = (output) => this.#attempt.emit(output)
  }

  /** Made when it is read. Not a member of the object itself: that would take as long as the rest of the call. */
  get signal(): AbortSignal {
    return this.#attempt.signal
  }
}
