import { describe, expect, it } from 'vitest'
import { corpus, corpusNames } from '../src/protocol/corpora.js'
import { workload } from '../src/protocol/tally.js'

const encoder = new TextEncoder()

describe.each(corpusNames)('%s', (name) => {
  const { events, bytes, text } = corpus(name, 0.02)

  it('is the same at every call', () => {
    expect(corpus(name, 0.02)).toEqual({ events, bytes, text })
  })

  it('has the same chunks as text and as bytes', () => {
    const decoder = new TextDecoder()
    expect(text).toEqual(bytes.map((chunk) => decoder.decode(chunk, { stream: true })))
  })

  it('has chunks with memory of their own', () => {
    for (const chunk of bytes) expect(chunk.buffer.byteLength).toBe(chunk.byteLength)
  })

  it('has an id in every event or in none', () => {
    expect(new Set(events.map(({ id }) => id === '')).size).toBe(1)
  })
})

it.each([
  ['20-byte tokens, one per chunk', 20],
  ['200-byte JSON, one per chunk', 200],
  ['60 KB events, 16 KiB chunks', 60_000],
] as const)('%s: the data of each event has %i bytes and is JSON', (name, size) => {
  for (const { data } of corpus(name, 0.05).events) {
    expect(encoder.encode(data)).toHaveLength(size)
    expect(() => JSON.parse(data)).not.toThrow()
  }
})

it.each([
  ['200-byte JSON, 8-byte chunks', 8],
  ['200-byte JSON, 1400-byte chunks', 1_400],
  ['200-byte JSON, 16 KiB chunks, CRLF', 16_384],
  ['CJK text, 16 KiB chunks', 16_384],
] as const)('%s: all chunks but the last have %i bytes', (name, size) => {
  const { bytes } = corpus(name, 0.1)
  expect(bytes.length).toBeGreaterThan(1)
  for (const chunk of bytes.slice(0, -1)) expect(chunk).toHaveLength(size)
})

it('one event per chunk: as many chunks as events', () => {
  const { bytes, events } = corpus('20-byte tokens, one per chunk', 0.1)
  expect(bytes).toHaveLength(events.length)
})

it('CRLF ends every line, where that is the newline', () => {
  expect(corpus('200-byte JSON, 16 KiB chunks, CRLF', 0.1).text.join('')).not.toMatch(/[^\r]\n|\r[^\n]/)
})

describe('a contender is found out that', () => {
  const events = corpus('200-byte JSON, one per chunk', 0.01).events
  const first = events[0]!
  const second = events[1]!
  const rest = events.slice(2)

  it.each([
    ['loses an event', [first, ...rest]],
    ['repeats an event', [first, first, second, ...rest]],
    ['swaps two events', [second, first, ...rest]],
    ['loses the last character', [{ ...first, data: first.data.slice(0, -1) }, second, ...rest]],
    ['loses an id', [{ ...first, id: '' }, second, ...rest]],
    ['loses a type', [{ ...first, type: 'message' }, second, ...rest]],
  ])('%s: by its checksum and by the check', async (_, produced) => {
    const { check, pass, expected } = workload(events, (tally) => {
      for (const { type, data, id } of produced) tally.add(type, data, id)
    })
    expect(pass()).not.toBe(expected)
    await expect(check()).rejects.toThrow('Expected the events of the corpus, got others')
  })

  it('changes one character: by the check', async () => {
    const changed = { ...first, data: first.data.replace('index', 'indeX') }
    const { check } = workload(events, (tally) => {
      for (const { type, data, id } of [changed, second, ...rest]) tally.add(type, data, id)
    })
    await expect(check()).rejects.toThrow('Expected the events of the corpus, got others')
  })
})
