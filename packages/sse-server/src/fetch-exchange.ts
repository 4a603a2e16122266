import { type Exchange, headerOf } from './exchange.js'
import type { Sink, SinkEvents } from './sink.js'

/** Bytes that wait for the host before a connection pauses; as much as node:http holds. */
const highWaterMark = 16_384

/** An exchange of a fetch-style host: a Request, and a Response whose body is pulled. */
export class FetchExchange implements Exchange {
  readonly request: Request
  readonly #forget = new AbortController()
  #response: Response | undefined
  #gone: boolean
  #onGone: (() => void) | undefined

  constructor(request: Request) {
    this.request = request
    this.#gone = request.signal.aborted
    request.signal.addEventListener('abort', () => this.#leave(), { signal: this.#forget.signal })
  }

  /** What the host sends; a client that left before it was made gets an empty one. */
  get response(): Response {
    return this.#response ?? new Response(null, { status: 204 })
  }

  get method(): string {
    return this.request.method
  }

  get gone(): boolean {
    return this.#gone
  }

  header(name: string): string | undefined {
    return headerOf(this.request, name)
  }

  query(name: string): string | undefined {
    return new URL(this.request.url).searchParams.get(name) ?? undefined
  }

  onGone(listener: () => void): void {
    this.#onGone = listener
  }

  reply(status: number, headers: Readonly<Record<string, string>>, body?: string): void {
    this.#forget.abort()
    this.#response = new Response(this.method === 'HEAD' ? null : (body ?? null), { status, headers })
  }

  stream(headers: Readonly<Record<string, string>>, events: SinkEvents): Sink {
    let controller: ReadableStreamDefaultController<Uint8Array>
    const close = (): void => {
      this.#forget.abort()
      events.closed()
    }
    this.#onGone = () => {
      // The host may go on reading after an abort, and would wait for ever.
      controller.error(this.request.signal.reason)
      close()
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
    return {
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

  #leave(): void {
    this.#gone = true
    this.#onGone?.()
  }
}
