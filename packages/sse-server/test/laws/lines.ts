import { createServer } from 'node:http'
import { duplexPair } from 'node:stream'
import type { SseServer } from '../../src/index.js'
import type { TickEvents } from '../harness.js'
import { WireResponse } from './wire-response.js'

/** One request and its answer, as a client holds it that may stop to read, or hang up. */
export interface Line {
  /** Of the answer; `undefined`: it has not come yet. */
  readonly status: number | undefined
  /** The whole answer came. */
  readonly isOver: boolean
  /** The connection was lost before. */
  readonly isLost: boolean
  stall(): void
  resume(): void
  cut(): void
}

/** Asks for the stream `s`; `take` is given the bytes of the body as they are read. */
export type Dial = (sse: SseServer<TickEvents>, cursor: string, take: (bytes: Uint8Array) => void) => Line

/** A Request and the body of its Response, which is pulled. */
export const dialFetch: Dial = (sse, cursor, take) => {
  const hangUp = new AbortController()
  let isStalled = false
  let resume = (): void => {}
  const line = { status: undefined as number | undefined, isOver: false, isLost: false }
  const run = async (): Promise<void> => {
    const headers = { 'Last-Event-ID': cursor }
    const response = await sse.fetch(new Request('http://localhost/s', { headers, signal: hangUp.signal }), 's')
    line.status = response.status
    const body = response.body?.getReader()
    for (;;) {
      if (isStalled) {
        await new Promise<void>((resolve) => {
          resume = resolve
        })
        continue
      }
      const piece = await body?.read()
      if (piece === undefined || piece.done) break
      if (response.status === 200 && !line.isLost) take(piece.value)
    }
    line.isOver = true
  }
  run().catch(() => {
    line.isLost = true
  })
  return Object.assign(line, {
    stall: () => {
      isStalled = true
    },
    resume: () => {
      isStalled = false
      resume()
    },
    cut: () => {
      line.isLost = true
      hangUp.abort()
    },
  })
}

/**
 * HTTP/1.1 between the two ends of a pipe in this process, which hold 16 KiB each and nothing more: unlike with the kernel's buffers, a client
 * that stops to read is felt at once.
 */
export const dialHttp: Dial = (sse, cursor, take) => {
  const server = createServer(sse.middleware())
  const [near, far] = duplexPair({ highWaterMark: 16_384 })
  const response = new WireResponse()
  const line = { isLost: false }
  const lose = (): void => {
    if (response.isComplete) return
    line.isLost = true
  }
  near.on('data', (bytes: Buffer) => {
    if (line.isLost) return
    const body = response.push(bytes)
    if (response.status === 200 && body.length > 0) take(body)
    if (response.isComplete) cut()
  })
  near.on('error', lose)
  near.on('end', lose)
  // The other end of a pipe is not told.
  far.on('close', () => near.destroy())
  near.on('close', lose)
  const cut = (): void => {
    lose()
    near.destroy()
    far.destroy()
  }
  server.emit('connection', far)
  near.write(`GET /s HTTP/1.1\r\nHost: x\r\nLast-Event-ID: ${cursor}\r\n\r\n`)
  return {
    get status() {
      return response.status
    },
    get isOver() {
      return response.isComplete
    },
    get isLost() {
      return line.isLost
    },
    stall: () => {
      near.pause()
    },
    resume: () => {
      near.resume()
    },
    cut,
  }
}
