import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server on a port of its own, on loopback. */
export interface Host {
  readonly port: number
  close(): void
}

/** Room for a thousand connections that come at once. */
export const backlog = 2_048

export function listen(handler: RequestListener): Promise<Host> {
  return listening(createServer(handler))
}

export function listening(server: Server): Promise<Host> {
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen({ port: 0, host: '127.0.0.1', backlog }, () => {
      const { port } = server.address() as AddressInfo
      resolve({
        port,
        close: () => {
          server.close()
          server.closeAllConnections()
        },
      })
    })
  })
}
