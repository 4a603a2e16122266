import type { BufferedEventStream } from './buffered-event-stream.js'

type Answer<Item> = IteratorResult<Item, void>

const end: Answer<never> = Object.freeze({ value: undefined, done: true })

/**
 * Iterates over what a buffer holds, until its end, as an async generator would: calls are answered one after the other, and `return`
 * and `throw` discard what is left, and end what still waits. Made by hand, so that what is there already costs one promise and no turn of a generator.
 */
export class EventIterator<Item> implements AsyncGenerator<Item, void, undefined> {
  readonly #buffer: BufferedEventStream
  readonly #take: () => Item | undefined
  readonly #result: Promise<unknown>
  #done = false
  /** How many calls wait for their answer; the promise of the last of them. */
  #unanswered = 0
  #last: Promise<unknown> | undefined

  /** `take` gives `undefined` where the buffer is empty. Where `result` rejects, so does the end of the iteration. */
  constructor(buffer: BufferedEventStream, take: () => Item | undefined, result: Promise<unknown>) {
    this.#buffer = buffer
    this.#take = take
    this.#result = result
  }

  next(): Promise<Answer<Item>> {
    return this.#inTurn(this.#answer)
  }

  return(value?: void | PromiseLike<void>): Promise<Answer<Item>> {
    // At once, unlike a generator: somebody may wait for an event that never comes.
    this.#finish()
    return this.#inTurn(() => {
      return this.#after(Promise.resolve(value), () => ({ value: undefined, done: true }))
    })
  }

  throw(error: unknown): Promise<Answer<Item>> {
    this.#finish()
    return this.#inTurn(() => {
      throw error
    })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #inTurn(call: () => Answer<Item> | Promise<Answer<Item>>): Promise<Answer<Item>> {
    if (this.#last === undefined) {
      try {
        return Promise.resolve(call())
      } catch (error) {
        return Promise.reject(error)
      }
    }
    const inTurn = () => {
      this.#answered()
      return call()
    }
    this.#unanswered += 1
    const answer = this.#last.then(inTurn, inTurn)
    this.#last = answer
    return answer
  }

  readonly #answer = (): Answer<Item> | Promise<Answer<Item>> => {
    if (this.#done) return end
    try {
      const item = this.#take()
      if (item !== undefined) return { value: item, done: false }
    } catch (error) {
      this.#finish()
      throw error
    }
    if (!this.#buffer.ended) return this.#after(this.#buffer.wait(), this.#answer)
    this.#finish()
    return this.#after(this.#result, () => end)
  }

  /** Until then, further calls wait for their turn. */
  #after(event: Promise<unknown>, call: () => Answer<Item> | Promise<Answer<Item>>): Promise<Answer<Item>> {
    this.#unanswered += 1
    const answer = event.then(
      () => {
        this.#answered()
        return call()
      },
      (error: unknown) => {
        this.#answered()
        throw error
      },
    )
    // Where calls came in the meantime, the last of them is still the last.
    this.#last ??= answer
    return answer
  }

  #answered(): void {
    this.#unanswered -= 1
    if (this.#unanswered === 0) this.#last = undefined
  }

  #finish(): void {
    this.#done = true
    this.#buffer.discard()
  }
}
