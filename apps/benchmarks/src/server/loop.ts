import type { IncomingMessage, ServerResponse } from 'node:http'
import type { StartBroadcaster } from './broadcaster.js'
import { type Tick, type } from './event.js'
import type { Framing } from './framing.js'
import { listen } from './host.js'

const headers = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
  Vary: 'Accept',
}

/** As long as the epochs of `@x/sse-server`, so that both send the same number of bytes. */
export const epoch = 'k3v9x2m1q0'

/** The frame of an event, as `@x/sse-server` writes it. */
export function frameOf(sequence: number, data: Tick): Buffer {
  return Buffer.from(`event: ${type}\nid: ${epoch}-${sequence}\ndata: ${JSON.stringify(data)}\n\n`)
}

/** Begins an event stream. */
export function beginStream(response: ServerResponse, framing: Framing): void {
  if (framing === 'closed') {
    response.useChunkedEncodingByDefault = false
    response.shouldKeepAlive = false
  }
  response.writeHead(200, headers)
  response.flushHeaders()
}

interface Stream {
  readonly responses: Set<ServerResponse>
  sequence: number
}

/**
 * What one would write by hand on node:http: it encodes an event once and writes it to every response of its stream. It has no log, no
 * heartbeats, no limits and no care for slow readers.
 */
export function loop(framing: () => Promise<Framing>): StartBroadcaster {
  return async (names) => {
    const streams = new Map<string, Stream>(names.map((name) => [`/${name}`, { responses: new Set(), sequence: 0 }]))
    const chosen = await framing()
    let readers = 0
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      const responses = streams.get(request.url ?? '')?.responses
      if (responses === undefined) {
        response.writeHead(404).end()
        return
      }
      beginStream(response, chosen)
      responses.add(response)
      readers += 1
      response.once('close', () => {
        responses.delete(response)
        readers -= 1
      })
    }
    const host = await listen(handle)
    return {
      ...host,
      get readers() {
        return readers
      },
      publish: (name, data) => {
        const stream = streams.get(`/${name}`)!
        stream.sequence += 1
        const frame = frameOf(stream.sequence, data)
        for (const response of stream.responses) response.write(frame)
      },
    }
  }
}
