import type { Case } from '../discipline.js'
import { randomNumbers } from '../statistics.js'
import { type Event, type Tally, workload } from './tally.js'

/** An event stream, cut into chunks, and what is in it. */
export interface Corpus {
  readonly events: readonly Event[]
  /** Each with memory of its own, as they come from a socket. */
  readonly bytes: readonly Uint8Array<ArrayBuffer>[]
  /** The same chunks decoded; flat strings, no slices of a longer one. */
  readonly text: readonly string[]
}

interface Recipe {
  readonly events: number
  readonly event: (index: number, random: () => number) => Event
  /** Bytes of a chunk, or one event in each. */
  readonly cut: number | 'event'
  readonly newline?: string
}

/**
 * Either every event of a corpus has an id or none has: so the last event id, which one parser tells and another leaves to its user,
 * is the event's own for both.
 */
const recipes = {
  '20-byte tokens, one per chunk': { events: 10_000, event: token, cut: 'event' },
  '200-byte JSON, one per chunk': { events: 4_000, event: json, cut: 'event' },
  '200-byte JSON, 16 KiB chunks, LF': { events: 4_000, event: json, cut: 16_384 },
  '200-byte JSON, 16 KiB chunks, CRLF': { events: 4_000, event: json, cut: 16_384, newline: '\r\n' },
  '200-byte JSON, 8-byte chunks': { events: 1_000, event: json, cut: 8 },
  '200-byte JSON, 1400-byte chunks': { events: 4_000, event: json, cut: 1_400 },
  '60 KB events, 16 KiB chunks': { events: 32, event: large, cut: 16_384 },
  'CJK text, 16 KiB chunks': { events: 4_000, event: cjk, cut: 16_384 },
} satisfies Record<string, Recipe>

export type CorpusName = keyof typeof recipes

export const corpusNames = Object.keys(recipes) as CorpusName[]

/** A case for each of the corpora, for contenders that read one and add its events to a tally. */
export function readingCases(
  names: readonly CorpusName[],
  contenders: Readonly<Record<string, (corpus: Corpus, tally: Tally) => void | Promise<void>>>,
): Case[] {
  return names.map((name) => ({
    name,
    contenders: Object.fromEntries(
      Object.entries(contenders).map(([contender, read]) => [
        contender,
        (scale: number) => {
          const made = corpus(name, scale)
          return workload(made.events, (tally) => read(made, tally))
        },
      ]),
    ),
  }))
}

/** The same corpus at every call. */
export function corpus(name: CorpusName, scale: number): Corpus {
  const { events: count, event, cut, newline = '\n' }: Recipe = recipes[name]
  const random = randomNumbers(1)
  const events = Array.from({ length: Math.ceil(count * scale) }, (_, index) => event(index, random))
  const blocks = events.map(({ type, data, id }) => {
    const lines = [...(type === 'message' ? [] : [`event: ${type}`]), ...(id === '' ? [] : [`id: ${id}`])]
    return [...lines, `data: ${data}`, '', ''].join(newline)
  })
  const bytes = cut === 'event' ? blocks.map(encodeText) : pieces(encodeText(blocks.join('')), cut)
  return { events, bytes, text: decodeChunks(bytes) }
}

function token(_: number, random: () => number): Event {
  return { type: 'message', data: `{"t":"${letters(12, random)}"}`, id: '' }
}

export function json(index: number, random: () => number): Event {
  const start = `{"index":${index},"offset":${index * 160},"text":"`
  return { type: 'agent:chunk', data: `${start}${letters(198 - start.length, random)}"}`, id: `k3v9x2m1-${index + 1}` }
}

export function large(index: number, random: () => number): Event {
  return { type: 'task_complete', data: `{"output":"${letters(59_987, random)}"}`, id: `k3v9x2m1-${index + 1}` }
}

export function cjk(index: number, random: () => number): Event {
  const text = Array.from({ length: 66 }, () => String.fromCharCode(0x4e00 + Math.floor(random() * 0x5000))).join('')
  return { type: 'agent:chunk', data: `{"text":"${text}"}`, id: `k3v9x2m1-${index + 1}` }
}

/** Lower-case words; a flat string of one byte per character. */
export function letters(length: number, random: () => number): string {
  const codes = Buffer.alloc(length, ' ')
  for (let index = 0; index < length; index += 1) {
    const letter = Math.floor(random() * 30)
    if (letter < 26) codes[index] = 0x61 + letter
  }
  return codes.toString('latin1')
}

function pieces(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer>[] {
  const count = Math.ceil(bytes.length / size)
  return Array.from({ length: count }, (_, index) => bytes.slice(index * size, (index + 1) * size))
}

function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

/** By way of a Buffer: what a decoder gives may be two bytes wide where one is enough, which costs a parser time. */
function decodeChunks(chunks: readonly Uint8Array[]): string[] {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  return chunks.map((chunk) => Buffer.from(decoder.decode(chunk, { stream: true })).toString())
}
