export interface OutputStoreOptions {
  /** Bytes of all texts together. Beyond that the oldest go first. */
  readonly maxBytes: number
  /** Milliseconds that a text is kept after its release. */
  readonly retention: number
}

/** Keeps JSON texts for whoever follows the `ref` of an event that was too small for them; bounded by bytes and by age. */
export class OutputStore {
  readonly #options: OutputStoreOptions
  readonly #texts = new Map<string, Buffer>()
  #bytes = 0

  constructor(options: OutputStoreOptions) {
    this.#options = options
  }

  /** Bytes of all texts together. */
  get bytes(): number {
    return this.#bytes
  }

  get(key: string): Buffer | undefined {
    return this.#texts.get(key)
  }

  /** Keeps a text. One that is larger than the whole store is not kept at all. */
  put(key: string, json: string): void {
    this.#delete(key)
    const text = Buffer.from(json)
    if (text.length > this.#options.maxBytes) return
    for (const oldest of this.#texts.keys()) {
      if (this.#bytes + text.length <= this.#options.maxBytes) break
      this.#delete(oldest)
    }
    this.#texts.set(key, text)
    this.#bytes += text.length
  }

  /** Lets go of texts when the retention is over. */
  release(keys: Iterable<string>): void {
    setTimeout(() => {
      for (const key of keys) this.#delete(key)
    }, this.#options.retention).unref()
  }

  #delete(key: string): void {
    this.#bytes -= this.#texts.get(key)?.length ?? 0
    this.#texts.delete(key)
  }
}
