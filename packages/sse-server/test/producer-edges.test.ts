import { defineEvents } from '@x/sse-protocol'
import { describe, expect, it, vi } from 'vitest'
import { type EventLog, MemoryEventLog, SseServer } from '../src/index.js'
import { faultyLog } from '../src/testing/index.js'
import { createSse, eventually, fetchHost, isTick, isType, logged, Reader, tickEvents } from './harness.js'

const agents = defineEvents<{ 'agent:chunk': { text: string; index: number; offset: number }; done: object }>({
  types: { 'agent:chunk': {}, done: { terminal: true } },
  failure: () => [{ type: 'done', data: {} }],
})

describe('the end of a stream', () => {
  it('is tried again until the log takes it, where the run is over and nobody else would', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const log = faultyLog(new MemoryEventLog(), { failedAppends: 1 })
      const sse = createSse({ log, streamTimeout: 20, grace: 10 })
      const errors: unknown[] = []
      sse.addEventListener('error', ({ error }) => void errors.push(error))
      const stream = await sse.open('s')
      await vi.advanceTimersByTimeAsync(6_000)
      expect([stream.ended, sse.metrics().streams, errors.length]).toEqual([false, 1, 2])
      log.faults = {}
      await vi.advanceTimersByTimeAsync(5_000)
      expect([stream.ended, sse.metrics().streams]).toEqual([true, 0])
      await sse.close()
      await log.close?.()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('that a run publishes at once when it hears of a cancel leaves no timer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const sse = createSse({ log: new MemoryEventLog({ retention: Number.POSITIVE_INFINITY }) })
      const stream = await sse.open('s')
      stream.signal.addEventListener('abort', () => void stream.end('done', { total: 1 }))
      await sse.cancel('s')
      expect([stream.ended, vi.getTimerCount()]).toEqual([true, 0])
    } finally {
      vi.useRealTimers()
    }
  })

  it('is not tried again for a stream that the log has dropped', async () => {
    const log = new MemoryEventLog()
    const sse = createSse({ log, grace: 0 })
    const errors: unknown[] = []
    sse.addEventListener('error', ({ error }) => void errors.push(error))
    await sse.open('s')
    log.delete('s')
    await sse.cancel('s')
    await eventually(() => sse.metrics().streams === 0)
    expect(errors).toMatchObject([{ code: 'unknown_stream' }])
  })

  it.each([5, null, 'x'.repeat(1_001)])('needs a message that its event can hold', async (message) => {
    const sse = createSse()
    await sse.open('s')
    await expect(sse.cancel('s', message as never)).rejects.toThrow('Expected a message of at most 1000 characters')
  })

  it('ends a text that is being piped, and closes its source', async () => {
    const sse = new SseServer({ events: agents })
    const stream = await sse.open('s')
    const closed = vi.fn()
    const hanging = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}), return: closed }),
    }
    const piped = expect(stream.pipeText(hanging)).rejects.toMatchObject({ code: 'stream_ended' })
    await new Promise((resolve) => setImmediate(resolve))
    const next = expect(stream.pipeText(['more'])).rejects.toMatchObject({ code: 'stream_ended' })
    await stream.end('done', {})
    await Promise.all([piped, next])
    expect(closed).toHaveBeenCalledTimes(1)
    await sse.close()
  })

  it('that comes while the data of an event is made a text, is not followed by that event', async () => {
    const log = faultyLog(new MemoryEventLog(), { writeTurns: 2 })
    const stream = await createSse({ log }).open('s')
    const first = stream.publish('tick', { n: 1 })
    let end: Promise<string> | undefined
    const toJSON = (): object => {
      end = stream.end('done', { total: 1 })
      return { n: 2 }
    }
    await expect(stream.publish('tick', { n: 2, toJSON } as never)).rejects.toMatchObject({ code: 'stream_ended' })
    await Promise.all([first, end])
    expect((await stream.entries()).map(({ type }) => type)).toEqual(['tick', 'done'])
    expect(stream.ended).toBe(true)
  })

  it('that a run publishes when it hears that the server closes still reaches its readers', async () => {
    const sse = createSse()
    const stream = await sse.open('s')
    const reader = new Reader(await (await fetchHost(sse)).ask('s'))
    await reader.until(isType('heartbeat'))
    stream.signal.addEventListener('abort', () => void stream.end('done', { total: 0 }))
    const closing = sse.close()
    expect(logged(await reader.rest()).map(({ type }) => type)).toEqual(['done'])
    await closing
    await expect(
      createSse()
        .open('t')
        .then((other) => other.publish('tock' as never, {} as never)),
    ).rejects.toMatchObject({ code: 'unknown_type' })
  })
})

