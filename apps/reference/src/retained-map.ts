/** A map whose entries stay for a while after they are released: for answers about runs that have ended. */
export class RetainedMap<Value> {
  readonly #entries = new Map<string, Value>()
  readonly #retention: number

  /** @param retention Milliseconds that an entry stays after its release. */
  constructor(retention: number) {
    this.#retention = retention
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key)
  }

  set(key: string, value: Value): void {
    this.#entries.set(key, value)
  }

  /** Removes the entry at once. */
  delete(key: string): void {
    this.#entries.delete(key)
  }

  /** Removes the entry when the retention is over, unless another one has taken its place by then. */
  release(key: string): void {
    const value = this.#entries.get(key)
    setTimeout(() => {
      if (this.#entries.get(key) === value) this.#entries.delete(key)
    }, this.#retention).unref()
  }
}
