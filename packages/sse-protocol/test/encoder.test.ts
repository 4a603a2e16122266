import { describe, expect, it, vi } from 'vitest'
import {
  EventStreamParser,
  encodeBytes,
  encodeComment,
  encodeEvent,
  encodeGap,
  encodeHeartbeat,
  encodeRetry,
  ProtocolError,
  serialize,
} from '../src/index.js'

const thrownBy = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (error) {
    return error
  }
}

describe('encodeEvent', () => {
  it('§2.1 writes type, id and data as one block', () => {
    expect(encodeEvent({ type: 'tick', id: 'k-1', data: '{"n":1}' })).toBe('event: tick\nid: k-1\ndata: {"n":1}\n\n')
  })

  it.each(['a\nb', 'a\rb', 'a\0b', '\n', '\u2028\n'])('§2.2 refuses %j as a type and as an id', (value) => {
    for (const frame of [
      { type: value, data: '' },
      { id: value, data: '' },
    ]) {
      expect(thrownBy(() => encodeEvent(frame))).toMatchObject({ name: 'ProtocolError', code: 'invalid_field' })
    }
  })

  it('§2.2 refuses an empty type, which a reader would take for "message"', () => {
    expect(thrownBy(() => encodeEvent({ type: '', data: 'x' }))).toMatchObject({ code: 'invalid_field' })
  })

  it.each(['', ' ', ' leading', 'trailing\n', '\n', 'a\nb', 'a\n\nb', ':x', '\ufeffbom', 'a\u2028b', '😀', '\u0000'])(
    'gives %j back to a parser as it was',
    (data) => {
      expect(new EventStreamParser().push(encodeEvent({ type: 't', id: '7', data }))).toEqual([
        { type: 't', data, id: '7', lastEventId: '7' },
      ])
    },
  )

  it.each(['a\rb', 'a\r\nb'])('reads every newline of %j as one LF', (data) => {
    expect(new EventStreamParser().push(encodeEvent({ data }))[0]?.data).toBe('a\nb')
  })
})

describe('encodeRetry', () => {
  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    'refuses %d, which readers would ignore',
    (value) => {
      expect(thrownBy(() => encodeRetry(value))).toMatchObject({ code: 'invalid_field' })
    },
  )

  it('writes milliseconds', () => expect(encodeRetry(2_000)).toBe('retry: 2000\n\n'))
})

describe('encodeComment', () => {
  it('keeps every line a comment', () => {
    const comments: string[] = []
    const parser = new EventStreamParser({ onComment: (text) => comments.push(text) })
    expect(parser.push(encodeComment('a\r\nevent: forged\rdata: x\n\n'))).toEqual([])
    expect(comments).toEqual(['a', 'event: forged', 'data: x', '', ''])
  })
})

describe('control events', () => {
  it('§5.2 the opening heartbeat has the cursor as its id, later ones have none', () => {
    const heartbeat = { timestamp: '2026-01-01T00:00:00.000Z', interval: 15_000, head: 'k-3' }
    const [opening, later] = new EventStreamParser().push(
      encodeHeartbeat(heartbeat, 'k-2') + encodeHeartbeat(heartbeat),
    )
    expect(opening).toEqual({ type: 'heartbeat', data: JSON.stringify(heartbeat), id: 'k-2', lastEventId: 'k-2' })
    expect(later).toEqual({ type: 'heartbeat', data: JSON.stringify(heartbeat), lastEventId: 'k-2' })
  })

  it('§5.3 a gap has no id', () => {
    const gap = { requested: null, oldest: 'k-5', head: 'k-9', missed: 4, reason: 'evicted' } as const
    expect(new EventStreamParser().push(encodeGap(gap))).toEqual([
      { type: 'stream:gap', data: JSON.stringify(gap), lastEventId: '' },
    ])
  })
})

describe('serialize', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  const hostile = {
    toJSON() {
      throw new Error('no')
    },
  }

  it.each([[1n], [cycle], [hostile], [undefined], [() => 1], [Symbol('s')]])('§2.3 refuses %s', (data) => {
    const error = thrownBy(() => serialize(data))
    expect(error).toMatchObject({ code: 'unserialisable_data' })
    expect(ProtocolError.isInstance(error)).toBe(true)
  })

  it('escapes what would break a line', () => {
    expect(serialize({ text: 'a\nb\r\0' })).toBe('{"text":"a\\nb\\r\\u0000"}')
  })
})

describe('half of a surrogate pair', () => {
  const halves = ['\ud83d', 'a\udc00b', '\udc00\ud83d']

  it.each([
    ['by the engine', false],
    ['in browsers that cannot tell', true],
  ])('is refused in all three fields, %s', (_, isOld) => {
    const text = String.prototype as { isWellFormed?: () => boolean }
    const { isWellFormed } = text
    if (isOld) delete text.isWellFormed
    try {
      for (const half of halves) {
        for (const frame of [{ data: half }, { type: half, data: '' }, { id: half, data: '' }]) {
          expect(thrownBy(() => encodeEvent(frame))).toMatchObject({ code: 'invalid_field' })
        }
      }
      expect(encodeEvent({ data: '😀' })).toBe('data: 😀\n\n')
    } finally {
      if (isWellFormed) text.isWellFormed = isWellFormed
    }
  })
})

it('encodeBytes gives the bytes of a text in UTF-8', () => {
  expect(encodeBytes(encodeEvent({ data: '€' }))).toEqual(new Uint8Array(Buffer.from('data: €\n\n')))
})

it('an error of another copy of the package is known', async () => {
  vi.resetModules()
  const copy = await import('../src/index.js')
  const error = thrownBy(() => copy.encodeEvent({ type: '', data: '' }))
  expect(error instanceof ProtocolError).toBe(false)
  expect(ProtocolError.isInstance(error)).toBe(true)
  expect(ProtocolError.isInstance(new Error('x'))).toBe(false)
})
