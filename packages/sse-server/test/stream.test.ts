import { defineEvents, type EventContract } from '@x/sse-protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MemoryEventLog, SseServer, SseServerError, type Stream } from '../src/index.js'
import { createSse, fetchHost, logged, Reader, type TickEvents, tickEvents } from './harness.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
})

afterEach(() => {
  vi.useRealTimers()
})

const everything = { maxEvents: 1_000, maxBytes: Number.POSITIVE_INFINITY }

function createPair() {
  const log = new MemoryEventLog()
  const sse = createSse({ log })
  const types = (id: string): string[] | undefined => log.read(id, 0, everything)?.entries.map(({ type }) => type)
  return { log, sse, types }
}

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (error: unknown) => error,
  )

it('§3.2 sequences are contiguous from 1 in the order of the calls', async () => {
  const { sse } = createPair()
  const stream = await sse.open('s')
  expect(stream.head).toBe(`${stream.epoch}-0`)
  const ids = await Promise.all([1, 2, 3].map((n) => stream.publish('tick', { n })))
  expect(ids).toEqual([1, 2, 3].map((n) => `${stream.epoch}-${n}`))
  expect(stream.head).toBe(ids[2])
})

it('§3.3 every stream has an epoch of its own, with at least 40 random bits', async () => {
  const { sse } = createPair()
  const epochs = await Promise.all(Array.from({ length: 100 }, async (_, n) => (await sse.open(`s${n}`)).epoch))
  expect(new Set(epochs).size).toBe(100)
  for (const epoch of epochs) expect(epoch).toMatch(/^[0-9a-z]{8,}$/)
})

it('§2.5 reserved types are refused', async () => {
  const { sse, types } = createPair()
  const stream: Stream<Record<string, unknown>> = await sse.open('s', {
    events: defineEvents<Record<string, unknown>>({
      types: { done: { terminal: true } },
      failure: () => [{ type: 'done', data: {} }],
    }),
  })
  for (const type of ['heartbeat', 'stream:gap', 'stream:', 'stream:own']) {
    expect(await rejection(stream.publish(type, {}))).toMatchObject({ code: 'reserved_type', type, streamId: 's' })
  }
  for (const type of ['tock', 'a\nb', 'a\rid: x-1', 'a\0', '', 'constructor']) {
    expect(await rejection(stream.publish(type, {}))).toMatchObject({ code: 'unknown_type', type })
  }
  expect(types('s')).toEqual([])
})

it.each(['a\nb', 'a\rb', 'a\0b', '', 'heartbeat', 'stream:x'])(
  '§2.2 a contract with the type %j is refused before a stream has it',
  async (type) => {
    const contract: EventContract<TickEvents> = { ...tickEvents, types: new Set(['tick', type]) }
    expect(() => new SseServer({ events: contract })).toThrow(expect.objectContaining({ code: 'invalid_contract' }))
    expect(await rejection(createSse().open('s', { events: contract }))).toMatchObject({ code: 'invalid_contract' })
  },
)

it('§2.3 data without a JSON text is refused before it takes a sequence', async () => {
  const { sse } = createPair()
  const events = defineEvents<{ any: unknown; done: null }>({
    types: { any: {}, done: { terminal: true } },
    failure: () => [{ type: 'done', data: null }],
  })
  const stream = await sse.open('s', { events })
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  const throwing = {
    toJSON: () => {
      throw new Error('no')
    },
  }
  for (const data of [undefined, () => 1, Symbol('x'), 1n, cycle, throwing]) {
    expect(await rejection(stream.publish('any', data))).toMatchObject({ code: 'unserialisable_data' })
  }
  expect(await rejection(stream.publish('any', 1, { internal: 1n }))).toMatchObject({ code: 'unserialisable_data' })
  expect(await stream.publish('any', 'fine')).toBe(`${stream.epoch}-1`)
})