it('what a run publishes after its server has closed is refused as closing', async () => {
  const sse = createSse()
  const stream = await sse.open('s')
  await sse.close()
  await expect(stream.publish('tick', { n: 1 })).rejects.toMatchObject({ code: 'closing' })
})

it('several cancels at once of a stream that another process holds all say that it is cancelled', async () => {
  const log = new MemoryEventLog()
  await createSse({ log }).open('s')
  const sse = createSse({ log })
  expect(await Promise.all([sse.cancel('s'), sse.cancel('s'), sse.cancel('s')])).toEqual([true, true, true])
})

it('entries of a stream that is dropped and made again meanwhile are refused, not mixed', async () => {
  const memory = new MemoryEventLog({ maxBytes: 2 ** 23 })
  const sse = createSse({ log: memory })
  const stream = await sse.open('s')
  const text = 'x'.repeat(60_000)
  for (let n = 0; n < 20; n += 1) await stream.publish('tick', { n, text })
  const read = memory.read.bind(memory)
  vi.spyOn(memory, 'read').mockImplementationOnce((...call) => {
    const page = read(...call)
    memory.delete('s')
    const { fence } = memory.open('s')
    const entry = { type: 'tick', data: '{"n":0}', bytes: 7 }
    memory.append('s', { fence, producerNumber: 1, entries: Array.from({ length: 30 }, () => entry) })
    return page
  })
  await expect(stream.entries()).rejects.toMatchObject({ code: 'incomplete' })
})

