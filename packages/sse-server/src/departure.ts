/** The moment at which a client is gone. A listener that comes late is called at once, so nobody can miss it. */
export class Departure {
  /** `undefined`: it has passed. */
  #listeners: readonly (() => void)[] | undefined = []

  get hasPassed(): boolean {
    return this.#listeners === undefined
  }

  onPassed(listener: () => void): void {
    if (this.#listeners === undefined) listener()
    // There are two or three. A list that grows by `push` takes room for sixteen more, for as long as the connection lasts.
    else this.#listeners = this.#listeners.concat(listener)
  }

  /** Tells every listener; only the first call counts. */
  pass(): void {
    const listeners = this.#listeners ?? []
    this.#listeners = undefined
    for (const listener of listeners) listener()
  }
}
