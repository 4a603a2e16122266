import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A proxy that breaks the connection of an event stream after so many bytes, as often as it is told; the rest passes. */
export async function cuttingProxy(target: string, { afterBytes, times }: { afterBytes: number; times: number }) {
  let cuts = 0
  const proxy = createServer((incoming, outgoing) => {
    const { method, headers, url } = incoming
    const forward = request(new URL(url ?? '/', target), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      let room = answer.headers['content-type'] === 'text/event-stream' && cuts < times ? afterBytes : Infinity
      answer.on('error', () => outgoing.destroy())
      answer.on('data', (chunk: Buffer) => {
        if (room <= 0) return
        outgoing.write(chunk.length > room ? chunk.subarray(0, room) : chunk)
        room -= chunk.length
        if (room > 0) return
        cuts += 1
        // Not before what was let through is on its way: a cut in mid-event is the point.
        setImmediate(() => {
          outgoing.destroy()
          answer.destroy()
        })
      })
      answer.on('end', () => outgoing.end())
    })
    forward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => forward.destroy())
    incoming.pipe(forward)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, cuts: () => cuts }
}