it.each([
  ['x', 1],
  ['é', 2],
  ['€', 3],
  ['😀', 4],
])('§2.4 the limit counts bytes of UTF-8: %j is %d', async (character, bytes) => {
  const text = character.repeat(100)
  const size = bytes * 100 + '{"n":1,"text":""}'.length
  const fits = createSse({ maxPayloadBytes: size })
  await (await fits.open('s')).publish('tick', { n: 1, text })
  const stream = await createSse({ maxPayloadBytes: size - 1 }).open('s')
  expect(await rejection(stream.publish('tick', { n: 1, text }))).toMatchObject({
    code: 'payload_too_large',
    bytes: size,
    maxBytes: size - 1,
  })
  expect(await stream.publish('tick', { n: 1 })).toBe(`${stream.epoch}-1`)
})

it('the reasons to refuse an event come in their order: ended, reserved, unknown, unserialisable, too large', async () => {
  const stream = await createSse({ maxPayloadBytes: 20 }).open('s')
  const loose = stream as Stream<object> as Stream<Record<string, unknown>>
  const big = 'x'.repeat(100)
  expect(await rejection(loose.publish('heartbeat', 1n))).toMatchObject({ code: 'reserved_type' })
  expect(await rejection(loose.publish('tock', 1n))).toMatchObject({ code: 'unknown_type' })
  expect(await rejection(loose.publish('tick', [1n, big]))).toMatchObject({ code: 'unserialisable_data' })
  expect(await rejection(loose.publish('tick', big))).toMatchObject({ code: 'payload_too_large' })
  await stream.end('done', { total: 0 })
  expect(await rejection(loose.publish('heartbeat', 1n))).toMatchObject({ code: 'stream_ended' })
})

it('§6.1 there is exactly one terminal event, and nothing after it', async () => {
  const { sse, types } = createPair()
  const stream = await sse.open('s')
  const outcomes = await Promise.all([
    stream.publish('tick', { n: 1 }),
    stream.publish('done', { total: 1 }),
    rejection(stream.publish('tick', { n: 2 })),
    rejection(stream.end('done', { total: 2 })),
    stream.fail({ code: 'late', message: 'too late' }),
  ])
  expect(outcomes.slice(2, 4)).toMatchObject([{ code: 'stream_ended' }, { code: 'stream_ended' }])
  expect(types('s')).toEqual(['tick', 'done'])
  expect(await rejection(sse.open('s'))).toMatchObject({ code: 'stream_ended' })
})

it('`end` refuses what the contract does not call terminal', async () => {
  const { sse, types } = createPair()
  const stream = await sse.open('s')
  expect(await rejection(stream.end('tick', { n: 1 }))).toMatchObject({ code: 'not_terminal' })
  expect(types('s')).toEqual([])
})

it('data is taken as it is at the call', async () => {
  const { log, sse } = createPair()
  const stream = await sse.open('s')
  const data = { n: 1 }
  const published = stream.publish('tick', data)
  data.n = 2
  await published
  expect(log.read('s', 0, everything)!.entries[0]!.data).toBe('{"n":1}')
})

describe('with a `timestamped` contract', () => {
  const events = defineEvents<{
    note: { text: string; timestamp: string }
    plain: string
    done: { timestamp: string }
  }>({
    types: { note: {}, plain: {}, done: { terminal: true } },
    timestamped: true,
    failure: () => [{ type: 'done', data: { timestamp: 'then' } }],
  })

  it('an object without `timestamp` is given the time of the call, and others stay as they are', async () => {
    const { log, sse } = createPair()
    vi.setSystemTime('2026-01-02T03:04:05.678Z')
    const stream = await sse.open('s', { events })
    await stream.publish('note', { text: 'a' })
    await stream.publish('note', { text: 'b', timestamp: 'mine' })
    await stream.publish('plain', 'c')
    await stream.end('done', {})
    const time = '2026-01-02T03:04:05.678Z'
    expect(log.read('s', 0, everything)!.entries.map(({ data }) => JSON.parse(data))).toEqual([
      { text: 'a', timestamp: time },
      { text: 'b', timestamp: 'mine' },
      'c',
      { timestamp: time },
    ])
  })
})

