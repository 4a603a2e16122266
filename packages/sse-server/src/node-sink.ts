import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import type { NodeResponse } from './exchange.js'
import type { Sink, SinkEvents } from './sink.js'

/**
 * The body of a response of node:http. A pipelined response has no socket before its turn, and what is written to it then has gone
 * nowhere: it says that it is full, so that the write deadline runs. It also keeps the bytes to itself, since node:http stops to
 * read from a socket for which much is buffered, and would no longer notice that the socket closes.
 */
export class NodeSink implements Sink {
  readonly #response: ServerResponse
  #held: Uint8Array[] | undefined

  constructor(response: ServerResponse, events: SinkEvents) {
    this.#response = response
    response.on('drain', () => events.ready())
    if (!this.#isQueued) return
    response.once('socket', () => {
      this.#writeHeld()
      events.ready()
    })
  }

  get #isQueued(): boolean {
    return this.#response.socket === null
  }

  get pending(): number {
    return this.#response.writableLength + (this.#held?.reduce((sum, { length }) => sum + length, 0) ?? 0)
  }

  write(bytes: Uint8Array): boolean {
    // A middleware may wrap `write` and forget what it returns.
    if (!this.#isQueued) return this.#response.write(bytes) !== false
    this.#held ??= []
    this.#held.push(bytes)
    return false
  }

  end(bytes?: Uint8Array): void {
    this.#writeHeld()
    this.#response.end(bytes)
  }

  destroy(): void {
    this.#held = undefined
    // A destroyed response whose turn comes later does not close the connection by itself on every version of Node.
    if (this.#isQueued) this.#response.once('socket', (socket: Socket) => socket.destroy())
    this.#response.destroy()
  }

  #writeHeld(): void {
    for (const bytes of this.#held ?? []) this.#response.write(bytes)
    this.#held = undefined
  }
}

/** The body of a response of node:http2's compatibility API. It cannot be destroyed, its stream can. */
export class Http2Sink implements Sink {
  readonly #response: Http2ServerResponse

  constructor(response: Http2ServerResponse, events: SinkEvents) {
    this.#response = response
    response.on('drain', () => events.ready())
  }

  get pending(): number {
    return this.#response.stream.writableLength ?? 0
  }

  write(bytes: Uint8Array): boolean {
    return this.#response.write(bytes)
  }

  end(bytes?: Uint8Array): void {
    if (bytes === undefined) this.#response.end()
    else this.#response.end(bytes)
  }

  destroy(): void {
    this.#response.stream.destroy()
  }
}

export function createSink(response: NodeResponse, events: SinkEvents): Sink {
  return 'stream' in response ? new Http2Sink(response, events) : new NodeSink(response, events)
}
