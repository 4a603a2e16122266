import type { Clock } from '../src/index.js'

/** Time that passes only when a test says so. */
export class VirtualClock implements Clock {
  #now = 0
  #last = 0
  readonly #timers = new Map<number, { readonly at: number; readonly callback: () => void }>()

  now(): number {
    return this.#now
  }

  get pending(): number {
    return this.#timers.size
  }

  setTimeout(callback: () => void, delay: number): number {
    this.#last += 1
    this.#timers.set(this.#last, { at: this.#now + delay, callback })
    return this.#last
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number)
  }

  /** Time that passes without anybody to see it: timers go on from where they were. */
  sleep(milliseconds: number): void {
    this.#now += milliseconds
    for (const [timer, { at, callback }] of this.#timers) this.#timers.set(timer, { at: at + milliseconds, callback })
  }

  /** Fires what is due in order, and lets everything that follows from it happen before the next. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds
    for (;;) {
      await settle()
      const [next] = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)
      if (!next) break
      const [timer, { at, callback }] = next
      this.#timers.delete(timer)
      this.#now = at
      callback()
    }
    this.#now = end
    await settle()
  }
}

/** Lets all promises that can settle do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