it('§6.5 at `streamTimeout` the signal aborts, and after the grace the failure events end the stream', async () => {
  const log = new MemoryEventLog()
  const sse = createSse({ log, streamTimeout: 60_000, grace: 5_000, heartbeatInterval: false })
  const stream = await sse.open('s')
  const body = new Reader(await (await fetchHost(sse)).ask('s')).rest()
  await vi.advanceTimersByTimeAsync(59_999)
  expect(stream.signal.aborted).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect(stream.signal.reason).toMatchObject({ name: 'SseServerError', code: 'stream_timeout', streamId: 's' })
  expect(SseServerError.isInstance(stream.signal.reason)).toBe(true)
  await stream.publish('tick', { n: 1 })
  await vi.advanceTimersByTimeAsync(4_999)
  expect(stream.ended).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect(stream.ended).toBe(true)
  expect(logged(await body).map(({ type, data }) => [type, data])).toEqual([
    ['tick', { n: 1 }],
    ['failed', { code: 'stream_timeout', message: 'The run took longer than it may' }],
  ])
  expect(sse.metrics().streams).toBe(0)
})

it('a run that ends by itself within the grace keeps its own end', async () => {
  const log = new MemoryEventLog({ retention: Number.POSITIVE_INFINITY })
  const sse = createSse({ log, streamTimeout: 1_000, grace: 5_000 })
  const stream = await sse.open('s')
  stream.signal.addEventListener('abort', () => void stream.fail(stream.signal.reason))
  await vi.advanceTimersByTimeAsync(60_000)
  const { entries } = log.read('s', 0, everything)!
  expect(entries.map(({ data }) => JSON.parse(data).code)).toEqual(['stream_timeout'])
})

it('a stream timeout longer than a timer can be does not fire at once', async () => {
  const sse = createSse({ streamTimeout: 2 ** 33 })
  const stream = await sse.open('s')
  await vi.advanceTimersByTimeAsync(2 ** 33 - 1)
  expect(stream.signal.aborted).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect(stream.signal.aborted).toBe(true)
})

it.each([0, false, Number.POSITIVE_INFINITY] as const)('a stream timeout of %s is none', async (streamTimeout) => {
  const sse = createSse({ streamTimeout })
  const before = vi.getTimerCount()
  await sse.open('s')
  expect(vi.getTimerCount()).toBe(before)
})

it('the end of a stream stops its timers', async () => {
  const log = new MemoryEventLog({ retention: Number.POSITIVE_INFINITY })
  const sse = createSse({ log })
  const stream = await sse.open('s')
  await stream.end('done', { total: 0 })
  expect(vi.getTimerCount()).toBe(0)
})

it('§6.5 `cancel` aborts the signal with code `cancelled`, and ends the stream after the grace', async () => {
  const { log, sse } = createPair()
  const stream = await sse.open('s')
  expect(await sse.cancel('s', 'Enough')).toBe(true)
  expect(stream.signal.reason).toMatchObject({ code: 'cancelled', message: 'Enough' })
  expect(await sse.cancel('s', 'Again')).toBe(true)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(log.read('s', 0, everything)!.entries.map(({ data }) => JSON.parse(data))).toEqual([
    { code: 'cancelled', message: 'Enough' },
  ])
  expect(await sse.cancel('s')).toBe(true)
  expect(await sse.cancel('nobody')).toBe(false)
  expect(log.read('s', 0, everything)!.head).toBe(1)
})

it('with `grace: 0` the stream ends at once', async () => {
  const log = new MemoryEventLog()
  const sse = createSse({ log, grace: 0 })
  const stream = await sse.open('s')
  await sse.cancel('s')
  expect(stream.ended).toBe(true)
})

it('`cancel` ends a stream whose producer is elsewhere, and fences that producer', async () => {
  const log = new MemoryEventLog()
  const here = createSse({ log })
  const there = createSse({ log })
  const stream = await there.open('s')
  expect(await here.cancel('s')).toBe(true)
  expect(log.read('s', 0, everything)!.ended).toBe(true)
  expect(await rejection(stream.publish('tick', { n: 1 }))).toMatchObject({ code: 'fenced' })
})

