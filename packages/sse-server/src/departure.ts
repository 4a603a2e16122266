/** The moment at which a client is gone. A listener that comes late is called at once, so nobody can miss it. */
export class Departure {
  /** `undefined`: it has passed. */
  #listeners: (() => void)[] | undefined = []

  get hasPassed(): boolean {
    return this.#listeners === undefined
  }

  onPassed(listener: () => void): void {
    if (this.#listeners === undefined) listener()
    else this.#listeners.push(listener)
  }

  /** Tells every listener; only the first call counts. */
  pass(): void {
    const listeners = this.#listeners ?? []
    this.#listeners = undefined
    for (const listener of listeners) listener()
  }
}
