import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { EventStreamParser, type ParsedEvent } from '../src/index.js'
import { chunksOf, kit, type Vector, vectors } from './conformance-kit.js'
import { interpretBytes } from './naive-interpreter.js'

type Outcome = Vector['expect']

function parse(chunks: readonly (string | Uint8Array)[]): Outcome {
  const comments: string[] = []
  const parser = new EventStreamParser({ onComment: (text) => comments.push(text) })
  const events: ParsedEvent[] = []
  for (const chunk of chunks) events.push(...parser.push(chunk))
  return {
    events: events.map(({ type, data, lastEventId }) => ({ type, data, lastEventId })),
    retry: parser.reconnectionTime ?? null,
    comments,
    lastEventId: parser.lastEventId,
  }
}

/** The places at which a stream, cut in two there, does not give what it must. Compares as it goes: there are 300,000 cuts. */
function wrongCuts(stream: string | Uint8Array, expected: Outcome, count = stream.length): number[] {
  const wrong: number[] = []
  const step = Math.max(1, stream.length / count)
  for (let place = 0; place <= stream.length; place += step) {
    const at = Math.floor(place)
    let isRight = true
    let comments = 0
    let events = 0
    const onComment = (text: string) => {
      isRight &&= text === expected.comments[comments]
      comments += 1
    }
    const parser = new EventStreamParser({ onComment })
    for (const chunk of [stream.slice(0, at), stream.slice(at)]) {
      for (const { type, data, lastEventId } of parser.push(chunk)) {
        const event = expected.events[events]
        isRight &&= type === event?.type && data === event.data && lastEventId === event.lastEventId
        events += 1
      }
    }
    isRight &&= events === expected.events.length && comments === expected.comments.length
    isRight &&= (parser.reconnectionTime ?? null) === expected.retry && parser.lastEventId === expected.lastEventId
    if (!isRight) wrong.push(at)
  }
  return wrong
}

describe('the conformance kit', () => {
  it('is ASCII with one vector per line, so that a change to one shows as one', () => {
    const lines = readFileSync(kit, 'latin1').trimEnd().split('\n')
    expect(lines.filter((line) => !/^[ -~]*$/.test(line))).toEqual([])
    expect([lines[0], lines.at(-1)]).toEqual(['[', ']'])
    expect(lines.slice(1, -1).map((line) => JSON.parse(line.replace(/,$/, '')).name)).toEqual(
      vectors.map(({ name }) => name),
    )
  })

  it('has the members that its README names, and no others', () => {
    const types = (value: object) =>
      Object.fromEntries(
        Object.entries(value).map(([name, member]) => [name, Array.isArray(member) ? 'array' : typeof member]),
      )
    for (const vector of vectors) {
      expect(types(vector)).toEqual({ name: 'string', why: 'string', chunks: 'array', expect: 'object' })
      expect({ ...types(vector.expect), retry: 'number' }).toEqual({
        events: 'array',
        retry: 'number',
        comments: 'array',
        lastEventId: 'string',
      })
      expect(vector.expect.retry === null || Number.isSafeInteger(vector.expect.retry)).toBe(true)
      for (const event of vector.expect.events) {
        expect(types(event)).toEqual({ type: 'string', data: 'string', lastEventId: 'string' })
      }
      expect(vector.expect.comments.every((comment) => typeof comment === 'string')).toBe(true)
    }
  })

  it('gives every vector a name of its own and a reason', () => {
    expect(new Set(vectors.map(({ name }) => name)).size).toBe(vectors.length)
    expect(vectors.filter(({ name, why }) => !/^[a-z0-9]+(\/[a-z0-9-]+)+$/.test(name) || why === '')).toEqual([])
  })

  it('writes chunks in the one base64 form of their bytes', () => {
    for (const { chunks } of vectors) {
      expect(chunks.map((chunk) => Buffer.from(chunk, 'base64').toString('base64'))).toEqual(chunks)
    }
  })
})

describe.each(vectors)('$name: $why', (vector) => {
  const chunks = chunksOf(vector)
  const bytes = Uint8Array.from(Buffer.concat(chunks))
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true })

  it('is what the standard says, read naively', () => {
    const { events, told, lastEventId } = interpretBytes(bytes)
    expect({
      events: events.map(({ type, data, lastEventId }) => ({ type, data, lastEventId })),
      retry: told.filter((told) => typeof told === 'number').at(-1) ?? null,
      comments: told.filter((told) => typeof told === 'string'),
      lastEventId,
    }).toEqual(vector.expect)
  })

  it('as it arrived', () => expect(parse(chunks)).toEqual(vector.expect))
  it('as text', () => expect(parse([text])).toEqual(vector.expect))
  it('byte by byte', () => expect(parse(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(vector.expect))
  it('code unit by code unit', () => expect(parse(text.split(''))).toEqual(vector.expect))
  it('cut in two anywhere', { timeout: 300_000 }, () => expect(wrongCuts(bytes, vector.expect)).toEqual([]))
  // The work is quadratic: of the few long vectors, whose bytes alone take half a minute, the text is cut at a thousand places.
  it('as text, cut in two anywhere', () =>
    expect(wrongCuts(text, vector.expect, text.length > 9_000 ? 1_000 : undefined)).toEqual([]))
})
