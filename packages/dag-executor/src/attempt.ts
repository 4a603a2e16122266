import { readFault, readFaults } from './argument-faults.js'
import { AttemptContext } from './attempt-context.js'
import { IdleTimer } from './idle-timer.js'
import type { PlannedTask } from './plan.js'
import { noArguments, resolveArguments } from './references.js'
import type { TaskState } from './task-state.js'
import { startTimer } from './timer.js'
import type { ArgumentFault, ValidateArguments } from './tool.js'
import { ToolError } from './tool-error.js'
import type { TableTool } from './tool-table.js'

/**
 * What attempts need of their execution, and tell it: one for all of them, since there are many. Nothing more is told after the end, which is
 * told once.
 */
export interface AttemptHost {
  readonly executionId: string
  readonly validateArguments: ValidateArguments | undefined
  outputOf(taskId: string): unknown
  idempotencyKey(state: TaskState): string
  succeeded(state: TaskState, output: unknown): void
  failed(state: TaskState, error: unknown): void
  progress(task: PlannedTask, attempt: number, progress: number | undefined, message: string | undefined): void
  output(task: PlannedTask, attempt: number, output: unknown): void
}

/**
 * One call of a tool. It ends once: with what the tool returns or throws, or earlier; what comes later is dropped. A tool that returns
 * no promise ends it before `start` returns.
 */
export class Attempt {
  readonly #host: AttemptHost
  readonly #state: TaskState
  readonly #number: number
  #controller: AbortController | undefined
  #aborted: { readonly reason: unknown } | undefined
  #cancelText: string | undefined
  #stopTimer: (() => void) | undefined
  #idle: IdleTimer | undefined
  #live = true

  /** Of a task that has got its slot. */
  constructor(state: TaskState, host: AttemptHost) {
    this.#state = state
    this.#number = state.attempts
    this.#host = host
  }

  start(): void {
    const { task } = this.#state
    const host = this.#host
    let answer: unknown
    let then: unknown
    try {
      this.#limitTime(task)
      // An object of its own for every call, since a tool may write into it.
      const args = task.arguments === noArguments ? {} : resolveArguments(task.arguments, host.outputOf)
      // Without references they were checked before anything started.
      if (host.validateArguments && task.hasReferences) checkArguments(task.call, args, host.validateArguments)
      const key = host.idempotencyKey(this.#state)
      answer = task.call.run(args as never, new AttemptContext(this, host.executionId, task.id, this.#number, key))
      then = readThen(answer)
    } catch (error) {
      this.#fail(error)
      return
    }
    if (typeof then === 'function') this.#follow(answer, then as PromiseLike<unknown>['then'])
    else this.#succeed(answer)
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
    if (!this.#end()) return
    // The end came first, so that nothing which the abort sets off can be taken for it; the abort comes before anything else starts.
    this.#abort(cause)
    this.#host.failed(this.#state, new ToolError('timeout', text, { cause }))
  }

  /** Made when a tool first asks for it: most tools of a large graph never do, and a signal costs more than a call. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#aborted) this.#controller.abort(this.#aborted.reason)
    }
    return this.#controller.signal
  }

  progress(progress: number | undefined, message: string | undefined): void {
    if (!this.#live) return
    this.#idle?.refresh()
    const isNumber = typeof progress === 'number' && !Number.isNaN(progress)
    const inRange = isNumber ? Math.min(Math.max(progress, 0), 1) : undefined
    this.#host.progress(this.#state.task, this.#number, inRange, message)
  }

  emit(output: unknown): void {
    if (!this.#live) return
    this.#idle?.refresh()
    this.#host.output(this.#state.task, this.#number, output)
  }

  #follow(answer: unknown, then: PromiseLike<unknown>['then']): void {
    try {
      // Other thenables may call back twice, in the middle of `then`, or with thenables: a promise takes care of all that.
      const isPromise = answer instanceof Promise && then === Promise.prototype.then
      const promise = isPromise ? answer : new Promise((resolve, reject) => then.call(answer, resolve, reject))
      Promise.prototype.then.call(
        promise,
        (output) => this.#succeed(output),
        (error: unknown) => this.#fail(error),
      )
    } catch (error) {
      // What only looks like a promise, or has been tampered with.
      this.#fail(error)
    }
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
    const error = new ToolError('abandoned', text, { cause: this.#aborted?.reason })
    if (this.#end()) this.#host.failed(this.#state, error)
  }

  #succeed(output: unknown): void {
    if (this.#cancelText !== undefined) this.#fail(this.#aborted?.reason)
    else if (this.#end()) this.#host.succeeded(this.#state, output)
  }

  #fail(error: unknown): void {
    if (!this.#end()) return
    const text = this.#cancelText
    this.#host.failed(this.#state, text === undefined ? error : new ToolError('cancelled', text, { cause: error }))
  }

  /** Whether this is the one end. */
  #end(): boolean {
    if (!this.#live) return false
    this.#live = false
    this.#stopTimers()
    return true
  }

  #stopTimers(): void {
    this.#stopTimer?.()
    this.#idle?.stop()
  }

  #abort(reason: unknown): void {
    this.#aborted = { reason }
    this.#controller?.abort(reason)
  }
}

/** What makes a value a thenable. Read once, since it may be a getter; what that throws is the tool's failure. */
function readThen(answer: unknown): unknown {
  const mayHave = (typeof answer === 'object' && answer !== null) || typeof answer === 'function'
  return mayHave ? Reflect.get(answer as object, 'then') : undefined
}

function checkArguments({ inputSchema }: TableTool, args: unknown, validateArguments: ValidateArguments): void {
  if (!inputSchema) return
  const faults = findFaults(() => validateArguments(inputSchema, args as Readonly<Record<string, unknown>>))
  if (faults.length === 0) return
  const texts = faults.map(({ pointer, message }) => `${pointer || '(root)'}: ${message}`)
  throw new ToolError('invalid_arguments', `The arguments do not fit the tool. ${texts.join('; ')}`)
}

/** The first of them. */
function findFaults(validate: () => unknown): ArgumentFault[] {
  try {
    return readFaults(validate()).slice(0, 10).map(readFault)
  } catch (cause) {
    // The validator is at fault, and no other attempt would change that.
    throw new ToolError('invalid_arguments', 'The arguments could not be checked.', { cause })
  }
}
