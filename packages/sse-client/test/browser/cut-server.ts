import type { IncomingMessage, ServerResponse } from 'node:http'
import { encodeEvent } from '@x/sse-protocol'

/** Events in the stream, the terminal one among them. */
export const eventCount = 200

const opening = (cursor: string): string =>
  encodeEvent({
    type: 'heartbeat',
    id: cursor,
    data: `{"timestamp":"2025-01-01T00:00:00.000Z","interval":15000,"head":"k-${eventCount}"}`,
  })
const event = (n: number): string =>
  n < eventCount
    ? encodeEvent({ type: 'tick', id: `k-${n}`, data: `{"n":${n}}` })
    : encodeEvent({ type: 'done', id: `k-${n}`, data: `{"total":${n - 1}}` })

/** What a connection brings that begins after a sequence (PROTOCOL.md §4.4). */
const blocksAfter = (sequence: number): string[] => [
  'retry: 0\n\n',
  opening(`k-${sequence}`),
  ...Array.from({ length: eventCount - sequence }, (_, index) => event(sequence + index + 1)),
]

const whole = Buffer.from(blocksAfter(0).join(''))
/** The stream may be cut before each of its bytes. */
export const places = Array.from({ length: whole.length }, (_, place) => place)

/** The cursor after so many bytes: that of the last block that came whole. */
const cursors: (string | undefined)[] = blocksAfter(0).flatMap((block, index) => {
  const before = index < 2 ? undefined : `k-${index - 2}`
  return Array.from({ length: block.length }, () => before)
})

/**
 * Serves `/<place>`: the first connection is cut before that byte, the second goes on from its cursor to the end. Half of the cuts look
 * like a clean end, the other half break the framing, every other of those with a reset. Faults of the reader are told.
 */
export class CutServer {
  readonly faults: string[] = []
  connections = 0
  readonly #seen = new Set<string>()
  readonly #cleanEnds: 'even' | 'odd'
  readonly #inPieces: boolean

  /** In pieces, a stream is written 16 to 527 bytes at a time, each in a turn of its own. */
  constructor({ cleanEnds, inPieces }: { readonly cleanEnds: 'even' | 'odd'; readonly inPieces: boolean }) {
    this.#cleanEnds = cleanEnds
    this.#inPieces = inPieces
  }

  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    this.connections += 1
    const path = request.url!
    const place = Number(/\d+$/.exec(path)?.[0])
    const size = this.#inPieces ? 16 + (place % 512) : Number.POSITIVE_INFINITY
    const cursor = request.headers['last-event-id'] as string | undefined
    response.writeHead(200, { 'content-type': 'text/event-stream', 'access-control-allow-origin': '*' })
    response.flushHeaders()
    if (!this.#seen.has(path)) {
      this.#seen.add(path)
      if (cursor !== undefined) this.faults.push(`${path} began with ${cursor}`)
      void write(response, whole.subarray(0, place), size).then(() => this.#cut(response, place))
      return
    }
    this.#seen.delete(path)
    const expected = cursors[place]
    // An error overtakes what was not read before it ("ReadableStreamError", Streams standard).
    const mayBeBefore = !this.#isClean(place) && sequenceOf(cursor) <= sequenceOf(expected)
    if (cursor !== expected && !mayBeBefore) this.faults.push(`${path} went on from ${cursor}, not ${expected}`)
    void write(response, Buffer.from(blocksAfter(sequenceOf(cursor)).join('')), size).then(() => response.end())
  }

  #isClean(place: number): boolean {
    return place % 2 === (this.#cleanEnds === 'even' ? 0 : 1)
  }

  #cut(response: ServerResponse, place: number): void {
    if (this.#isClean(place)) response.end()
    else if (place % 4 < 2) response.destroy()
    else response.socket?.resetAndDestroy()
  }
}

async function write(response: ServerResponse, bytes: Buffer, size: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size)
    const last = at + size >= bytes.length
    // What is cut must have left before.
    if (last) await new Promise<void>((resolve) => response.write(piece, () => resolve()))
    else {
      response.write(piece)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

function sequenceOf(cursor: string | undefined): number {
  return Number(cursor?.slice(2) ?? 0)
}
