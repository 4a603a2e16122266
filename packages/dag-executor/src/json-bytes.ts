const quoteUnit = 0x22
const backslashUnit = 0x5c

/**
 * A JSON text in UTF-8 that is put together from many short pieces. To write them at once as bytes takes a fraction of the time and
 * of the memory of a text of them, which would have to be encoded in the end.
 */
export class JsonBytes {
  readonly #encoder = new TextEncoder()
  #bytes = new Uint8Array(4_096)
  #length = 0

  /** What was written so far; not a copy. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length)
  }

  /** A piece of the text, in ASCII. */
  ascii(text: string): void {
    const bytes = this.#room(text.length)
    let at = this.#length
    for (let index = 0; index < text.length; index += 1) {
      bytes[at] = text.charCodeAt(index)
      at += 1
    }
    this.#length = at
  }

  /** A piece of the text. */
  text(text: string): void {
    // No unit of a text has more than three bytes of its own.
    const bytes = this.#room(text.length * 3)
    this.#length += this.#encoder.encodeInto(text, bytes.subarray(this.#length)).written
  }

  /** The JSON text of a string. */
  string(text: string): void {
    const bytes = this.#room(text.length + 2)
    let at = this.#length
    bytes[at] = quoteUnit
    at += 1
    for (let index = 0; index < text.length; index += 1) {
      const unit = text.charCodeAt(index)
      if (unit < 0x20 || unit > 0x7e || unit === quoteUnit || unit === backslashUnit) {
        this.text(JSON.stringify(text))
        return
      }
      bytes[at] = unit
      at += 1
    }
    bytes[at] = quoteUnit
    this.#length = at + 1
  }

  /** The bytes, with so many more than are written. */
  #room(count: number): Uint8Array<ArrayBuffer> {
    const needed = this.#length + count
    if (needed > this.#bytes.length) {
      const longer = new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
      longer.set(this.bytes)
      this.#bytes = longer
    }
    return this.#bytes
  }
}
