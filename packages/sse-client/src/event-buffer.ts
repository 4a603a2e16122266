import type { EventStreamError } from './event-stream-error.js'

interface Taker<Item> {
  resolve(result: IteratorResult<Item, undefined>): void
  reject(error: EventStreamError): void
}

/** Where events wait for a `for await` loop, at most `max` of them; then `room` makes the connection wait for the loop. */
export class EventBuffer<Item> {
  readonly #max: number
  /** Those before `#head` are taken. */
  #items: Item[] = []
  #head = 0
  #takers: Taker<Item>[] = []
  /** Tells the loop that it is over; `undefined` where there is none. */
  #onStop: (() => void) | undefined
  #room: Promise<void> | undefined
  #makeRoom = (): void => {}
  /** What the loop gets after the items, or before them where it was interrupted. */
  #end: { readonly error: EventStreamError | undefined; readonly isFinal: boolean } | undefined

  constructor(max: number) {
    this.#max = max
  }

  /**
   * A loop begins. It first gets what an earlier loop left over, unless an event was missed in between.
   *
   * @throws TypeError where another loop is running: two would each get a part of the events.
   */
  start(onStop: () => void): void {
    if (this.#onStop) throw new TypeError('Expected one `for await` loop over a client at a time')
    this.#onStop = onStop
  }

  /** The loop is over; who waits gets nothing. */
  stop(): void {
    this.#onStop?.()
    this.#onStop = undefined
    if (!this.#end?.isFinal) this.#end = undefined
    for (const { resolve } of this.#takers.splice(0)) resolve({ value: undefined, done: true })
    this.#makeRoom()
  }

  push(item: Item): void {
    const taker = this.#takers.shift()
    if (taker) taker.resolve({ value: item, done: false })
    else if (this.#onStop) this.#items.push(item)
    // What follows would not join on: a loop must not see a hole that nobody announced.
    else this.clear()
  }

  /** The next item, or the end. Rejects with the error the stream ended with. */
  take(): Promise<IteratorResult<Item, undefined>> {
    const left = this.#items.length - this.#head
    if (left === 0 || (this.#end && !this.#end.isFinal)) {
      return new Promise((resolve, reject) => {
        this.#takers.push({ resolve, reject })
        this.#settle()
      })
    }
    const value = this.#items[this.#head]!
    this.#head += 1
    // Now and then, and not for each one: `shift()` moves all that are left.
    if (this.#head >= left) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    // Not for each one: the connection would fill and wait in turns.
    if (left * 2 <= this.#max + 2) this.#makeRoom()
    return Promise.resolve({ value, done: false })
  }

  /** What to wait for before the next `push`, if anything. */
  room(): Promise<void> | undefined {
    if (!this.#onStop || this.#items.length - this.#head < this.#max) return undefined
    this.#room ??= new Promise((resolve) => {
      this.#makeRoom = () => {
        this.#room = undefined
        resolve()
      }
    })
    return this.#room
  }

  /** No event follows. A loop gets those that wait, then the error, if there is one. */
  end(error?: EventStreamError): void {
    this.#end = { error, isFinal: true }
    this.#settle()
  }

  /** A loop that is running gets the error now, before the events that wait. */
  interrupt(error: EventStreamError): void {
    if (!this.#onStop || this.#end) return
    this.#end = { error, isFinal: false }
    this.#settle()
  }

  /** Forgets the events that wait. */
  clear(): void {
    if (this.#items.length > 0) this.#items = []
    this.#head = 0
  }

  #settle(): void {
    const error = this.#end?.error
    if (!this.#end || this.#takers.length === 0) return
    if (error) this.#takers.shift()!.reject(error)
    this.stop()
  }
}
