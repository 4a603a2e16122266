import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { EventStreamParserStream, fromReadableStream, type ParsedEvent } from '../src/index.js'

/** A stream of given chunks that notes how many were asked for, and whether it was cancelled. */
function source(chunks: readonly (string | Uint8Array)[], { isEndless = false } = {}) {
  const state = { pulled: 0, cancelled: false }
  const stream = new ReadableStream<string | Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks[state.pulled]
        if (chunk !== undefined) controller.enqueue(chunk)
        else if (!isEndless) controller.close()
        state.pulled += 1
        return chunk === undefined && isEndless ? new Promise<void>(() => {}) : undefined
      },
      cancel() {
        state.cancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, state }
}

const dataOf = (events: readonly ParsedEvent[]) => events.map(({ data }) => data)

async function readAll(events: AsyncIterable<ParsedEvent>): Promise<{ data: string[]; error: unknown }> {
  const data: string[] = []
  try {
    for await (const event of events) data.push(event.data)
    return { data, error: undefined }
  } catch (error) {
    return { data, error }
  }
}

describe('fromReadableStream', () => {
  it('gives the events of bytes and of text', async () => {
    for (const chunks of [
      ['data: a\n\nda', 'ta: €\n\n'],
      [...Buffer.from('data: a\n\ndata: €\n\n')].map((byte) => Uint8Array.of(byte)),
    ]) {
      expect(await readAll(fromReadableStream(source(chunks).stream))).toEqual({ data: ['a', '€'], error: undefined })
    }
  })

  it('refuses a stream that somebody else reads', () => {
    const { stream } = source([])
    stream.getReader()
    expect(() => fromReadableStream(stream)).toThrow(TypeError)
  })

  it('reads no more than it is asked for', async () => {
    const { stream, state } = source(['data: a\n\ndata: b\n\n', 'data: c\n\n', 'data: d\n\n'])
    const events = fromReadableStream(stream)
    await turn()
    expect(state.pulled).toBe(0)
    await events.next()
    await events.next()
    await turn()
    expect(state.pulled).toBe(1)
  })

  it('cancels the stream when its reader leaves the loop', async () => {
    const { stream, state } = source(['data: a\n\n', 'data: b\n\n'], { isEndless: true })
    for await (const { data } of fromReadableStream(stream)) if (data === 'b') break
    expect(state.cancelled).toBe(true)
  })

  it('says that it is done after the end, and after return(), however often it is asked', async () => {
    const ended = fromReadableStream(source(['data: a\n\ndata: b\n\n']).stream)
    await ended.next()
    await ended.next()
    const left = fromReadableStream(source(['data: a\n\ndata: b\n\n']).stream)
    await left.next()
    await left.return!()
    for (const events of [ended, left]) {
      for (let call = 0; call < 3; call += 1) expect(await events.next()).toEqual({ done: true, value: undefined })
    }
  })

  it('answers calls that did not wait for one another in their order', async () => {
    const chunks = ['data: 0\n\ndata: 1\n\n', ': nothing\n', 'data: 2\n\n', 'data: 3\n\ndata: 4\n\ndata: 5\n\n']
    const events = fromReadableStream(source(chunks).stream)
    const answers = await Promise.all(Array.from({ length: 8 }, () => events.next()))
    expect(answers.map(({ value }) => value?.data)).toEqual(['0', '1', '2', '3', '4', '5', undefined, undefined])
  })

  it('answers a call that is made while earlier ones still wait after them', async () => {
    const events = fromReadableStream(source(['data: 0\n\ndata: 1\n\ndata: 2\n\n']).stream)
    const first = events.next()
    const third = first.then(() => events.next())
    const second = events.next()
    expect(dataOf((await Promise.all([first, second, third])).map(({ value }) => value!))).toEqual(['0', '1', '2'])
  })

  it('gives the events before an error of the stream, and then the error', async () => {
    const reason = new Error('connection lost')
    const stream = new ReadableStream<string>({
      start(controller) {
        controller.enqueue('data: a\n\ndata: b\n\ndata: c')
      },
      pull(controller) {
        controller.error(reason)
      },
    })
    expect(await readAll(fromReadableStream(stream))).toEqual({ data: ['a', 'b'], error: reason })
  })

  it('gives the events before a limit, then its reason, and cancels the stream', async () => {
    const { stream, state } = source(['data: a\n\n', 'data: b\n\ndata: 1234567890'], { isEndless: true })
    const { data, error } = await readAll(fromReadableStream(stream, { maxLineBytes: 10 }))
    expect(data).toEqual(['a', 'b'])
    expect(error).toMatchObject({ code: 'line_too_long', offset: 18 })
    expect(state.cancelled).toBe(true)
  })

  it('begins with the last event id of the connection before, and then says whose event was the last', async () => {
    const chunks = ['data: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n', 'id: 4\n\n']
    const events = fromReadableStream(source(chunks).stream, { lastEventId: '1' })
    const ids = [events.lastEventId]
    for await (const { lastEventId } of events) {
      expect(events.lastEventId).toBe(lastEventId)
      ids.push(lastEventId)
    }
    expect(ids).toEqual(['1', '1', '2', '3'])
    // A block without data has an id, too.
    expect(events.lastEventId).toBe('4')
  })

  it('close() ends the loop and cancels the stream', async () => {
    const { stream, state } = source(['data: a\n\ndata: b\n\n'], { isEndless: true })
    const events = fromReadableStream(stream)
    await events.next()
    events.close()
    expect(await events.next()).toMatchObject({ done: true })
    expect(state.cancelled).toBe(true)
  })

  it.each(['break', 'close()'])(
    'after %s in the middle of a chunk, lastEventId is that of the last event handed out',
    async (how) => {
      const events = fromReadableStream(source(['id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n']).stream)
      if (how === 'break') for await (const _ of events) break
      else {
        await events.next()
        events.close()
      }
      expect(events.lastEventId).toBe('1')
    },
  )

  it('knows the reconnection time, and the last event id of the connection before', async () => {
    const events = fromReadableStream(source(['retry: 1500\ndata: a\n\n']).stream, { lastEventId: '7' })
    expect(events.reconnectionTime).toBeUndefined()
    expect((await events.next()).value).toMatchObject({ lastEventId: '7' })
    expect(events.reconnectionTime).toBe(1500)
    const none = fromReadableStream(source([]).stream, { lastEventId: new Headers().get('last-event-id') })
    expect(none.lastEventId).toBe('')
  })

  it('reset() forgets an unfinished block, for the bytes of another connection', async () => {
    const chunks = ['id: 1\ndata: a\n\nid: 2\ndata: hal', '\ufeffdata: b\n\n']
    const events = fromReadableStream(source(chunks).stream)
    await events.next()
    events.reset()
    expect((await events.next()).value).toEqual({ type: 'message', data: 'b', lastEventId: '1' })
  })

  it('a callback that throws ends the loop with its error; the events of its chunk come again, and the stream is told why', async () => {
    const reason: unknown[] = []
    const stream = new ReadableStream<string>({
      start(controller) {
        controller.enqueue('id: 1\ndata: a\n\n')
        controller.enqueue(`${': c\n'.repeat(20_000)}id: 2\ndata: b\n\n`)
      },
      cancel: (error) => void reason.push(error),
    })
    const mine = new Error('mine')
    const onComment = () => {
      throw mine
    }
    const events = fromReadableStream(stream, { onComment })
    const { data, error } = await readAll(events)
    expect([data, error, reason]).toEqual([['a'], mine, [mine]])
    expect(events.lastEventId).toBe('1')
  })

  it.each([['data: a\n\n', new Uint8Array(1)], [new ArrayBuffer(1)], [null], [5]])(
    'a chunk of the wrong kind is a TypeError',
    async (...chunks) => {
      const { error } = await readAll(fromReadableStream(source(chunks as string[]).stream))
      expect(error).toBeInstanceOf(TypeError)
    },
  )

  it('after return() nothing comes, neither what was parsed nor what was read, nor an error', async () => {
    const events = fromReadableStream(source(['data: a\n\ndata: b\n\ndata: c\n\n']).stream)
    const calls = [events.next(), events.return(), events.next()]
    expect((await Promise.all(calls)).slice(1)).toEqual([{ done: true }, { done: true }])
    const failed = fromReadableStream(source(['data: 1234567890\n\n']).stream, { maxLineBytes: 8 })
    await expect(failed.next()).rejects.toThrow(RangeError)
    await failed.return()
    expect(await failed.next()).toEqual({ done: true })
  })

  it('close() ends a call that waits', async () => {
    const events = fromReadableStream(source([], { isEndless: true }).stream)
    const waiting = events.next()
    events.close()
    expect(await waiting).toMatchObject({ done: true })
  })
})

