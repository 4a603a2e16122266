import type { MemoryStream } from './memory-stream.js'

/** Ended streams in the order in which they ended, and when each is to be dropped. */
export class EndedStreams {
  readonly #dueTimes = new Map<MemoryStream, number>()
  /** Kept between calls: each new walk over a Map first steps over all that was deleted at its front, one by one. */
  readonly #walk = this.#dueTimes.keys()
  #oldest: MemoryStream | undefined

  add(stream: MemoryStream, due: number): void {
    this.#dueTimes.set(stream, due)
  }

  delete(stream: MemoryStream): void {
    this.#dueTimes.delete(stream)
  }

  /** The stream that ended first. */
  oldest(): { readonly stream: MemoryStream; readonly due: number } | undefined {
    // All but the oldest are ahead of the walk, so it never comes to its end, after which it would see nothing that is added.
    while (this.#dueTimes.size > 0) {
      const due = this.#oldest && this.#dueTimes.get(this.#oldest)
      if (this.#oldest !== undefined && due !== undefined) return { stream: this.#oldest, due }
      this.#oldest = this.#walk.next().value
    }
    this.#oldest = undefined
    return undefined
  }
}
