import type { ParsedEvent } from './parsed-event.js'
import { EventStreamParser } from './parser.js'
import type { EventStreamParserOptions, LimitError } from './parser-options.js'

export interface EventStreamOptions extends EventStreamParserOptions {
  /**
   * The last event id that the reader holds from the connection before.
   * @default ''
   */
  readonly lastEventId?: string | null | undefined
}

/**
 * Reads the events of a stream of bytes or text, such as a `fetch` response's body, no faster than they are asked for.
 *
 * @throws TypeError where the stream is locked, or an option is not what it must be.
 * @example
 * for await (const { type, data } of fromReadableStream(response.body)) console.log(type, data)
 */
export function fromReadableStream(
  stream: ReadableStream<string | Uint8Array>,
  options: EventStreamOptions = {},
): EventStream {
  return new EventStream(stream, options)
}

/**
 * The events of a {@link fromReadableStream}, one after the other. Its names are those of the proposed `EventSource.fromReadableStream`
 * (whatwg/html#12272). Rejects with what went wrong: at a limit after the events before it; where a callback throws, before the events of its
 * chunk, which a reconnect brings again.
 */
export class EventStream implements AsyncIterableIterator<ParsedEvent> {
  readonly #parser: EventStreamParser
  readonly #reader: ReadableStreamDefaultReader<string | Uint8Array>
  #events: readonly ParsedEvent[] = []
  #index = 0
  /** The last answer that waits, and how many there are: they are given in the order of their calls. */
  #waiting: Promise<IteratorResult<ParsedEvent, undefined>> | undefined
  #waitingCount = 0
  #isClosed = false
  #failure: [error: unknown] | undefined

  constructor(stream: ReadableStream<string | Uint8Array>, options: EventStreamOptions) {
    this.#parser = new EventStreamParser(options)
    this.#parser.reset(options)
    this.#reader = stream.getReader()
  }

  /** The last event id of the events that were handed out; where a reconnect continues. */
  get lastEventId(): string {
    return this.#index < this.#events.length ? this.#events[this.#index - 1]!.lastEventId : this.#parser.lastEventId
  }

  /** The last valid `retry` field, in milliseconds; `undefined` where there was none. */
  get reconnectionTime(): number | undefined {
    return this.#parser.reconnectionTime
  }

  /** Another connection's bytes come next on the same stream: forgets an unfinished block. */
  reset(): void {
    this.#parser.reset()
  }

  /** Cancels the stream; no more events come. */
  close(): void {
    this.return().catch(() => {})
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  // No generator, which would make several promises for each event.
  next(): Promise<IteratorResult<ParsedEvent, undefined>> {
    if (this.#waitingCount === 0 && this.#index < this.#events.length) {
      return Promise.resolve({ done: false, value: this.#events[this.#index++]! })
    }
    this.#waiting = this.#waitingCount++ === 0 ? this.#read() : this.#waiting!.then(this.#read, this.#read)
    return this.#waiting
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    // What was parsed and not handed out has not been read.
    this.#parser.reset(this)
    this.#index = this.#events.length
    this.#failure = undefined
    this.#isClosed = true
    await this.#reader.cancel()
    return { done: true, value: undefined }
  }

  readonly #read = async (): Promise<IteratorResult<ParsedEvent, undefined>> => {
    try {
      while (this.#index === this.#events.length) {
        if (this.#failure) throw this.#failure[0]
        const { done, value } = await this.#reader.read()
        if (done || this.#isClosed) return { done: true, value: undefined }
        this.#parse(value)
      }
      return { done: false, value: this.#events[this.#index++]! }
    } finally {
      this.#waitingCount--
    }
  }

  #parse(chunk: string | Uint8Array): void {
    const { lastEventId } = this
    this.#index = 0
    try {
      this.#events = this.#parser.push(chunk)
    } catch (error) {
      this.#failure = [error]
      this.#events = (error as LimitError | undefined)?.events ?? []
      // A callback threw: the events of the chunk are not handed out, and a reconnect brings them again.
      if (this.#events.length === 0) this.#parser.reset({ lastEventId })
      this.#reader.cancel(error).catch(() => {})
    }
  }
}

/**
 * The parser as a transform stream, for `pipeThrough`.
 *
 * At a limit the stream errors with the reason, whose `events` are those of the same chunk before it. Where a callback throws, it errors with
 * that, without the events of the chunk.
 *
 * @example response.body.pipeThrough(new EventStreamParserStream())
 */
export class EventStreamParserStream implements TransformStream<string | Uint8Array, ParsedEvent> {
  readonly readable: ReadableStream<ParsedEvent>
  readonly writable: WritableStream<string | Uint8Array>

  constructor(options: EventStreamOptions = {}) {
    const parser = new EventStreamParser(options)
    parser.reset(options)
    // Not what this class extends: bundlers keep a class that extends a global, used or not.
    const { readable, writable } = new TransformStream<string | Uint8Array, ParsedEvent>({
      transform(chunk, controller) {
        for (const event of parser.push(chunk)) controller.enqueue(event)
      },
    })
    this.readable = readable
    this.writable = writable
  }
}
