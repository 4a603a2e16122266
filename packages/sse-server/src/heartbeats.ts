import { startTimer, type Timer } from './timer.js'

/** Something that is called once in every interval. */
export interface Beating {
  beat(): void
}

/**
 * One timer for all connections. Each is called one interval after it was added and then in every interval; those that are due within a
 * little while of each other are called together, a little early, so ten thousand connections cost few wake-ups.
 */
export class Heartbeats {
  readonly #interval: number
  readonly #slack: number
  /** The interval is one, so the order of insertion is the order of due times. */
  readonly #due = new Map<Beating, number>()
  #timer: Timer | undefined

  /** @param interval milliseconds */
  constructor(interval: number) {
    this.#interval = interval
    this.#slack = Math.min(interval / 20, 250)
  }

  add(member: Beating): void {
    this.#due.set(member, performance.now() + this.#interval)
    this.#arm()
  }

  delete(member: Beating): void {
    this.#due.delete(member)
    if (this.#due.size > 0) return
    this.#timer?.stop()
    this.#timer = undefined
  }

  #arm(): void {
    if (this.#timer !== undefined) return
    const [due] = this.#due.values()
    if (due === undefined) return
    this.#timer = startTimer(Math.max(1, Math.ceil(due - performance.now())), () => this.#fire())
  }

  #fire(): void {
    this.#timer = undefined
    const now = performance.now()
    const members: Beating[] = []
    for (const [member, due] of this.#due) {
      if (due > now + this.#slack) break
      members.push(member)
    }
    for (const member of members) {
      this.#due.delete(member)
      this.#due.set(member, now + this.#interval)
    }
    this.#arm()
    for (const member of members) member.beat()
  }
}
