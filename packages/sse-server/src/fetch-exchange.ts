import { afterThisTurn } from './after-this-turn.js'
import { Departure } from './departure.js'
import { type Exchange, headerOf } from './exchange.js'
import type { Sink, SinkEvents } from './sink.js'

/** One piece waits for the host at most, so a body that nobody reads runs into the write deadline and does not keep its place. */
const highWaterMark = 1

/** An exchange of a fetch-style host: a Request, and a Response whose body is pulled. */
export class FetchExchange implements Exchange {
  readonly request: Request
  readonly #forget = new AbortController()
  #response: Response | undefined
  readonly #departure = new Departure()

  constructor(request: Request) {
    this.request = request
    if (request.signal.aborted) this.#departure.pass()
    else request.signal.addEventListener('abort', () => this.#departure.pass(), { signal: this.#forget.signal })
  }

  /** What the host sends; a client that left before it was made gets an empty one. */
  get response(): Response {
    return this.#response ?? new Response(null, { status: 204 })
  }

  get method(): string {
    return this.request.method
  }

  get gone(): boolean {
    return this.#departure.hasPassed
  }

  header(name: string): string | undefined {
    return headerOf(this.request, name)
  }

  query(name: string): string | undefined {
    return new URL(this.request.url).searchParams.get(name) ?? undefined
  }

  onGone(listener: () => void): void {
    this.#departure.onPassed(listener)
  }

  /** Stops to listen to the request, which may outlive an answer that is not made here. */
  forget(): void {
    this.#forget.abort()
  }

  async turn(): Promise<'now'> {
    return 'now'
  }

  reply(status: number, headers: Readonly<Record<string, string>>, body?: string): void {
    this.forget()
    this.#response = new Response(this.method === 'HEAD' ? null : (body ?? null), { status, headers })
  }

  stream(headers: Readonly<Record<string, string>>, events: SinkEvents): Sink {
    let controller: ReadableStreamDefaultController<Uint8Array>
    const close = (): void => {
      this.forget()
      events.closed()
    }
    // Not of type 'bytes': such a stream takes each chunk's memory away, which belongs to all connections.
    const body = new ReadableStream<Uint8Array>(
      {
        start: (started) => {
          controller = started
        },
        pull: () => events.ready(),
        cancel: close,
      },
      new ByteLengthQueuingStrategy({ highWaterMark }),
    )
    this.#response = new Response(body, { status: 200, headers })
    this.#departure.onPassed(() => {
      close()
      // The host may go on reading after an abort, and would wait for ever; one that stops by itself does so first, and takes no error for its own.
      afterThisTurn(() => controller.error(this.request.signal.reason))
    })
    return {
      get pending() {
        return Math.max(0, highWaterMark - (controller.desiredSize ?? highWaterMark))
      },
      write: (bytes) => {
        controller.enqueue(bytes)
        return (controller.desiredSize ?? 0) > 0
      },
      end: (bytes) => {
        if (bytes !== undefined) controller.enqueue(bytes)
        // Nobody tells when the host has sent the rest, so the connection is over here.
        controller.close()
        close()
      },
      destroy: () => {
        controller.error(new Error('The connection was given up'))
        close()
      },
    }
  }
}
