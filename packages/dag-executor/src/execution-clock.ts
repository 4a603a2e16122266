/** The time of one execution. Looking at it costs, so that what happens together has one look. */
export class ExecutionClock {
  #startedAt: number | undefined
  #epoch = 0
  #now = 0

  get hasStarted(): boolean {
    return this.#startedAt !== undefined
  }

  /** Milliseconds since the start, as of the last look. */
  get now(): number {
    return this.#now
  }

  start(): void {
    this.#startedAt = performance.now()
    this.#epoch = Date.now()
  }

  /** Milliseconds since the start; 0 before it. */
  read(): number {
    if (this.#startedAt !== undefined) this.#now = performance.now() - this.#startedAt
    return this.#now
  }

  /** Such a time as events have it: from one look at the calendar on by this clock, which no one turns back. */
  date(at: number): number {
    return Math.floor(this.#epoch + at)
  }
}
