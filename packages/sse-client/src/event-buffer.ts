import type { EventStreamError } from './event-stream-error.js'

interface Taker<Item> {
  resolve(result: IteratorResult<Item, undefined>): void
  reject(error: EventStreamError): void
}

/** Where events wait for a `for await` loop, at most `max` of them; then `room` makes the connection wait for the loop. */
export class EventBuffer<Item> {
  readonly #max: number
  #items: Item[] = []
  #isLooping = false
  #taker: Taker<Item> | undefined
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
  start(): void {
    if (this.#isLooping) throw new TypeError('Expected one `for await` loop over a client at a time')
    this.#isLooping = true
  }

  /** The loop is over. Returns whether it was not before. */
  stop(): boolean {
    const wasLooping = this.#isLooping
    this.#isLooping = false
    if (!this.#end?.isFinal) this.#end = undefined
    this.#makeRoom()
    return wasLooping
  }

  push(item: Item): void {
    // What follows would not join on: a loop must not see a hole that nobody announced.
    if (!this.#isLooping) {
      if (this.#items.length > 0) this.#items = []
    } else if (this.#taker) {
      this.#taker.resolve({ value: item, done: false })
      this.#taker = undefined
    } else this.#items.push(item)
  }

  /** The next item, or the end. Rejects with the error the stream ended with. */
  take(): Promise<IteratorResult<Item, undefined>> {
    if (this.#items.length > 0 && (!this.#end || this.#end.isFinal)) {
      const value = this.#items.shift()!
      if (this.#items.length * 2 <= this.#max) this.#makeRoom()
      return Promise.resolve({ value, done: false })
    }
    return new Promise((resolve, reject) => {
      this.#taker = { resolve, reject }
      this.#settle()
    })
  }

  /** What to wait for before the next `push`, if anything. */
  room(): Promise<void> | undefined {
    if (!this.#isLooping || this.#items.length < this.#max) return undefined
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
    if (!this.#isLooping || this.#end) return
    this.#end = { error, isFinal: false }
    this.#settle()
  }

  /** Forgets the events that wait. */
  clear(): void {
    this.#items = []
  }

  #settle(): void {
    const taker = this.#taker
    if (!taker || !this.#end) return
    const { error } = this.#end
    this.#taker = undefined
    this.stop()
    if (error) taker.reject(error)
    else taker.resolve({ value: undefined, done: true })
  }
}
