import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { EventStreamParser } from '../src/index.js'

const thrownBy = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (error) {
    return error
  }
}

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
    expect(() => parser.push(new Uint8Array([10]))).toThrow(TypeError)
    parser.reset()
    expect(parser.push(Buffer.from('data: b\n\n'))).toHaveLength(1)
  })

  it('says what it expects of a chunk', () => {
    expect(() => new EventStreamParser().push(new ArrayBuffer(1) as never)).toThrow(/string or a Uint8Array/)
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

  it('calls back in the order of the lines', () => {
    const calls: (string | number)[] = []
    const parser = new EventStreamParser({ onComment: (text) => calls.push(text), onRetry: (time) => calls.push(time) })
    parser.push(': a\nretry: 1\ndata: x\n\nretry: 2\n: b\n')
    expect(calls).toEqual(['a', 1, 2, 'b'])
    expect(parser.reconnectionTime).toBe(2)
  })
})

describe('limits', () => {
  it('stops at a line that is too long, and loses no event before it', () => {
    const parser = new EventStreamParser({ maxLineBytes: 10 })
    const error = thrownBy(() => parser.push('data: a\n\ndata: 12345'))
    expect(error).toMatchObject({
      code: 'line_too_long',
      offset: 9,
      limit: 10,
      events: [{ type: 'message', data: 'a', lastEventId: '' }],
    })
  })

  it('counts data, type and id of an event together, in bytes', () => {
    const block = 'event: é\nid: 12\ndata: €\ndata: x\n\n'
    expect(new EventStreamParser({ maxEventBytes: 9 }).push(block)).toHaveLength(1)
    expect(thrownBy(() => new EventStreamParser({ maxEventBytes: 8 }).push(block))).toMatchObject({
      code: 'event_too_large',
      offset: 0,
      limit: 8,
      events: [],
    })
  })

  it('counts the newline between two lines of data wherever they were cut', () => {
    for (const chunks of [['data:€\ndata:€\n'], ['data:€\n', 'data:€\n'], [...'data:€\ndata:€\n']]) {
      const parser = new EventStreamParser({ maxEventBytes: 6 })
      expect(thrownBy(() => [...chunks, '\n'].map((chunk) => parser.push(chunk)))).toMatchObject({ offset: 0 })
    }
  })

  it('counts nothing of the block before', () => {
    const parser = new EventStreamParser({ maxEventBytes: 3 })
    expect(parser.push('event:abc\n\ndata:def\n\n')).toHaveLength(1)
    expect(parser.push('id:abc\n\ndata:def\n\n')).toHaveLength(1)
  })

  it('drops the whole block where it is told to skip, with its id', () => {
    const parser = new EventStreamParser({ maxEventBytes: 5, onLimit: () => 'skip-event' })
    expect(parser.push('id: 1\ndata: a\n\nid: 2\ndata: 123\ndata: 4\nid: 3\n\n')).toHaveLength(1)
    expect(parser.lastEventId).toBe('1')
    expect(parser.push('data: b\n\n')).toEqual([{ type: 'message', data: 'b', lastEventId: '1' }])
  })

  it('has room for a megabyte by default', () => {
    expect(new EventStreamParser().push(`data: ${'x'.repeat(2 ** 20)}\n\n`)).toHaveLength(1)
  })

  it('refuses every push after a limit has stopped it, until reset()', () => {
    const parser = new EventStreamParser({ maxLineBytes: 8 })
    const first = thrownBy(() => parser.push('data: a\n\ndata: 1234'))
    expect(first).toMatchObject({ offset: 9, events: [{ data: 'a' }] })
    for (const chunk of ['\n\n', Buffer.from('data: b\n\n'), '']) {
      expect(thrownBy(() => parser.push(chunk))).toBe(first)
    }
    expect(first).toMatchObject({ events: [{ data: 'a' }] })
    parser.reset()
    expect(parser.push('data: c\n\n')).toHaveLength(1)
  })

  it.each([0, -1, Number.NaN, null])('refuses %o as a limit', (limit) => {
    for (const name of ['maxLineBytes', 'maxEventBytes']) {
      expect(() => new EventStreamParser({ [name]: limit })).toThrow(TypeError)
    }
  })
})

describe('flush', () => {
  it.each([
    ['data: a\n\n', undefined],
    ['data: a\n\n: a comment\nretry: 5\nunknown\n', undefined],
    ['data: a\n\ndata: b\n', { offset: 9, length: 8 }],
    ['id: 1\n', { offset: 0, length: 6 }],
    ['data: a\n\ndata: b\nda', { offset: 9, length: 10 }],
    ['\ufeffdata: a', { offset: 0, length: 8 }],
    ['data: a\r\n\r\ndata: b', { offset: 11, length: 7 }],
  ])('says of %j what its end has cut off', (stream, tail) => {
    for (const chunks of [[stream], stream.split(''), [...Buffer.from(stream)].map((byte) => Uint8Array.of(byte))]) {
      const parser = new EventStreamParser()
      for (const chunk of chunks) parser.push(chunk)
      expect(parser.flush()).toEqual(tail)
    }
  })

  it('knows a character that was cut in the middle', () => {
    const parser = new EventStreamParser()
    parser.push(Buffer.from('data: a\n\ndata: €').subarray(0, -1))
    expect(parser.flush()).toEqual({ offset: 9, length: 7 })
  })

  it('keeps the cursor and leaves nothing else for the next stream', () => {
    const parser = new EventStreamParser()
    parser.push(Buffer.from('id: 1\ndata: a\n\nid: 2\ndata: b\r'))
    parser.flush()
    expect(parser.push('\ufeffdata: c\n\n')).toEqual([{ type: 'message', data: 'c', lastEventId: '1' }])
  })
})

describe('what nobody sets', () => {
  it('a line of 24 MiB is read, one that is longer is an error', () => {
    const line = `data: ${'x'.repeat(24 * 2 ** 20 - 6)}`
    expect(new EventStreamParser().push(`${line}\n\n`)).toHaveLength(1)
    expect(() => new EventStreamParser().push(`${line}x\n\n`)).toThrow(RangeError)
  })

  it('bytes of another realm are bytes', () => {
    const bytes: Uint8Array = runInNewContext("Uint8Array.from('data: a\\n\\n', (c) => c.charCodeAt(0))")
    expect(bytes instanceof Uint8Array).toBe(false)
    expect(new EventStreamParser().push(bytes)).toMatchObject([{ data: 'a' }])
  })

  it('a hundred thousand comments in one chunk are told in their order', () => {
    const told: number[] = []
    new EventStreamParser({ onComment: (text) => told.push(Number(text)) }).push(
      Array.from({ length: 100_000 }, (_, n) => `: ${n}\n`).join(''),
    )
    expect(told).toEqual(Array.from({ length: 100_000 }, (_, n) => n))
  })
})
