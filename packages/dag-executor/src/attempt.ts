import { IdleTimer } from './idle-timer.js'
import type { PlannedTask } from './plan.js'
import { resolveArguments } from './references.js'
import type { TaskState } from './task-state.js'
import { startTimer } from './timer.js'
import type { ToolContext, ValidateArguments } from './tool.js'
import { ToolError } from './tool-error.js'
import type { TableTool } from './tool-table.js'

/**
 * What attempts tell their execution: one listener for all of them, since there are many. Nothing more is told after `ended`, which is
 * told once.
 */
export interface AttemptListener {
  ended(state: TaskState, outcome: AttemptOutcome): void
  progress(task: PlannedTask, attempt: number, progress: number | undefined, message: string | undefined): void
  output(task: PlannedTask, attempt: number, output: unknown): void
}

export type AttemptOutcome =
  | { readonly type: 'success'; readonly output: unknown }
  | { readonly type: 'failure'; readonly error: unknown }

/** One call of a tool. It ends once: with what the tool returns or throws, or earlier; what comes later is dropped. */
export class Attempt {
  readonly #listener: AttemptListener
  readonly #state: TaskState
  readonly #number: number
  #controller: AbortController | undefined
  #aborted: { readonly reason: unknown } | undefined
  #cancelText: string | undefined
  #stopTimer: (() => void) | undefined
  #idle: IdleTimer | undefined
  #live = true

  /** Of a task that has got its slot. */
  constructor(state: TaskState, listener: AttemptListener) {
    this.#state = state
    this.#number = state.attempts
    this.#listener = listener
  }

  start(
    executionId: string,
    outputOf: (taskId: string) => unknown,
    validateArguments: ValidateArguments | undefined,
  ): void {
    const { task } = this.#state
    this.#limitTime(task)
    // The constructor of Promise turns every way to fail, also a `then` that throws, into one rejection.
    new Promise((resolve) => {
      const args = resolveArguments(task.arguments, outputOf)
      // Without references they were checked before anything started.
      if (validateArguments && task.hasReferences) checkArguments(task.call, args, validateArguments)
      resolve(task.call.run(args as never, this.#context(executionId)))
    }).then(
      (output) => this.#end({ type: 'success', output }),
      (error: unknown) => this.#end({ type: 'failure', error }),
    )
  }

  /**
   * Tells the tool to stop. Whatever it answers, the task then fails as `cancelled`; where it has not answered within the grace,
   * as `abandoned`.
   */
  cancel(reason: unknown, text: string, grace: number): void {
    if (!this.#live || this.#cancelText !== undefined) return
    this.#cancelText = text
    this.#stopTimers()
    this.#stopTimer = startTimer(grace, () => this.#abandon())
    this.#abort(reason)
  }

  /** Ends the attempt, whose time is over in the sense of the text; one that is cancelled already ends as that. */
  timeOut(text: string): void {
    if (this.#cancelText !== undefined) return
    const cause = new DOMException(text, 'TimeoutError')
    // First the outcome, so that nothing which the abort sets off can be taken for it.
    this.#finish({ type: 'failure', error: new ToolError('timeout', text, { cause }) })
    this.#abort(cause)
  }

  #limitTime({ policy: { timeout, idleTimeout } }: PlannedTask): void {
    if (timeout !== Number.POSITIVE_INFINITY) {
      this.#stopTimer = startTimer(timeout, () => this.timeOut(`The task took longer than ${timeout} ms.`))
    }
    if (idleTimeout !== Number.POSITIVE_INFINITY) {
      const text = `The task showed no progress for ${idleTimeout} ms.`
      this.#idle = new IdleTimer(idleTimeout, () => this.timeOut(text))
    }
  }

  /** Ends the attempt without the tool, which did not stop when it was told to. */
  #abandon(): void {
    const text = 'The task did not stop when it was cancelled.'
    this.#finish({ type: 'failure', error: new ToolError('abandoned', text, { cause: this.#aborted?.reason }) })
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
    this.#stopTimers()
    this.#listener.ended(this.#state, outcome)
  }

  #stopTimers(): void {
    this.#stopTimer?.()
    this.#idle?.stop()
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

  #context(executionId: string): ToolContext {
    const { task } = this.#state
    const attempt = this.#number
    const signal = (): AbortSignal => this.#signal()
    return {
      executionId,
      taskId: task.id,
      attempt,
      idempotencyKey: `${executionId}/${task.id}`,
      get signal() {
        return signal()
      },
      progress: (progress, message) => {
        if (!this.#live) return
        this.#idle?.refresh()
        const isNumber = typeof progress === 'number' && !Number.isNaN(progress)
        this.#listener.progress(task, attempt, isNumber ? Math.min(Math.max(progress, 0), 1) : undefined, message)
      },
      emit: (output) => {
        if (!this.#live) return
        this.#idle?.refresh()
        this.#listener.output(task, attempt, output)
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
