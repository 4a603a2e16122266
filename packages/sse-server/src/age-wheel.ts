import type { MemoryStream } from './memory-stream.js'
import { startTimer, type Timer } from './timer.js'

/** The time between two turns in a maximum age, which is how much too long an event may be kept. */
const parts = 20
const shortest = 100

/**
 * One timer for the age of all events. A stream that has an event to spare is on the wheel once, where its oldest event falls due or before, so
 * an append costs nothing more for its age.
 */
export class AgeWheel {
  readonly #maxAge: number
  readonly #interval: number
  readonly #drop: (stream: MemoryStream, now: number) => void
  readonly #spokes = new Map<number, Set<MemoryStream>>()
  #timer: Timer | undefined

  /**
   * @param maxAge milliseconds
   * @param drop drops what is too old of a stream
   */
  constructor(maxAge: number, drop: (stream: MemoryStream, now: number) => void) {
    this.#maxAge = maxAge
    this.#interval = Math.max(maxAge / parts, shortest)
    this.#drop = drop
  }

  /** The stream has more than its newest event. */
  add(stream: MemoryStream): void {
    if (stream.spoke !== undefined) return
    const turn = Math.ceil((stream.oldestTime + this.#maxAge) / this.#interval)
    let spoke = this.#spokes.get(turn)
    if (spoke === undefined) {
      spoke = new Set()
      this.#spokes.set(turn, spoke)
    }
    spoke.add(stream)
    stream.spoke = spoke
    this.#start()
  }

  delete(stream: MemoryStream): void {
    stream.spoke?.delete(stream)
    stream.spoke = undefined
  }

  stop(): void {
    this.#timer?.stop()
    this.#timer = undefined
    this.#spokes.clear()
  }

  #start(): void {
    this.#timer ??= startTimer(this.#interval - (performance.now() % this.#interval), () => this.#turn())
  }

  #turn(): void {
    this.#timer = undefined
    const now = performance.now()
    const current = Math.floor(now / this.#interval)
    // A copy, since streams come back to the wheel meanwhile.
    for (const [turn, streams] of [...this.#spokes]) {
      if (turn > current) continue
      this.#spokes.delete(turn)
      for (const stream of streams) {
        stream.spoke = undefined
        this.#drop(stream, now)
        if (stream.count > 1) this.add(stream)
      }
    }
    if (this.#spokes.size > 0) this.#start()
  }
}
