import type { Exchange, NodeRequest, NodeResponse } from './exchange.js'
import { headerOf } from './exchange.js'
import { mergeVary } from './response-headers.js'
import type { Sink, SinkEvents } from './sink.js'

/** An exchange over node:http or the compatibility API of node:http2. */
export class NodeExchange implements Exchange {
  readonly request: NodeRequest
  readonly #response: NodeResponse
  #gone: boolean
  #onGone: (() => void) | undefined

  constructor(request: NodeRequest, response: NodeResponse) {
    this.request = request
    this.#response = response
    // The event has passed where the socket is gone already.
    this.#gone = response.destroyed || response.socket?.destroyed === true
    response.on('close', () => {
      this.#gone = true
      this.#onGone?.()
    })
    // A write that loses the race against a disconnect; `close` follows and says all there is to know.
    response.on('error', () => {})
  }

  get method(): string {
    return this.request.method ?? 'GET'
  }

  get gone(): boolean {
    return this.#gone
  }

  header(name: string): string | undefined {
    return headerOf(this.request, name)
  }

  query(name: string): string | undefined {
    const url = this.request.url ?? ''
    const mark = url.indexOf('?')
    return mark === -1 ? undefined : (new URLSearchParams(url.slice(mark + 1)).get(name) ?? undefined)
  }

  onGone(listener: () => void): void {
    this.#onGone = listener
  }

  reply(status: number, headers: Readonly<Record<string, string>>, body?: string): void {
    this.#head(status, headers)
    if (body === undefined || this.method === 'HEAD') this.#response.end()
    else this.#response.end(body)
  }

  stream(headers: Readonly<Record<string, string>>, events: SinkEvents): Sink {
    const response = this.#response
    this.#onGone = () => events.closed()
    response.on('drain', () => events.ready())
    this.#head(200, headers)
    return {
      // The two kinds declare `write` differently and do the same.
      write: (bytes) => ('stream' in response ? response.write(bytes) : response.write(bytes)),
      end: (bytes) => {
        if (bytes === undefined) response.end()
        else response.end(bytes)
      },
      destroy: () => {
        // The response of the HTTP/2 compatibility API cannot be destroyed, its stream can.
        if ('stream' in response) response.stream.destroy()
        else response.destroy()
      },
    }
  }

  #head(status: number, headers: Readonly<Record<string, string>>): void {
    const response = this.#response
    response.statusCode = status
    for (const [name, value] of Object.entries(headers)) {
      response.setHeader(name, name === 'Vary' ? mergeVary(response.getHeader('Vary'), value) : value)
    }
  }
}