it('a timestamp goes beside what the data itself makes of it, also where that is an object with a `toJSON`', async () => {
  const events = defineEvents<{ tick: unknown; done: object }>({
    types: { tick: {}, done: { terminal: true } },
    failure: () => [{ type: 'done', data: {} }],
    timestamped: true,
  })
  const sse = new SseServer({ events })
  const stream = await sse.open('s')
  class Money {
    #amount = 5
    toJSON(): object {
      return { amount: this.#amount }
    }
  }
  for (const data of [new Money(), { toJSON: () => ({ amount: 5 }) }, { amount: 5 }]) await stream.publish('tick', data)
  for (const { data } of await stream.entries()) expect(data).toEqual({ amount: 5, timestamp: expect.any(String) })
  await sse.close()
})

it('promises of a log may be any thenables, and its entries may be frozen', async () => {
  const memory = new MemoryEventLog()
  // biome-ignore lint/suspicious/noThenProperty: that is what a thenable is
  const later = <T>(value: T): Promise<T> => ({ then: (resolve: (value: T) => void) => void resolve(value) }) as never
  const log: EventLog = {
    open: (id) => memory.open(id),
    append: (id, append) => later(memory.append(id, append)),
    read: (id, after, limits) => {
      const page = memory.read(id, after, limits)
      return later(page && { ...page, entries: page.entries.map((entry) => Object.freeze({ ...entry })) })
    },
    subscribe: (id, wake) => memory.subscribe(id, wake),
    trim: (id, oldest) => memory.trim(id, oldest),
    delete: (id) => memory.delete(id),
  }
  const sse = createSse({ log })
  const stream = await sse.open('s')
  expect(await stream.publish('tick', { n: 1 })).toBe(`${stream.epoch}-1`)
  const reader = new Reader(await (await fetchHost(sse)).ask('s'))
  await reader.until(isTick(1))
  await stream.end('done', { total: 1 })
  expect(logged(await reader.rest()).map(({ type }) => type)).toEqual(['tick', 'done'])
})

it.each([undefined, {}, { epoch: 'e' }])(
  'a log that answers an append with %j is an error of that publish, at once or later',
  async (answer) => {
    for (const append of [() => answer, async () => answer]) {
      const memory = new MemoryEventLog()
      vi.spyOn(memory, 'append').mockImplementation(append as never)
      const stream = await createSse({ log: memory }).open('s')
      const refused = 'Expected the log to answer an append with an epoch and the sequence of the first event'
      await expect(stream.publish('tick', { n: 1 })).rejects.toThrow(refused)
      await expect(stream.end('done', { total: 1 })).rejects.toThrow(refused)
    }
  },
)

it('a listener that closes the server when a reader connects leaves nothing behind', async () => {
  const sse = createSse()
  const errors: unknown[] = []
  sse.addEventListener('error', ({ error }) => void errors.push(error))
  await sse.open('s')
  let closing: Promise<void> | undefined
  sse.addEventListener('open', () => {
    closing = sse.close()
  })
  const response = await (await fetchHost(sse)).ask('s')
  expect([response.status, await response.text()]).toEqual([200, expect.stringMatching(/\nretry: [0-9]+\n\n$/)])
  await closing
  expect([errors, sse.metrics().connections]).toEqual([[], 0])
})

it('a connection that is backed up gets no heartbeat, and one again when it has room', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  try {
    const sse = createSse({ heartbeatInterval: 1_000, writeTimeout: false })
    const stream = await sse.open('s')
    const response = await (await fetchHost(sse)).ask('s')
    await stream.publish('tick', { n: 1 })
    for (let beats = 0; beats < 5; beats += 1) await vi.advanceTimersByTimeAsync(1_000)
    const reader = new Reader(response)
    await reader.until(isTick(1))
    expect(reader.events.map(({ type }) => type)).toEqual(['heartbeat', 'tick'])
    await vi.advanceTimersByTimeAsync(1_000)
    await reader.until(() => reader.events.filter(isType('heartbeat')).length === 2)
    await reader.cancel()
  } finally {
    vi.useRealTimers()
  }
})

it('a server that closes tells its readers different times to come back after', async () => {
  const times: number[] = []
  const random = vi.spyOn(Math, 'random')
  for (const value of [0, 0.5, 0.999]) {
    random.mockReturnValue(value)
    const sse = createSse({ retry: 2_000 })
    await sse.open('s')
    const reader = new Reader(await (await fetchHost(sse)).ask('s'))
    await reader.until(isType('heartbeat'))
    const closing = sse.close()
    await reader.rest()
    await closing
    times.push(reader.parser.reconnectionTime!)
  }
  random.mockRestore()
  expect(times).toEqual([2_000, 4_000, 5_996])
})

it('a listener that has the reader leave as it connects leaves nothing behind', async () => {
  const sse = createSse()
  const errors: unknown[] = []
  sse.addEventListener('error', ({ error }) => void errors.push(error))
  await sse.open('s')
  const controller = new AbortController()
  sse.addEventListener('open', () => controller.abort())
  const response = await (await fetchHost(sse)).ask('s', { signal: controller.signal })
  await expect(response.text()).rejects.toThrow()
  expect([errors, sse.metrics().connections, sse.metrics().closed.disconnected]).toEqual([[], 0, 1])
})

