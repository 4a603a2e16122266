import { startTimer } from './timer.js'

/**
 * Calls back once when nothing was heard for a time. Hearing costs a look at the clock and no timer, since a tool may report
 * its progress thousands of times a second.
 */
export class IdleTimer {
  readonly #limitMs: number
  readonly #onIdle: () => void
  #heardAt = performance.now()
  #stop: () => void

  constructor(limitMs: number, onIdle: () => void) {
    this.#limitMs = limitMs
    this.#onIdle = onIdle
    this.#stop = startTimer(limitMs, () => this.#check())
  }

  refresh(): void {
    this.#heardAt = performance.now()
  }

  stop(): void {
    this.#stop()
  }

  #check(): void {
    const left = this.#limitMs - (performance.now() - this.#heardAt)
    // Platforms call back up to a millisecond early, by this clock.
    if (left < 1) this.#onIdle()
    else this.#stop = startTimer(left, () => this.#check())
  }
}
