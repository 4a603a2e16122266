import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { EventStreamParser, type EventStreamParserOptions, type ParsedEvent } from '../src/index.js'

interface Vector {
  name: string
  why: string
  chunks: string[]
  expect: {
    events: { type: string; data: string; lastEventId: string }[]
    retry: number | null
    comments: string[]
    lastEventId: string
  }
}

const vectors: Vector[] = JSON.parse(readFileSync(new URL('../vectors/sse-parser.json', import.meta.url), 'utf8'))

function run(chunks: readonly (string | Uint8Array)[]): Vector['expect'] {
  const comments: string[] = []
  const options: EventStreamParserOptions = { onComment: (text) => comments.push(text) }
  const parser = new EventStreamParser(options)
  const events: ParsedEvent[] = []
  for (const chunk of chunks) events.push(...parser.push(chunk))
  return {
    events: events.map(({ type, data, lastEventId }) => ({ type, data, lastEventId })),
    retry: parser.reconnectionTime ?? null,
    comments,
    lastEventId: parser.lastEventId,
  }
}

describe.each(vectors)('$name: $why', ({ chunks, expect: expected }) => {
  const pieces = chunks.map((chunk) => Buffer.from(chunk, 'base64'))
  const whole = Buffer.concat(pieces)

  it('as it arrived', () => expect(run(pieces)).toEqual(expected))
  it('as text', () => {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    expect(run(pieces.map((piece) => decoder.decode(piece, { stream: true })))).toEqual(expected)
  })
  it('byte by byte', () => expect(run(Array.from(whole, (byte) => Uint8Array.of(byte)))).toEqual(expected))
  it('cut in two anywhere', () => {
    const step = Math.max(1, Math.floor(whole.length / 200))
    for (let cut = 0; cut <= whole.length; cut += step) {
      expect(run([whole.subarray(0, cut), whole.subarray(cut)])).toEqual(expected)
    }
  })
})

describe('EventStreamParser', () => {
  it('says which events carry an id of their own', () => {
    expect(new EventStreamParser().push('id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n')).toEqual([
      { type: 'message', data: 'a', id: '1', lastEventId: '1' },
      { type: 'message', data: 'b', lastEventId: '1' },
      { type: 'message', data: 'c', id: '', lastEventId: '' },
    ])
  })

  it('refuses text and bytes on one parser, and takes either again after a reset', () => {
    const parser = new EventStreamParser()
    parser.push('data: a')
    expect(() => parser.push(new Uint8Array([10]))).toThrow(
      new TypeError('This parser was given text before; use another one, or reset(), for bytes'),
    )
    parser.reset()
    expect(parser.push(Buffer.from('data: b\n\n'))).toHaveLength(1)
  })

  it('says what it expects of a chunk', () => {
    expect(() => new EventStreamParser().push(new ArrayBuffer(1) as never)).toThrow(
      new TypeError('Expected a chunk to be a string or a Uint8Array, got ArrayBuffer'),
    )
  })

  it('§4.1 keeps the cursor over a reset and drops the unfinished block and character', () => {
    const parser = new EventStreamParser()
    parser.push(Buffer.from('id: 1\ndata: a\n\nid: 2\ndata: €').subarray(0, -2))
    parser.reset()
    expect(parser.lastEventId).toBe('1')
    expect(parser.push(Buffer.from('\ufeffdata: b\n\n'))).toEqual([{ type: 'message', data: 'b', lastEventId: '1' }])
  })

  it('does not take an LF at the start of a connection for the end of the CR before it', () => {
    const parser = new EventStreamParser()
    parser.push('data: a\r\r')
    parser.reset({ lastEventId: 'x' })
    expect(parser.push('\ndata: b\n\n')).toEqual([{ type: 'message', data: 'b', lastEventId: 'x' }])
  })
})
