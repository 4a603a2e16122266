import { get, type RequestListener } from 'node:http'
import { listen } from './host.js'

/** How the end of a body is told: by chunks (RFC 9112 §7.1), or by the end of the connection (§6.3). */
export type Framing = 'chunked' | 'closed'

/** The framing that a handler answers an HTTP/1.1 request with. */
export async function framingOf(handler: RequestListener, path: string): Promise<Framing> {
  const host = await listen(handler)
  const framing = await new Promise<Framing>((resolve, reject) => {
    get({ port: host.port, host: '127.0.0.1', path, agent: false }, (response) => {
      resolve(response.headers['transfer-encoding'] === 'chunked' ? 'chunked' : 'closed')
      response.destroy()
    }).on('error', reject)
  })
  host.close()
  return framing
}