it('two streams that publish several events in one turn each send their own', async () => {
  const sse = createSse()
  const host = await fetchHost(sse)
  const streams = await Promise.all(['a', 'b', 'c'].map((id) => sse.open(id)))
  const readers = await Promise.all(streams.map(async ({ id }) => new Reader(await host.ask(id))))
  for (const reader of readers) await reader.until(isType('heartbeat'))
  for (const [index, stream] of streams.entries()) {
    for (const n of [1, 2, 3]) void stream.publish('tick', { n, text: `of ${index}` })
  }
  for (const [index, reader] of readers.entries()) {
    const events = logged(await reader.until(isTick(3)))
    expect(events.map(({ id, data }) => [id, data])).toEqual(
      [1, 2, 3].map((n) => [`${streams[index]!.epoch}-${n}`, { n, text: `of ${index}` }]),
    )
    await reader.cancel()
  }
})

it('heartbeats go on while `authorize` takes its time over a further page', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  try {
    let asked = 0
    const sse = createSse({ authorize: () => (++asked === 1 ? true : new Promise(() => {})), heartbeatInterval: 1_000 })
    const stream = await sse.open('s')
    const text = 'x'.repeat(60_000)
    for (let n = 1; n <= 4; n += 1) await stream.publish('tick', { n, text })
    const reader = new Reader(await (await fetchHost(sse)).ask('s'))
    await reader.until(isTick(1))
    await eventually(() => asked === 2)
    await vi.advanceTimersByTimeAsync(1_000)
    await vi.advanceTimersByTimeAsync(1_000)
    await reader.until(() => reader.events.filter(isType('heartbeat')).length === 3)
    await reader.cancel()
  } finally {
    vi.useRealTimers()
  }
})

describe('the memory log', () => {
  const entry = (bytes: number) => ({ type: 'tick', data: 'x'.repeat(bytes), bytes })

  it('refuses an append that can never fit before it drops anything for it', () => {
    const log = new MemoryEventLog({ maxTotalBytes: 40_000 })
    for (const id of ['a', 'b', 'c']) {
      const { fence } = log.open(id)
      log.append(id, { fence, producerNumber: 1, entries: [entry(100)], end: id === 'a' })
      if (id !== 'a') log.append(id, { fence, producerNumber: 2, entries: [entry(100)] })
    }
    const { fence } = log.open('d')
    const before = log.bytes
    expect(() => log.append('d', { fence, producerNumber: 1, entries: [entry(100_000)] })).toThrow(
      expect.objectContaining({ code: 'log_full' }),
    )
    expect([log.bytes, log.streams]).toEqual([before, 4])
  })

  it('frees an ended stream that is deleted', () => {
    const log = new MemoryEventLog()
    const refs = Array.from({ length: 50 }, (_, n) => {
      const { fence } = log.open(`s${n}`)
      const internal = new String('x') as string
      const made = { ...entry(10), internal }
      log.append(`s${n}`, { fence, producerNumber: 1, entries: [made], end: true })
      const [kept] = log.read(`s${n}`, 0, { maxEvents: 1, maxBytes: 1 })!.entries
      log.delete(`s${n}`)
      return new WeakRef(kept!)
    })
    return new Promise<void>((resolve) => setTimeout(resolve)).then(async () => {
      const { setFlagsFromString } = await import('node:v8')
      const { runInNewContext } = await import('node:vm')
      setFlagsFromString('--expose-gc')
      runInNewContext('gc')()
      expect(refs.filter((ref) => ref.deref() !== undefined)).toHaveLength(0)
      log.close()
    })
  })
})

