import type { MemoryStream } from './memory-stream.js'

/** Ended streams in the order in which they ended, and when each is to be dropped. */
export class EndedStreams {
  readonly #dueTimes = new Map<MemoryStream, number>()
  /** Kept between calls: each new walk over a Map first steps over all that was deleted at its front, one by one. */
  #walk = this.#dueTimes.keys()
  #oldest: MemoryStream | undefined

  add(stream: MemoryStream, due: number): void {
    this.#dueTimes.set(stream, due)
  }

  delete(stream: MemoryStream): void {
    this.#dueTimes.delete(stream)
  }

  /** The stream that ended first. */
  oldest(): { readonly stream: MemoryStream; readonly due: number } | undefined {
    while (this.#dueTimes.size > 0) {
      const due = this.#oldest && this.#dueTimes.get(this.#oldest)
      if (this.#oldest !== undefined && due !== undefined) return { stream: this.#oldest, due }
      const next = this.#walk.next()
      this.#oldest = next.value
      // A walk that came to its end once stays there, whatever is added.
      if (next.done) this.#walk = this.#dueTimes.keys()
    }
    this.#oldest = undefined
    return undefined
  }
}