describe('EventStreamParserStream', () => {
  it('starts from the last event id of the connection before', async () => {
    const stream = source(['data: a\n\n']).stream.pipeThrough(new EventStreamParserStream({ lastEventId: '7' }))
    expect((await stream.getReader().read()).value).toMatchObject({ lastEventId: '7' })
  })

  it('gives the events of what is piped through it', async () => {
    for (const chunks of [['data: a\n\nda', 'ta: b\n\n'], [Buffer.from('data: a\n\ndata: b\n\n')]]) {
      const events: ParsedEvent[] = []
      const sink = new WritableStream<ParsedEvent>({ write: (event) => void events.push(event) })
      await source(chunks).stream.pipeThrough(new EventStreamParserStream()).pipeTo(sink)
      expect(dataOf(events)).toEqual(['a', 'b'])
    }
  })

  it('fails at a limit with a reason that has the events before it in the same chunk', async () => {
    const { stream, state } = source(['data: a\n\n', 'data: b\n\ndata: 1234567890'], { isEndless: true })
    const events: ParsedEvent[] = []
    const sink = new WritableStream<ParsedEvent>({ write: (event) => void events.push(event) })
    const piped = stream.pipeThrough(new EventStreamParserStream({ maxLineBytes: 10 })).pipeTo(sink)
    await expect(piped).rejects.toMatchObject({ code: 'line_too_long', events: [{ data: 'b' }] })
    expect(dataOf(events)).toEqual(['a'])
    expect(state.cancelled).toBe(true)
  })
})
