import { defineEvents, ProtocolError } from '@x/sse-protocol'
import { expect, expectTypeOf, it, onTestFinished, vi } from 'vitest'
import { MemoryEventLog, type ServerErrorEvent, SseServer } from '../src/index.js'
import { createSse, httpHost, isTick, logged, Reader } from './harness.js'

/** A Standard Schema by hand: what `judge` returns is the output, what it throws is the one issue. */
function schemaOf<Input, Output = Input>(judge: (data: Input) => Output) {
  return {
    '~standard': {
      version: 1,
      vendor: 'by-hand',
      validate: (data: unknown): { value: Output } | { issues: { message: string; path: string[] }[] } => {
        try {
          return { value: judge(data as Input) }
        } catch (error) {
          return { issues: [{ message: (error as Error).message, path: ['n'] }] }
        }
      },
      types: undefined as { input: Input; output: Output } | undefined,
    },
  } as const
}

/** `{n}` with a whole number, of which a reader is given a date. */
const tick = schemaOf((data: { n: number }) => {
  if (!Number.isInteger(data.n)) throw new Error('Expected a whole number')
  return { n: new Date(data.n) }
})
const total = schemaOf((data: { total: number }) => {
  if (typeof data.total !== 'number') throw new Error('Expected a total')
  return data
})
const events = defineEvents({
  types: { tick: { schema: tick }, done: { schema: total, terminal: (data) => data.total.toFixed() !== '0' } },
  failure: () => [{ type: 'done', data: { total: 1 } }],
})

const everything = { maxEvents: 1_000, maxBytes: Number.POSITIVE_INFINITY }

async function openChecked() {
  const log = new MemoryEventLog()
  const sse = createSse({ log })
  const errors: ServerErrorEvent[] = []
  sse.addEventListener('error', (event) => void errors.push(event))
  const texts = (): string[] => log.read('s', 0, everything)!.entries.map(({ data }) => data)
  return { log, sse, errors, texts, stream: await sse.open('s', { events }) }
}

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (error: unknown) => error,
  )

it('readers get what was given and not what its schema made of it, and nothing of what was refused', async () => {
  const { sse, stream } = await openChecked()
  const reader = new Reader(await (await httpHost(sse)).ask('s'))
  await stream.publish('tick', { n: 1 })
  await reader.until(isTick(1))
  expect(await rejection(stream.publish('tick', { n: 1.5 }))).toMatchObject({ code: 'invalid_data' })
  await stream.publish('tick', { n: 2 })
  await stream.end('done', { total: 2 })
  expect(logged(await reader.rest())).toEqual([
    { id: `${stream.epoch}-1`, type: 'tick', data: { n: 1 } },
    { id: `${stream.epoch}-2`, type: 'tick', data: { n: 2 } },
    { id: `${stream.epoch}-3`, type: 'done', data: { total: 2 } },
  ])
})

it('data that its schema refuses is an error with the type and the issues, before it takes a sequence', async () => {
  const { stream, texts } = await openChecked()
  const error = await rejection(stream.publish('tick', { n: 1.5 }))
  expect(ProtocolError.isInstance(error)).toBe(true)
  expect(error).toMatchObject({
    code: 'invalid_data',
    type: 'tick',
    issues: [{ pointer: '/n', message: 'Expected a whole number' }],
  })
  expect(texts()).toEqual([])
  expect(await stream.publish('tick', { n: 1 })).toBe(`${stream.epoch}-1`)
})

it('an end that its schema refuses ends nothing, and the contract is not asked whether it is one', async () => {
  const { stream, texts } = await openChecked()
  for (const refused of [stream.end('done', {} as never), stream.publish('done', {} as never)]) {
    expect(await rejection(refused)).toMatchObject({ code: 'invalid_data', type: 'done' })
  }
  expect(await rejection(stream.end('done', { total: 0 }))).toMatchObject({ code: 'not_terminal' })
  expect(stream.ended).toBe(false)
  await stream.end('done', { total: 1 })
  expect(texts()).toEqual(['{"total":1}'])
})

it('`writable` refuses it too', async () => {
  const { stream, texts } = await openChecked()
  const writer = stream.writable().getWriter()
  writer.closed.catch(() => {})
  expect(await rejection(writer.write({ type: 'tick', data: { n: 1.5 } }))).toMatchObject({ code: 'invalid_data' })
  expect(texts()).toEqual([])
})

it('a schema is only asked about what is of a known type, has a JSON text and is small enough', async () => {
  const asked = vi.fn((data: unknown) => data)
  const contract = defineEvents({
    types: { any: { schema: schemaOf(asked) }, done: { terminal: true } },
    failure: () => [{ type: 'done', data: {} }],
  })
  const stream = await createSse({ maxPayloadBytes: 20 }).open('s', { events: contract })
  expect(await rejection(stream.publish('any', 1n))).toMatchObject({ code: 'unserialisable_data' })
  expect(await rejection(stream.publish('any', 'x'.repeat(100)))).toMatchObject({ code: 'payload_too_large' })
  expect(await rejection(stream.publish('anything' as 'any', 1))).toMatchObject({ code: 'unknown_type' })
  expect(asked).not.toHaveBeenCalled()
  await stream.publish('any', { n: 1 }, { internal: { secret: true } })
  expect(asked.mock.calls).toEqual([[{ n: 1 }]])
  await stream.end('done', {})
  expect(await rejection(stream.publish('any', 1))).toMatchObject({ code: 'stream_ended' })
  expect(asked).toHaveBeenCalledTimes(1)
})

