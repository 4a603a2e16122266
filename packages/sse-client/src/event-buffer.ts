import type { EventStreamError } from './event-stream-error.js'

interface Taker<Item> {
  readonly resolve: (item: Item | undefined) => void
  readonly reject: (error: EventStreamError) => void
}

/** Where events wait for a `for await` loop, at most `max` of them; then `room` makes the connection wait for the loop. */
export class EventBuffer<Item> {
  readonly #max: number
  #items: Item[] = []
  #looping = false
  #taker: Taker<Item> | undefined
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined
  #ended = false
  #error: EventStreamError | undefined

  constructor(max: number) {
    this.#max = max
  }

  /**
   * A loop begins. It first gets what an earlier loop left over, unless an event was missed in between.
   *
   * @throws TypeError where another loop is running: two would each get a part of the events.
   */
  start(): void {
    if (this.#looping) throw new TypeError('Expected one `for await` loop over a client at a time')
    this.#looping = true
  }

  stop(): void {
    this.#looping = false
    if (!this.#ended) this.#error = undefined
    this.#makeRoom()
  }

  push(item: Item): void {
    // What follows would not join on: a loop must not see a hole that nobody announced.
    if (!this.#looping) this.#items = []
    else if (this.#taker) this.#release()?.resolve(item)
    else this.#items.push(item)
  }

  /** The next item; `undefined` at the end. Rejects with the error the stream ended with. */
  take(): Promise<Item | undefined> {
    if (this.#error && !this.#ended) return Promise.reject(this.#error)
    const item = this.#items.shift()
    if (item !== undefined) {
      this.#makeRoom()
      return Promise.resolve(item)
    }
    if (this.#error) return Promise.reject(this.#error)
    if (this.#ended) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      this.#taker = { resolve, reject }
    })
  }

  /** What to wait for before the next `push`, if anything. */
  room(): Promise<void> | undefined {
    if (!this.#looping || this.#items.length < this.#max) return undefined
    if (!this.#room) {
      let resolve = (): void => {}
      const promise = new Promise<void>((done) => {
        resolve = done
      })
      this.#room = { promise, resolve }
    }
    return this.#room.promise
  }

  /** No event follows. A loop gets those that wait, then the error, if there is one. */
  end(error?: EventStreamError): void {
    this.#ended = true
    this.#error = error
    if (error) this.#release()?.reject(error)
    else this.#release()?.resolve(undefined)
  }

  /** A loop that is running gets the error now, before the events that wait. */
  interrupt(error: EventStreamError): void {
    if (!this.#looping || this.#ended) return
    this.#error = error
    this.#release()?.reject(error)
  }

  /** Forgets the events that wait. */
  clear(): void {
    this.#items = []
  }

  #release(): Taker<Item> | undefined {
    const taker = this.#taker
    this.#taker = undefined
    return taker
  }

  #makeRoom(): void {
    this.#room?.resolve()
    this.#room = undefined
  }
}
