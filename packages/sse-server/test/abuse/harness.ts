import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type ListenOptions, type NetConnectOpts, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { onTestFinished } from 'vitest'

// Taken before a test holds the clock.
const { performance, setImmediate } = globalThis
const now = performance.now.bind(performance)

/** One turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Resolves once a condition holds; after twenty seconds of the real clock it says what did not come true. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = now() + 20_000
  while (!condition()) {
    if (now() > deadline) throw new Error(`Expected within twenty seconds that ${what}`)
    await turn()
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** A server of node:http whose sockets can be looked at, and which is gone when the test is over. */
export interface TestServer {
  readonly server: Server
  /** Of a server that listens on TCP. */
  readonly port: number
  readonly sockets: Set<Socket>
}

export async function serve(
  handler: Handler,
  options: ServerOptions = {},
  place: ListenOptions = { port: 0, host: '127.0.0.1' },
): Promise<TestServer> {
  const server = createServer(options, handler)
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen({ ...place, backlog: 2_000 }, resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return { server, port: (server.address() as AddressInfo).port, sockets }
}

/** A client that writes bytes and collects what comes, without an idea of HTTP. */
export class RawClient {
  readonly socket: Socket
  text = ''
  isClosed = false

  constructor(target: number | NetConnectOpts, request: string | Uint8Array) {
    this.socket = connect(typeof target === 'number' ? { port: target, host: '127.0.0.1' } : target)
    this.socket.setEncoding('latin1')
    this.socket.on('data', (chunk) => {
      this.text += chunk
    })
    // What a cut looks like from here is no concern of a test.
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.isClosed = true
    })
    this.socket.write(request)
    onTestFinished(() => {
      this.socket.destroy()
    })
  }

  /** Resolves once the text holds this. */
  async until(part: string): Promise<void> {
    await this.#event(`the text holds ${JSON.stringify(part)}`, () => this.text.includes(part))
  }

  async closed(): Promise<void> {
    await this.#event('the socket closes', () => this.isClosed, true)
  }

  async #event(what: string, condition: () => boolean, mayClose = false): Promise<void> {
    while (!condition()) {
      if (this.isClosed && !mayClose)
        throw new Error(`Expected that ${what}, got ${JSON.stringify(this.text.slice(-300))}`)
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.socket.off('data', wake).off('close', wake)
          resolve()
        }
        this.socket.on('data', wake).on('close', wake)
      })
    }
  }
}

/** A GET request as text, by default HTTP/1.1. */
export const get = (path: string, headers: readonly string[] = [], version = '1.1'): string =>
  [`GET ${path} HTTP/${version}`, 'Host: x', ...headers, '', ''].join('\r\n')

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes of live memory of this process: the heap after a collection, and what buffers hold outside of it. */
export async function liveMemory(): Promise<number> {
  // What one collection lets go of may be what held the rest.
  for (let round = 0; round < 3; round++) {
    collect()
    await turn()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
