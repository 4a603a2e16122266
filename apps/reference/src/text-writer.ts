import type { AgentChunk } from '@x/sse-protocol'

const maxChunkUnits = 16_384
const maxMessageUnits = 1_000

/** Turns an agent's text into the chunks of PROTOCOL.md §8.2: numbered, placed, and small enough for one event each. */
export class TextWriter {
  #index = 0
  #offset = 0
  readonly #units: number

  /** @param maxPayloadBytes The limit of one event's data, in bytes of UTF-8. */
  constructor(maxPayloadBytes: number) {
    this.#units = Math.min(maxChunkUnits, safeUnits(maxPayloadBytes))
  }

  /** The chunks of the next piece of text; none for an empty one. A surrogate pair is never cut. */
  *write(text: string): Generator<Omit<AgentChunk, 'timestamp'>> {
    let start = 0
    while (start < text.length) {
      const end = cut(text, start + this.#units)
      yield { text: text.slice(start, end), index: this.#index, offset: this.#offset }
      this.#index += 1
      this.#offset += end - start
      start = end
    }
  }
}

/** The text, or its beginning where it is too long for a message in one event. */
export function shorten(text: string, maxPayloadBytes: number): string {
  const units = Math.min(maxMessageUnits, safeUnits(maxPayloadBytes))
  return text.length <= units ? text : `${text.slice(0, cut(text, units - 1))}…`
}

/** How many UTF-16 units fit an event for sure: a JSON escape takes up to six bytes for one, the other fields up to 256. */
function safeUnits(maxPayloadBytes: number): number {
  return Math.max(2, Math.floor((maxPayloadBytes - 256) / 6))
}

/** The place to cut at, or one before it where that would split a surrogate pair. */
function cut(text: string, end: number): number {
  if (end >= text.length) return text.length
  const last = text.charCodeAt(end - 1)
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end
}
