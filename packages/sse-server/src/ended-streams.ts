import type { MemoryStream } from './memory-stream.js'

/** A stream that has ended, and its neighbours in the order of ends. */
interface Ended {
  readonly stream: MemoryStream
  /** When it is to be dropped. */
  readonly due: number
  before: Ended | undefined
  after: Ended | undefined
}

/**
 * Ended streams in the order in which they ended. Linked by hand: the first key of a Map is found by stepping over all that was deleted before
 * it, and an iterator that is kept keeps what was deleted.
 */
export class EndedStreams {
  readonly #ended = new Map<MemoryStream, Ended>()
  #oldest: Ended | undefined
  #newest: Ended | undefined

  /** The stream that ended first. */
  get oldest(): Pick<Ended, 'stream' | 'due'> | undefined {
    return this.#oldest
  }

  add(stream: MemoryStream, due: number): void {
    const ended: Ended = { stream, due, before: this.#newest, after: undefined }
    if (this.#newest === undefined) this.#oldest = ended
    else this.#newest.after = ended
    this.#newest = ended
    this.#ended.set(stream, ended)
  }

  delete(stream: MemoryStream): void {
    const ended = this.#ended.get(stream)
    if (ended === undefined) return
    this.#ended.delete(stream)
    const { before, after } = ended
    if (before === undefined) this.#oldest = after
    else before.after = after
    if (after === undefined) this.#newest = before
    else after.before = before
  }
}
