import type { ExecutionResult, ExecutionStatus } from './execution-result.js'
import { isTimeout } from './task-failure.js'
import type { TaskState } from './task-state.js'

/** How an execution ends: with a result, whose status somebody may have decided by a cancel, or with the error by which it failed itself. */
export class ExecutionOutcome {
  readonly promise: Promise<ExecutionResult>
  #resolve!: (result: ExecutionResult) => void
  #reject!: (error: unknown) => void
  #failure: { readonly error: unknown } | undefined
  #cancelStatus: 'cancelled' | 'timeout' | undefined

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** The first error by which the execution failed. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  get isCancelled(): boolean {
    return this.#cancelStatus !== undefined
  }

  fail(error: unknown): void {
    this.#failure ??= { error }
  }

  cancel(reason: unknown): void {
    this.#cancelStatus = isTimeout(reason) ? 'timeout' : 'cancelled'
  }

  /** Of an execution all of whose tasks have ended. */
  status(states: readonly TaskState[]): ExecutionStatus {
    if (this.#failure) return 'error'
    if (this.#cancelStatus) return this.#cancelStatus
    const hasFailed = states.some(({ result }) => result?.status !== 'success' && !result?.handled)
    return hasFailed ? 'error' : 'success'
  }

  /** Tells whoever waits for the end. */
  settle(result: ExecutionResult | undefined): void {
    if (this.#failure || !result) this.#reject(this.#failure?.error)
    else this.#resolve(result)
  }
}
