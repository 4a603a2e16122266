import type { TaskContext } from './dag-builder.js'
import type { ToolContext } from './tool.js'

/** The context of a tool together with the outputs it takes, which are its arguments. */
export class InputContext<Inputs> implements TaskContext<Inputs> {
  readonly inputs: Readonly<Inputs>
  readonly executionId: string
  readonly taskId: string
  readonly attempt: number
  readonly idempotencyKey: string
  readonly progress: ToolContext['progress']
  readonly emit: ToolContext['emit']
  readonly #context: ToolContext

  constructor(inputs: Readonly<Inputs>, context: ToolContext) {
    this.inputs = inputs
    this.#context = context
    this.executionId = context.executionId
    this.taskId = context.taskId
    this.attempt = context.attempt
    this.idempotencyKey = context.idempotencyKey
    this.progress = context.progress
    this.emit = context.emit
  }

  get signal(): AbortSignal {
    return this.#context.signal
  }
}
