import { defineEvents } from '@x/sse-protocol'
import { json, letters } from '../protocol/corpora.js'
import type { Event } from '../protocol/tally.js'
import { randomNumbers } from '../statistics.js'

/** The data of every event; longer ones say more, which nobody reads. */
export interface Data {
  readonly text: string
}

export interface Events {
  tick: Data
  done: Data
}

/** No schemas: what a contract costs, and not what its checks cost. */
export const contract = defineEvents<Events>({
  types: { tick: {}, done: { terminal: true } },
  failure: () => [{ type: 'done', data: { text: '' } }],
})

/** The body of an answer as `@x/sse-server` frames it, and what readers must make of it. */
export interface StreamCorpus {
  readonly events: readonly Event[]
  readonly chunks: readonly Uint8Array<ArrayBuffer>[]
}

interface Recipe {
  readonly event: (index: number, random: () => number) => Event
  /** Bytes of a chunk, or one event in each. */
  readonly cut: number | 'event'
}

const recipes = {
  'tokens, one per chunk': { event: token, cut: 'event' },
  '200-byte JSON, 64 KiB chunks': { event: (...of) => ({ ...json(...of), type: 'tick' }), cut: 65_536 },
} satisfies Record<string, Recipe>

export type StreamCorpusName = keyof typeof recipes

export const streamCorpusNames = Object.keys(recipes) as StreamCorpusName[]

const epoch = 'k3v9x2m1'
const count = 100_000

/** The same stream at every call, from its beginning to its terminal event. */
export function streamCorpus(name: StreamCorpusName, scale: number): StreamCorpus {
  const { event, cut }: Recipe = recipes[name]
  const random = randomNumbers(1)
  const ticks = Array.from({ length: Math.ceil(count * scale) }, (_, index) => event(index, random))
  const last = ticks.length + 1
  const events = [...ticks, { type: 'done', data: '{"text":"complete"}', id: `${epoch}-${last}` }]
  const heartbeat = { timestamp: '2026-01-01T00:00:00.000Z', interval: 15_000, head: `${epoch}-${last}` }
  const opening = [
    'retry: 2000\n\n',
    frame({ type: 'heartbeat', data: JSON.stringify(heartbeat), id: `${epoch}-0` }),
  ].join('')
  const frames = events.map(frame)
  return { events, chunks: cut === 'event' ? [opening, ...frames].map(encode) : pieces(opening + frames.join(''), cut) }
}

function token(index: number, random: () => number): Event {
  return { type: 'tick', data: `{"text":"${letters(12, random)}"}`, id: `${epoch}-${index + 1}` }
}

function frame({ type, id, data }: Event): string {
  return `event: ${type}\nid: ${id}\ndata: ${data}\n\n`
}

function pieces(text: string, size: number): Uint8Array<ArrayBuffer>[] {
  const bytes = encode(text)
  const length = Math.ceil(bytes.length / size)
  return Array.from({ length }, (_, index) => bytes.slice(index * size, (index + 1) * size))
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}
