import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface TestServer {
  readonly url: string
  readonly requests: IncomingMessage[]
  /** Refuses connections from here on, and ends those that are open. */
  stop(): Promise<void>
  /** Listens again at the same address. */
  start(): Promise<void>
}

/** A real server on loopback, gone with the test. */
export async function serve(
  handle: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<TestServer> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    handle(request, response, requests.length)
  })
  const listen = (port: number): Promise<void> => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = server.address() as AddressInfo
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  onTestFinished(stop)
  return { url: `http://127.0.0.1:${port}`, requests, stop, start: () => listen(port) }
}

export function openStream(response: ServerResponse, body = ''): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  if (body !== '') response.write(body)
  return response
}
