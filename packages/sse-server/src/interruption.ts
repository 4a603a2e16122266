/**
 * Waits for one promise after the other, until it is interrupted. A `Promise.race` for each would leave something behind, each time, at the
 * promise that lasts.
 */
export class Interruption {
  #interrupted: { readonly reason: unknown } | undefined
  #reject: ((reason: unknown) => void) | undefined

  get isInterrupted(): boolean {
    return this.#interrupted !== undefined
  }

  /** Rejects what is waited for, and whatever will be. Only the first reason counts. Needs no `this`. */
  readonly interrupt = (reason: unknown): void => {
    this.#interrupted ??= { reason }
    this.#reject?.(this.#interrupted.reason)
  }

  /** @throws The reason, where it was interrupted. */
  check(): void {
    if (this.#interrupted) throw this.#interrupted.reason
  }

  /** Settles as the promise does, or rejects with the reason of an interruption before. One is waited for at a time. */
  async wait<T>(promise: PromiseLike<T> | T): Promise<T> {
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#reject = reject
        // Also where it is too late: a rejection must not be left unhandled.
        Promise.resolve(promise).then(resolve, reject)
        if (this.#interrupted) reject(this.#interrupted.reason)
      })
    } finally {
      this.#reject = undefined
    }
  }
}
