import { encodeEvent, formatEventId } from '@x/sse-protocol'
import type { LogEntry, LogPage } from './event-log.js'

const encoder = new TextEncoder()

/** Text as the bytes that go on the wire: a Buffer where there are any, since node:http makes one of anything else at each write. */
export const encode: (text: string) => Uint8Array =
  typeof Buffer === 'function' ? (text) => Buffer.from(text) : (text) => encoder.encode(text)

/** The event as it goes on the wire, encoded the first time and kept on the entry. */
export function frameOf(epoch: string, entry: LogEntry): Uint8Array {
  if (entry.frame !== undefined) return entry.frame
  const frame = encode(encodeEvent({ type: entry.type, id: formatEventId(epoch, entry.sequence), data: entry.data }))
  if (Object.isExtensible(entry)) entry.frame = frame
  return frame
}

/** Bytes of pieces that are kept. */
const maxKept = 2 ** 19

/** The events of a page as one piece. Readers of one stream mostly read the same pages, if not at the same moment, so the last pieces are kept. */
export class PageEncoder {
  /** By the stream and the place. */
  readonly #pieces = new Map<string, Uint8Array>()
  #size = 0

  encode(streamId: string, { epoch, entries }: LogPage): Uint8Array {
    if (entries.length === 1) return frameOf(epoch, entries[0]!)
    const key = `${epoch} ${entries[0]?.sequence} ${entries.length} ${streamId}`
    const kept = this.#pieces.get(key)
    if (kept !== undefined) return kept
    const bytes = concatenate(entries.map((entry) => frameOf(epoch, entry)))
    this.#keep(key, bytes)
    return bytes
  }

  #keep(key: string, bytes: Uint8Array): void {
    this.#pieces.set(key, bytes)
    this.#size += bytes.length
    for (const [oldest, piece] of this.#pieces) {
      if (this.#size <= maxKept) return
      this.#pieces.delete(oldest)
      this.#size -= piece.length
    }
  }
}

function concatenate(frames: readonly Uint8Array[]): Uint8Array {
  const size = frames.reduce((sum, frame) => sum + frame.length, 0)
  // Not from the pool of small Buffers, of which a piece that is kept would keep the rest.
  const bytes = typeof Buffer === 'function' ? Buffer.allocUnsafeSlow(size) : new Uint8Array(size)
  let offset = 0
  for (const frame of frames) {
    bytes.set(frame, offset)
    offset += frame.length
  }
  return bytes
}