it('a schema cannot alter what is sent', async () => {
  const altering = schemaOf((data: { n: number }) => {
    data.n = 2
    return data
  })
  const contract = defineEvents({
    types: { tick: { schema: altering, terminal: true } },
    failure: () => [{ type: 'tick', data: { n: 0 } }],
  })
  const { sse, texts } = await openChecked()
  await (await sse.open('s', { events: contract })).publish('tick', { n: 1 })
  expect(texts()).toEqual(['{"n":1}'])
})

it('with a `timestamped` contract a schema is given the time that is sent', async () => {
  const seen: unknown[] = []
  const noted = schemaOf((data: { text: string; timestamp: string }) => {
    seen.push(structuredClone(data))
    if (typeof data.timestamp !== 'string') throw new Error('Expected a timestamp')
    return data
  })
  const contract = defineEvents({
    types: { note: { schema: noted, terminal: true } },
    timestamped: true,
    failure: () => [{ type: 'note', data: { text: '', timestamp: '' } }],
  })
  const { sse, texts } = await openChecked()
  const stream = await sse.open('s', { events: contract })
  await stream.publish('note', { text: 'a' })
  expect(texts().map((text) => JSON.parse(text))).toEqual(seen)
  expect(seen).toEqual([{ text: 'a', timestamp: expect.any(String) }])
})

it('an asynchronous schema is refused, and what it was asked about is not published', async () => {
  const contract = defineEvents({
    types: {
      tick: {
        schema: { '~standard': { version: 1, vendor: 'by-hand', validate: async () => ({ value: 1 }) } },
        terminal: true,
      },
    },
    failure: () => [{ type: 'tick', data: 0 }],
  })
  const { sse, texts } = await openChecked()
  const stream = await sse.open('s', { events: contract })
  expect(await rejection(stream.publish('tick', 1))).toBeInstanceOf(TypeError)
  expect(texts()).toEqual([])
})

it('§6.5 a failure event that its own schema refuses ends the stream all the same, and the server says so', async () => {
  const contract = defineEvents({
    types: { tick: { schema: tick }, done: { schema: total, terminal: true } },
    failure: () => [
      { type: 'tick', data: { n: 1 } },
      { type: 'done', data: {} as { total: number } },
    ],
  })
  const { sse, errors } = await openChecked()
  const stream = await sse.open('s', { events: contract })
  const body = new Reader(await (await httpHost(sse)).ask('s')).rest()
  await stream.fail({ code: 'x', message: 'y' })
  expect(stream.ended).toBe(true)
  expect(logged(await body).map(({ type, data }) => [type, data])).toEqual([
    ['tick', { n: 1 }],
    ['done', {}],
  ])
  expect(errors).toMatchObject([{ error: { code: 'invalid_data', type: 'done' }, streamId: 's' }])
})

it('`cancel` ends a stream by such a failure event too', async () => {
  const contract = defineEvents({
    types: { done: { schema: total, terminal: true } },
    failure: () => [{ type: 'done', data: {} as { total: number } }],
  })
  const sse = new SseServer({ events: contract, grace: 0 })
  onTestFinished(() => sse.close({ drain: 0 }))
  const errors: ServerErrorEvent[] = []
  sse.addEventListener('error', (event) => void errors.push(event))
  const stream = await sse.open('s')
  expect(await sse.cancel('s')).toBe(true)
  expect(stream.ended).toBe(true)
  expect(errors).toMatchObject([{ error: { code: 'invalid_data', type: 'done' }, streamId: 's' }])
})

it("publishing takes what a schema takes in; the server's types are those of the contract", async () => {
  const stamped = schemaOf((data: { at: string; timestamp: string }) => ({ at: new Date(data.at) }))
  const contract = defineEvents({
    types: { tick: { schema: tick }, stamped: { schema: stamped }, done: { terminal: true } },
    timestamped: true,
    failure: () => [{ type: 'done', data: {} }],
  })
  const sse = new SseServer({ events: contract })
  onTestFinished(() => sse.close({ drain: 0 }))
  const stream = await sse.open('s')
  expectTypeOf(stream.publish<'tick'>)
    .parameter(1)
    .toEqualTypeOf<{ n: number }>()
  await stream.publish('tick', { n: 1 })
  await stream.publish('stamped', { at: 'then' })
  // @ts-expect-error: that is what readers get
  await rejection(stream.publish('tick', { n: new Date() }))
  // @ts-expect-error: no such type in the contract
  await rejection(stream.publish('tock', {}))
  await stream.end('done', {})
})
