import type { PlannedTask } from './plan.js'
import { resolveArguments } from './references.js'
import { startTimer } from './timer.js'
import type { ToolContext, ValidateArguments } from './tool.js'
import { ToolError } from './tool-error.js'
import type { TableTool } from './tool-table.js'

/** What an attempt tells the execution. Nothing more is told after `ended`, which is told once. */
export interface AttemptListener {
  ended(outcome: AttemptOutcome): void
  progress(progress: number | undefined, message: string | undefined): void
  output(output: unknown): void
}

export type AttemptOutcome =
  | { readonly type: 'success'; readonly output: unknown }
  | { readonly type: 'failure'; readonly error: unknown }

/** One call of a tool. It ends once: with what the tool returns or throws, or earlier; what comes later is dropped. */
export class Attempt {
  readonly startedAt = performance.now()
  readonly #listener: AttemptListener
  #controller: AbortController | undefined
  #aborted: { readonly reason: unknown } | undefined
  #cancelText: string | undefined
  #stopTimer: (() => void) | undefined
  #live = true

  constructor(listener: AttemptListener) {
    this.#listener = listener
  }

  start(
    task: PlannedTask,
    about: Pick<ToolContext, 'executionId' | 'attempt'>,
    outputOf: (taskId: string) => unknown,
    validateArguments: ValidateArguments | undefined,
  ): void {
    const { timeout } = task.policy
    if (timeout !== Number.POSITIVE_INFINITY) this.#stopTimer = startTimer(timeout, () => this.#timeOut(timeout))
    // The constructor of Promise turns every way to fail, also a `then` that throws, into one rejection.
    new Promise((resolve) => {
      const args = resolveArguments(task.arguments, outputOf)
      // Without references they were checked before anything started.
      if (validateArguments && task.hasReferences) checkArguments(task.call, args, validateArguments)
      resolve(task.call.run(args as never, this.#context(task, about)))
    }).then(
      (output) => this.#end({ type: 'success', output }),
      (error: unknown) => this.#end({ type: 'failure', error }),
    )
  }

  /** Tells the tool to stop. Whatever it answers, the task then fails as `cancelled`. */
  cancel(reason: unknown, text: string): void {
    if (!this.#live || this.#cancelText !== undefined) return
    this.#cancelText = text
    this.#abort(reason)
  }

  /** Ends the attempt without the tool, which did not stop when it was told to. */
  abandon(): void {
    const text = 'The task did not stop when it was cancelled.'
    this.#finish({ type: 'failure', error: new ToolError('abandoned', text, { cause: this.#aborted?.reason }) })
  }

  #timeOut(timeout: number): void {
    if (this.#cancelText !== undefined) return
    const text = `The task took longer than ${timeout} ms.`
    const cause = new DOMException(text, 'TimeoutError')
    // First the outcome, so that nothing which the abort sets off can be taken for it.
    this.#finish({ type: 'failure', error: new ToolError('timeout', text, { cause }) })
    this.#abort(cause)
  }

  #end(outcome: AttemptOutcome): void {
    if (this.#cancelText === undefined) {
      this.#finish(outcome)
      return
    }
    const cause = outcome.type === 'failure' ? outcome.error : this.#aborted?.reason
    this.#finish({ type: 'failure', error: new ToolError('cancelled', this.#cancelText, { cause }) })
  }

  #finish(outcome: AttemptOutcome): void {
    if (!this.#live) return
    this.#live = false
    this.#stopTimer?.()
    this.#listener.ended(outcome)
  }

  #abort(reason: unknown): void {
    this.#aborted = { reason }
    this.#controller?.abort(reason)
  }

  /** Made when a tool first asks for it: most tools of a large graph never do, and a controller costs more than a call. */
  #signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#aborted) this.#controller.abort(this.#aborted.reason)
    }
    return this.#controller.signal
  }

  #context({ id }: PlannedTask, { executionId, attempt }: Pick<ToolContext, 'executionId' | 'attempt'>): ToolContext {
    const signal = (): AbortSignal => this.#signal()
    return {
      executionId,
      taskId: id,
      attempt,
      idempotencyKey: `${executionId}/${id}`,
      get signal() {
        return signal()
      },
      progress: (progress, message) => {
        if (!this.#live) return
        const isNumber = typeof progress === 'number' && !Number.isNaN(progress)
        this.#listener.progress(isNumber ? Math.min(Math.max(progress, 0), 1) : undefined, message)
      },
      emit: (output) => {
        if (this.#live) this.#listener.output(output)
      },
    }
  }
}

function checkArguments({ inputSchema }: TableTool, args: unknown, validateArguments: ValidateArguments): void {
  if (!inputSchema) return
  const faults = validateArguments(inputSchema, args as Readonly<Record<string, unknown>>)
  if (faults.length === 0) return
  const texts = faults.slice(0, 10).map(({ pointer, message }) => `${pointer || '(root)'}: ${message}`)
  throw new ToolError('invalid_arguments', `The arguments do not fit the tool. ${texts.join('; ')}`)
}
