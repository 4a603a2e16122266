import { getEventListeners } from 'node:events'
import { agentEvents } from '@x/sse-protocol'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { MemoryEventLog, SseServer } from '../src/index.js'
import { type TextChunk, TextPipe } from '../src/text-pipe.js'
import { createSse } from './harness.js'

const beginning = { index: 0, offset: 0 }
const never = new AbortController().signal

/** As readers put the chunks together (PROTOCOL.md §8.2). */
function fold(chunks: readonly TextChunk[]): string {
  return chunks.reduce((text, chunk) => text.slice(0, chunk.offset) + chunk.text, '')
}

/** A log of chunks that takes one when it is told to. */
function slowLog() {
  const chunks: TextChunk[] = []
  const waiting: (() => void)[] = []
  return {
    chunks,
    publish: (chunk: TextChunk) =>
      new Promise<void>((resolve) => {
        chunks.push(chunk)
        waiting.push(resolve)
      }),
    /** Takes the chunk that waits, once there is one. */
    take: async () => {
      while (waiting.length === 0) await turn()
      waiting.shift()!()
      for (let count = 0; count < 3; count += 1) await turn()
    },
  }
}

const hasLoneHalf = (text: string): boolean => /\p{Surrogate}/u.test(text)

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Gives texts, those of each array in one turn. */
async function* slowly(...turns: (string | string[])[]): AsyncGenerator<string> {
  for (const texts of turns) {
    for (let count = 0; count < 3; count += 1) await turn()
    yield* [texts].flat()
  }
}

