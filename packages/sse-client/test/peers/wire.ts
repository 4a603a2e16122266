import type { IncomingMessage, Server } from 'node:http'
import {
  type AddressInfo,
  connect,
  createServer,
  type NetConnectOpts,
  type Server as NetServer,
  type Socket,
} from 'node:net'
import { onTestFinished } from 'vitest'

export interface Listening {
  readonly port: number
  readonly url: string
  readonly requests: IncomingMessage[]
  /** Destroys the sockets of all connections. */
  cut(): void
}

/** Lets a server listen on loopback until the test is over. */
export async function listen(server: Server | NetServer): Promise<Listening> {
  const sockets = new Set<Socket>()
  const requests: IncomingMessage[] = []
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
  })
  server.on('request', (request) => requests.push(request))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    cut()
    await closed
  })
  const { port } = server.address() as AddressInfo
  return { port, url: `http://127.0.0.1:${port}`, requests, cut }
}

/** A wire to another address, which is cut after as many bytes of the answer as `limit` says for each connection in turn. */
export async function startWire(
  target: NetConnectOpts,
  limit: (count: number) => number = () => Infinity,
): Promise<Listening> {
  let count = 0
  return listen(
    createServer((near) => {
      const far = connect(target)
      let rest = limit(count++)
      far.on('data', (chunk) => {
        const part = chunk.subarray(0, rest)
        rest -= part.length
        // `end` and not `destroy`, which would take back what is under way.
        if (rest === 0) near.end(part, () => near.destroy())
        else near.write(part)
      })
      far.on('end', () => near.end())
      near.pipe(far)
      near.on('error', () => {}).on('close', () => far.destroy())
      far.on('error', () => near.destroy())
    }),
  )
}