it('a second `open` takes the stream over: the first producer is fenced at once', async () => {
  const { sse, types } = createPair()
  const first = await sse.open('s')
  await first.publish('tick', { n: 1 })
  const second = await sse.open('s')
  expect(first.signal.reason).toMatchObject({ code: 'fenced' })
  expect(await rejection(first.publish('tick', { n: 2 }))).toMatchObject({ code: 'fenced' })
  expect(second.head).toBe(`${first.epoch}-1`)
  expect(await second.publish('tick', { n: 2 })).toBe(`${first.epoch}-2`)
  expect(second.signal.aborted).toBe(false)
  expect(types('s')).toEqual(['tick', 'tick'])
  expect(sse.metrics().streams).toBe(1)
})

it('a producer that lost its fence elsewhere learns it at its next append', async () => {
  const log = new MemoryEventLog()
  const here = createSse({ log })
  const there = createSse({ log })
  const first = await here.open('s')
  await there.open('s')
  expect(first.signal.aborted).toBe(false)
  expect(await rejection(first.publish('tick', { n: 1 }))).toMatchObject({ code: 'fenced' })
  expect(first.signal.reason).toMatchObject({ code: 'fenced' })
  expect(here.metrics().streams).toBe(0)
})

it('`writable` publishes; neither its close nor its abort ends the stream', async () => {
  const { sse, types } = createPair()
  const stream = await sse.open('s')
  const writer = stream.writable().getWriter()
  await writer.write({ type: 'tick', data: { n: 1 } })
  await writer.close()
  await stream.writable().abort(new Error('enough'))
  expect(types('s')).toEqual(['tick'])
  expect(stream.ended).toBe(false)
  await stream
    .writable()
    .getWriter()
    .write({ type: 'done', data: { total: 1 } })
  expect(stream.ended).toBe(true)
})

it.each([
  ['gives nothing', () => []],
  ['gives no terminal event', () => [{ type: 'tick', data: { n: 0 } } as const]],
  ['is not there', undefined],
])('a contract whose failure %s is refused before anything is published', async (_, failure) => {
  const events = { ...tickEvents, failure } as EventContract<TickEvents>
  const refusal = { code: 'invalid_contract' }
  expect(() => createSse({ events })).toThrow(expect.objectContaining(refusal))
  expect(await rejection(createSse().open('s', { events }))).toMatchObject(refusal)
})

it('a contract whose failure does not end the stream by one reason alone is an error of that `fail`', async () => {
  const failure = ({ code }: { code: string }) =>
    code === 'x' ? [] : [{ type: 'failed', data: { code, message: '' } } as const]
  const stream = await createSse().open('s', { events: { ...tickEvents, failure } })
  expect(await rejection(stream.fail({ code: 'x', message: 'y' }))).toMatchObject({ code: 'invalid_contract' })
})

it.each(['', 'x'.repeat(257)])('an id that cannot name a stream is refused', async (id) => {
  expect(await rejection(createSse().open(id))).toBeInstanceOf(TypeError)
})

it.each([
  [{ maxConnections: -1 }, 'Expected `maxConnections` to be a positive integer, got -1'],
  [{ maxConnections: 0 }, 'Expected `maxConnections` to be a positive integer, got 0'],
  [{ maxConnectionsPerClient: 1.5 }, 'Expected `maxConnectionsPerClient` to be a positive integer, got 1.5'],
  [{ maxPayloadBytes: Number.NaN }, 'Expected `maxPayloadBytes` to be a positive integer, got NaN'],
  [
    { heartbeatInterval: -1 },
    'Expected `heartbeatInterval` to be a number of milliseconds, 0 or more, or false, got -1',
  ],
  [{ retry: 0.5 }, 'Expected `retry` to be a whole number of milliseconds from 0 to 86400000, got 0.5'],
])('a bad option is refused at once: %j', (options, message) => {
  expect(() => new SseServer({ events: tickEvents, ...options })).toThrow(new TypeError(message))
})

it.each([[{}], [{ events: undefined }], [{ events: { types: ['tick'] } }]])(
  '%j is refused with words that say what is missing',
  (options) => {
    expect(() => new SseServer(options as never)).toThrow(
      new TypeError('Expected `events` to be a contract, as `defineEvents` of @x/sse-protocol makes one'),
    )
  },
)
