import { inAnotherTurn } from './another-turn.js'

/** Milliseconds of starting after which the event loop gets its turn: half the time of a frame. */
const maxBurstMs = 8
/** So few starts are never held back: a start may seem long because the process itself had to wait for a processor. */
const minBurst = 8

/**
 * Keeps the starting of many tasks, whose tools may do their work at once, from holding the event loop. It adds up the time that starts
 * take rather than measure turns of the loop, of which nothing can be known without a timer for each.
 */
export class StartBudget {
  readonly #resume: () => void
  #spentMs = 0
  #starts = 0
  #cancelPause: (() => void) | undefined

  /** `resume` is called after each pause, in a turn of its own. */
  constructor(resume: () => void) {
    this.#resume = resume
  }

  /** While it is, nothing is to start. */
  get isPaused(): boolean {
    return this.#cancelPause !== undefined
  }

  /** Counts a start, and pauses where those since the last pause took too long together. */
  spend(durationMs: number): void {
    this.#spentMs += durationMs
    this.#starts += 1
    if (this.#spentMs <= maxBurstMs || this.#starts < minBurst || this.#cancelPause) return
    this.#spentMs = 0
    this.#starts = 0
    this.#cancelPause = inAnotherTurn(() => {
      this.#cancelPause = undefined
      this.#resume()
    })
  }

  /** Forgets a pause that goes on. */
  cancel(): void {
    this.#cancelPause?.()
    this.#cancelPause = undefined
  }
}