describe('options', () => {
  const create = (options: object) => () => new SseServer({ events: tickEvents, ...options } as never)

  it.each([
    [{ authorise: () => false }, /^Expected an option of SseServer \(events, log, .*, cors\), got `authorise`$/],
    [{ authorize: true }, 'Expected `authorize` to be a function, got boolean'],
    [{ clientKey: 'ip' }, 'Expected `clientKey` to be a function, got "ip"'],
    [{ log: {} }, 'Expected `log` to be an EventLog, got one without `open`'],
    [{ cors: true }, 'Expected the options of `cors` to be an object, got boolean'],
    [{ cors: {} }, "Expected `cors.origins` to be an array of origins or '*', got undefined"],
    [
      { cors: { origins: 'https://app.example.org' } },
      'Expected `cors.origins` to be an array of origins or \'*\', got "https://app.example.org"',
    ],
    [
      { cors: { origins: ['https://app.example.org/'] } },
      'Expected an origin as browsers send it (https://app.example.org), got "https://app.example.org/"',
    ],
    [{ retry: 2 ** 40 }, 'Expected `retry` to be a whole number of milliseconds from 0 to 86400000, got 1099511627776'],
  ])('%j are refused with what they should be', (options, message) => {
    expect(create(options)).toThrow(TypeError)
    expect(create(options)).toThrow(message)
  })

  it.each([
    [['capacitor://localhost', 'chrome-extension://abcdefgh', 'https://app.example.org', 'http://localhost:5173']],
    ['*'],
    [[]],
  ])('take the origins %j', (origins) => {
    expect(create({ cors: { origins } })).not.toThrow()
  })

  it.each(['https://*.example.org', 'https://app.example.org/', 'app.example.org', 'https://a.b:443', 'HTTPS://a.b'])(
    'refuse %s, which no browser sends as an origin',
    (origin) => {
      expect(create({ cors: { origins: [origin] } })).toThrow('Expected an origin as browsers send it')
    },
  )

  it('left out altogether are refused too', () => {
    expect(() => new SseServer(undefined as never)).toThrow(
      'Expected the options of SseServer to be an object, got undefined',
    )
  })

  it.each(['yes', {}, 1, null])('an `authorize` that answers %j is an error, not a yes', async (answer) => {
    const sse = createSse({ authorize: () => answer as never })
    const errors: unknown[] = []
    sse.addEventListener('error', ({ error }) => void errors.push(error))
    await sse.open('s')
    expect((await (await fetchHost(sse)).ask('s')).status).toBe(500)
    expect(String(errors)).toContain('Expected `authorize` to answer true or false, got')
  })
})

describe('misuse', () => {
  it.each([undefined, null, 'x'])('a generator that is %j is refused at once', (generate) => {
    expect(() => createSse().from(generate as never)).toThrow('Expected `generate` to be a function')
  })

  it('an `authorize` of null is refused, and does not let everybody in', () => {
    expect(() => createSse({ authorize: null as never })).toThrow('Expected `authorize` to be a function, got null')
  })

  it.each([
    [
      'publish with one object',
      (stream: never) => (stream as never as { publish(event: unknown): unknown }).publish({ type: 'tick' }),
      'Expected `type` to be a text, got object',
    ],
    [
      'end with nothing',
      (stream: never) => (stream as never as { end(): unknown }).end(),
      'Expected `type` to be a text, got undefined',
    ],
    [
      'fail with a text',
      (stream: never) => (stream as never as { fail(text: string): unknown }).fail('x'),
      'Expected a code and a message that readers may see, got "x"',
    ],
    [
      'publishAll with an object',
      (stream: never) => (stream as never as { publishAll(events: unknown): unknown }).publishAll({}),
      'Expected an array of events, got object',
    ],
  ])('%s says what was expected', async (_name, misuse, message) => {
    const stream = await createSse().open('s')
    await expect(misuse(stream as never)).rejects.toThrow(new TypeError(message))
  })
})

it('the id of what is published is of the epoch that the log had then, also where that is a new one', async () => {
  for (const publish of ['publish', 'publishAll', 'end'] as const) {
    const memory = new MemoryEventLog()
    const append = memory.append.bind(memory)
    vi.spyOn(memory, 'append').mockImplementation((async (...call: Parameters<typeof append>) => ({
      ...append(...call),
      epoch: 'afterfailover',
    })) as never)
    const stream = await createSse({ log: memory }).open('s')
    const published =
      publish === 'publish'
        ? stream.publish('tick', { n: 1 })
        : publish === 'end'
          ? stream.end('done', { total: 1 })
          : stream.publishAll([{ type: 'tick', data: { n: 1 } }])
    expect(await published).toBe('afterfailover-1')
  }
})