describe('a text that is piped into a stream', () => {
  it('§8.2 becomes numbered and placed chunks, and is given back whole', async () => {
    const sse = new SseServer({ events: agentEvents })
    const stream = await sse.open('s')
    expect(await stream.pipeText(slowly('Hel', '', 'lo ', 'world'))).toBe('Hello world')
    const entries = await stream.entries()
    expect(entries.map(({ type, data }) => [type, data])).toMatchObject([
      ['agent:chunk', { text: 'Hel', index: 0, offset: 0 }],
      ['agent:chunk', { text: 'lo ', index: 1, offset: 3 }],
      ['agent:chunk', { text: 'world', index: 2, offset: 6 }],
    ])
    await sse.close()
  })

  it('goes on where the text before it ended, also where both are piped at the same time', async () => {
    const sse = new SseServer({ events: agentEvents })
    const stream = await sse.open('s')
    await Promise.all([stream.pipeText(slowly('One, ', 'two')), stream.pipeText([', three'])])
    const chunks = (await stream.entries()).map(({ data }) => data as TextChunk)
    expect(fold(chunks)).toBe('One, two, three')
    expect(chunks.map(({ index }) => index)).toEqual([0, 1, 2])
    await sse.close()
  })

  it('goes on where another producer stopped, as it is told', async () => {
    const sse = new SseServer({ events: agentEvents })
    await (await sse.open('s')).pipeText(['Hello'])
    const stream = await sse.open('s')
    await stream.pipeText([' again'], { from: { index: 1, offset: 5 } })
    const chunks = (await stream.entries()).map(({ data }) => data as TextChunk)
    expect([fold(chunks), chunks.map(({ index }) => index)]).toEqual(['Hello again', [0, 1]])
    await sse.close()
  })

  it('is one chunk where it comes in one turn, and gathers what the source gives while the log is busy', async () => {
    const log = slowLog()
    const text = new TextPipe(65_536, beginning).pipe(slowly(['a', 'b'], ['c'], ['d', 'e']), never, log.publish)
    while (log.chunks.length === 0) await turn()
    for (let count = 0; count < 9; count += 1) await turn()
    expect(log.chunks.map((chunk) => chunk.text)).toEqual(['ab'])
    await log.take()
    expect(log.chunks.map((chunk) => chunk.text)).toEqual(['ab', 'cde'])
    await log.take()
    expect(await text).toBe('abcde')
  })

  it('makes the source wait where the log is far behind', async () => {
    let given = 0
    async function* source(): AsyncGenerator<string> {
      for (; given < 100; given += 1) yield 'x'.repeat(1_024)
    }
    const log = slowLog()
    const text = new TextPipe(65_536, beginning).pipe(source(), never, log.publish)
    while (log.chunks.length === 0) await turn()
    for (let count = 0; count < 9; count += 1) await turn()
    expect(given).toBeGreaterThan(60)
    expect(given).toBeLessThan(80)
    while (fold(log.chunks).length < 100 * 1_024) await log.take()
    await log.take()
    expect(fold(log.chunks)).toBe(await text)
  })

  it('cuts no surrogate pair, wherever the source does, and keeps every chunk under the limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'binary', maxLength: 40 })),
        fc.integer({ min: 270, max: 600 }),
        async (texts, maxPayloadBytes) => {
          const whole = texts.join('')
          // Cut at every unit, pairs included.
          const units = whole.split('')
          const chunks: TextChunk[] = []
          const publish = async (chunk: TextChunk): Promise<void> => {
            chunks.push(chunk)
          }
          expect(await new TextPipe(maxPayloadBytes, beginning).pipe(units, never, publish)).toBe(whole)
          expect(fold(chunks)).toBe(whole)
          for (const chunk of chunks) {
            expect(
              Buffer.byteLength(JSON.stringify({ ...chunk, timestamp: new Date().toISOString() })),
            ).toBeLessThanOrEqual(maxPayloadBytes)
            // A lone half stays alone only where the text has it alone.
            if (!hasLoneHalf(whole)) expect(hasLoneHalf(chunk.text)).toBe(false)
          }
        },
      ),
    )
  })

  it('stops at the abort of its stream, closes the source, and rejects with the reason', async () => {
    const closed = vi.fn()
    async function* source(): AsyncGenerator<string> {
      try {
        yield 'a'
        await turn()
        yield 'b'
      } finally {
        closed()
      }
    }
    const controller = new AbortController()
    const chunks: string[] = []
    const text = new TextPipe(65_536, beginning).pipe(source(), controller.signal, async (chunk) => {
      chunks.push(chunk.text)
      controller.abort(new Error('enough'))
    })
    await expect(text).rejects.toThrow('enough')
    await turn()
    expect([chunks, closed.mock.calls.length]).toEqual([['a'], 1])
  })

  it('leaves no listener on the signal, and makes no chunk of more than 8,192 units', async () => {
    const controller = new AbortController()
    const chunks: TextChunk[] = []
    const text = 'x'.repeat(20_000)
    await new TextPipe(2 ** 20, beginning).pipe(
      slowly(text),
      controller.signal,
      async (chunk) => void chunks.push(chunk),
    )
    expect(chunks.map((chunk) => chunk.text.length)).toEqual([8_192, 8_192, 3_616])
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  it('does not wait for a source that hangs once its stream aborts', async () => {
    const controller = new AbortController()
    const hanging = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
    const text = new TextPipe(65_536, beginning).pipe(hanging, controller.signal, async () => {})
    controller.abort(new Error('enough'))
    await expect(text).rejects.toThrow('enough')
  })

  it('publishes a text that is there already whatever the signal says: a run may say something at its end', async () => {
    const chunks: TextChunk[] = []
    const pipe = new TextPipe(65_536, beginning)
    for (const source of [['Good', 'bye'], '!']) {
      await pipe.pipe(source, AbortSignal.abort(new Error('enough')), async (chunk) => void chunks.push(chunk))
    }
    expect(fold(chunks)).toBe('Goodbye!')
  })

  it('rejects with what the log refuses, does not wait for the source, and then goes on at the same place', async () => {
    const pipe = new TextPipe(65_536, beginning)
    const hanging = (async function* () {
      yield 'lost'
      await new Promise(() => {})
    })()
    await expect(pipe.pipe(hanging, never, () => Promise.reject(new Error('full')))).rejects.toThrow('full')
    const chunks: TextChunk[] = []
    await pipe.pipe(['kept'], never, async (chunk) => void chunks.push(chunk))
    expect(chunks).toEqual([{ text: 'kept', index: 0, offset: 0 }])
  })

  it('rejects with what the source throws, after what it gave is in the log', async () => {
    const chunks: string[] = []
    const failing = (async function* () {
      yield 'a'
      throw new Error('model down')
    })()
    const text = new TextPipe(65_536, beginning).pipe(failing, never, async (chunk) => void chunks.push(chunk.text))
    await expect(text).rejects.toThrow('model down')
    expect(chunks).toEqual(['a'])
  })

  it('keeps also what the source gave while the log was busy, before it threw', async () => {
    const log = slowLog()
    const failing = (async function* () {
      yield 'a'
      yield 'b'
      throw new Error('model down')
    })()
    const text = new TextPipe(65_536, beginning).pipe(failing, never, log.publish)
    const failure = expect(text).rejects.toThrow('model down')
    await log.take()
    await failure
    expect(fold(log.chunks)).toBe('ab')
  })

  it.each([
    ['a number', [1], 'Expected the source to give texts, got number'],
    ['an object', [{ type: 'text-delta' }], 'Expected the source to give texts, got object'],
  ])('says what is wrong with a source of %s', async (_, source, message) => {
    const text = new TextPipe(65_536, beginning).pipe(source as never, never, async () => {})
    await expect(text).rejects.toThrow(message)
  })

  it('says what is wrong with what is no source', async () => {
    const text = new TextPipe(65_536, beginning).pipe(undefined as never, never, async () => {})
    await expect(text).rejects.toThrow('Expected `source` to be an async iterable of texts, got undefined')
  })

  it('refuses a type that the contract does not have', async () => {
    const stream = await createSse({ log: new MemoryEventLog() }).open('s')
    // @ts-expect-error The contract has no type of texts.
    await expect(stream.pipeText(['a'])).rejects.toMatchObject({ code: 'unknown_type' })
    // @ts-expect-error The contract has no such type.
    await expect(stream.pipeText(['a'], { type: 'tock' })).rejects.toMatchObject({ code: 'unknown_type' })
  })

  it('takes the textStream of a model as it is', async () => {
    const sse = new SseServer({ events: agentEvents })
    const stream = await sse.open('s')
    const textStream = new ReadableStream<string>({
      start(controller) {
        for (const text of ['To ', 'be']) controller.enqueue(text)
        controller.close()
      },
    })
    expect(await stream.pipeText(textStream)).toBe('To be')
    await sse.close()
  })
})
