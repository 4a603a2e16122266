import { encodeEvent, formatEventId } from '@x/sse-protocol'
import type { LogEntry, LogPage } from './event-log.js'

const encoder = new TextEncoder()

/** Text as the bytes that go on the wire. */
export function encode(text: string): Uint8Array {
  return encoder.encode(text)
}

/** The event as it goes on the wire, encoded the first time and kept on the entry. */
export function frameOf(epoch: string, entry: LogEntry): Uint8Array {
  if (entry.frame !== undefined) return entry.frame
  const frame = encode(encodeEvent({ type: entry.type, id: formatEventId(epoch, entry.sequence), data: entry.data }))
  if (Object.isExtensible(entry)) entry.frame = frame
  return frame
}

/** The events of a page as one piece. Readers of one stream mostly read the same pages, so the last piece is kept. */
export class PageEncoder {
  #key = ''
  #bytes = new Uint8Array(0)

  encode({ epoch, entries }: LogPage): Uint8Array {
    if (entries.length === 1) return frameOf(epoch, entries[0]!)
    const key = `${epoch} ${entries[0]?.sequence} ${entries.length}`
    if (key === this.#key) return this.#bytes
    const frames = entries.map((entry) => frameOf(epoch, entry))
    const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0))
    let offset = 0
    for (const frame of frames) {
      bytes.set(frame, offset)
      offset += frame.length
    }
    this.#key = key
    this.#bytes = bytes
    return bytes
  }
}
