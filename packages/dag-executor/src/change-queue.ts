/** Something that happens to an execution; `at` is the time in milliseconds since it began. */
export type Change = (at: number) => void

/**
 * Has changes made one after the other: what comes up during a change, such as a cancel by somebody who is told of it, is the next one.
 * So no change sees the half of another, and none is as deep in the stack as many came up.
 */
export class ChangeQueue {
  readonly #make: (change: Change) => void
  readonly #waiting: Change[] = []
  #isChanging = false

  /** `make` must not throw. */
  constructor(make: (change: Change) => void) {
    this.#make = make
  }

  /** Whether the change was made, and all that came up; otherwise it will be, by the call that is making one. */
  add(change: Change): boolean {
    if (this.#isChanging) {
      this.#waiting.push(change)
      return false
    }
    this.#isChanging = true
    this.#make(change)
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) this.#make(next)
    this.#isChanging = false
    return true
  }
}
