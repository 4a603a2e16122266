import { Departure } from './departure.js'
import type { Exchange, NodeRequest, NodeResponse } from './exchange.js'
import { headerOf } from './exchange.js'
import { createSink } from './node-sink.js'
import { sendPaced } from './paced-body.js'
import { mergeVary } from './response-headers.js'
import type { Sink, SinkEvents } from './sink.js'
import { onSocketClose } from './socket-close.js'
import { enterQueue, leaveQueue } from './socket-queue.js'

/** An exchange over node:http or the compatibility API of node:http2. */
export class NodeExchange implements Exchange {
  readonly request: NodeRequest
  readonly #response: NodeResponse
  readonly #departure: Departure

  constructor(request: NodeRequest, response: NodeResponse) {
    this.request = request
    this.#response = response
    this.#departure = watchDeparture(request, response)
    // A write that loses the race against a disconnect; `close` follows and says all there is to know.
    response.on('error', ignore)
  }

  get method(): string {
    return this.request.method ?? 'GET'
  }

  get gone(): boolean {
    // A socket that is destroyed says `close` some turns later only.
    return this.#departure.hasPassed || isDestroyed(this.request, this.#response)
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
    this.#departure.onPassed(listener)
  }

  turn(): Promise<'now' | 'gone' | 'crowded'> {
    const { socket } = this.request
    const response = this.#response
    if ('stream' in response || response.socket !== null) return Promise.resolve('now')
    if (!enterQueue(socket)) return Promise.resolve('crowded')
    return new Promise<'now' | 'gone'>((resolve) => {
      response.once('socket', () => resolve('now'))
      this.onGone(() => resolve('gone'))
    }).finally(() => leaveQueue(socket))
  }

  reply(
    status: number,
    headers: Readonly<Record<string, string>>,
    body?: string,
    writeTimeout = Number.POSITIVE_INFINITY,
  ): void {
    if (body === undefined || this.method === 'HEAD') {
      this.#head(status, headers)
      this.#response.end()
      return
    }
    const bytes = Buffer.from(body)
    this.#head(status, { ...headers, 'Content-Length': String(bytes.length) })
    this.onGone(sendPaced(this.#response, bytes, writeTimeout, () => this.#destroy()))
  }

  stream(headers: Readonly<Record<string, string>>, events: SinkEvents): Sink {
    // First what may throw: nobody listens then.
    this.#head(200, headers)
    this.#flush()
    this.#departure.onPassed(() => events.closed())
    return createSink(this.#response, events)
  }

  /**
   * Has the headers on their way, and not kept until the body; in one piece with what this turn writes. A response that waits for its
   * turn has none to send.
   */
  #flush(): void {
    const response = this.#response
    if ('stream' in response || response.socket === null) return
    const { socket } = response
    socket.cork()
    response.flushHeaders()
    process.nextTick(() => socket.uncork())
  }

  #destroy(): void {
    const response = this.#response
    if ('stream' in response) response.stream.destroy()
    else response.destroy()
  }

  #head(status: number, headers: Readonly<Record<string, string>>): void {
    const response = this.#response
    response.statusCode = status
    // At once where there is none of a middleware: node:http keeps each header that is set by itself.
    if (!('stream' in response) && response.getHeaderNames().length === 0) {
      response.writeHead(status, headers)
      return
    }
    for (const [name, value] of Object.entries(headers)) {
      const isVary = name.toLowerCase() === 'vary'
      response.setHeader(name, isVary ? mergeVary(response.getHeader('Vary'), value) : value)
    }
  }
}

function ignore(): void {}

/** The client is gone when the response is over, and also when the socket closes: a response that is still queued is not told of that. */
function watchDeparture(request: NodeRequest, response: NodeResponse): Departure {
  const departure = new Departure()
  const leave = (): void => departure.pass()
  // The events may have passed before this.
  if (isDestroyed(request, response)) {
    leave()
    return departure
  }
  // Not `once`, which keeps more than the listener; it counts once anyway.
  response.on('close', leave)
  // The stream of HTTP/2 is the response's own, so the response is told always.
  if (!('stream' in response)) departure.onPassed(onSocketClose(request.socket, leave))
  return departure
}

function isDestroyed(request: NodeRequest, response: NodeResponse): boolean {
  return 'stream' in response ? response.stream.destroyed : response.destroyed || request.socket.destroyed
}
