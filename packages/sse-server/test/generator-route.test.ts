import express from 'express'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { EventGenerator, PublishEvent, SseServerOptions } from '../src/index.js'
import {
  createSse,
  eventually,
  isTick,
  isType,
  listen,
  logged,
  Reader,
  type TickEvents,
  tickEvents,
} from './harness.js'

type Options = Partial<SseServerOptions<TickEvents>>
type Event = PublishEvent<TickEvents>
type Generate = EventGenerator<TickEvents, unknown>

const tick = (n: number): Event => ({ type: 'tick', data: { n } })
const done = (total: number): Event => ({ type: 'done', data: { total } })

async function overHttp(generate: Generate, options: Options = {}) {
  const sse = createSse(options)
  const errors: unknown[] = []
  sse.addEventListener('error', ({ error }) => void errors.push(error))
  const app = express()
  app.get('/ticks', sse.from(generate))
  const origin = await listen(app)
  return { sse, errors, ask: (init?: RequestInit) => fetch(`${origin}/ticks`, init) }
}

async function overFetch(generate: Generate, options: Options = {}) {
  const sse = createSse(options)
  const errors: unknown[] = []
  sse.addEventListener('error', ({ error }) => void errors.push(error))
  const route = sse.from(generate)
  return { sse, errors, ask: (init?: RequestInit) => route.fetch(new Request('http://localhost/ticks', init)) }
}

afterEach(() => {
  vi.useRealTimers()
})

describe.each([
  ['Express', overHttp],
  ['fetch', overFetch],
])('a route of a generator, over %s', (_, host) => {
  it('sends what the generator yields, and ends with the terminal event', async () => {
    const { ask } = await host(async function* () {
      yield tick(1)
      yield tick(2)
      yield done(2)
      throw new Error('Nobody asks for more than the end')
    })
    const response = await ask()
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const events = await new Reader(response).rest()
    expect(events[0]!.type).toBe('heartbeat')
    expect(logged(events).map(({ type, data }) => ({ type, data }))).toEqual([tick(1), tick(2), done(2)])
  })

  it('takes the terminal event as the return value too', async () => {
    const { ask } = await host(async function* () {
      yield tick(1)
      return done(1)
    })
    expect(logged(await new Reader(await ask()).rest()).map(({ type }) => type)).toEqual(['tick', 'done'])
  })

  it('gives each reader a generator of its own', async () => {
    let readers = 0
    const { ask } = await host(async function* () {
      readers += 1
      yield tick(readers)
      yield done(0)
    })
    const [first, second] = await Promise.all([ask(), ask()])
    const ticks = [await new Reader(first).rest(), await new Reader(second).rest()].map((events) => logged(events)[0]!)
    expect(ticks.map(({ data }) => data)).toEqual([{ n: 1 }, { n: 2 }])
    expect(ticks[0]!.id).not.toBe(ticks[1]!.id)
  })

  it('answers a reader that had the end with 204, and begins anew, after a gap, for one that had not', async () => {
    const { ask } = await host(async function* () {
      yield tick(1)
      yield done(1)
    })
    const [first, last] = logged(await new Reader(await ask()).rest()).map(({ id }) => id)
    expect((await ask({ headers: { 'Last-Event-ID': last! } })).status).toBe(204)
    const events = await new Reader(await ask({ headers: { 'Last-Event-ID': first! } })).rest()
    expect(events.map(({ type }) => type)).toEqual(['heartbeat', 'stream:gap', 'tick', 'done'])
    expect(JSON.parse(events[1]!.data)).toMatchObject({ requested: first, reason: 'epoch' })
  })

  it('asks the generator for no more than a few events that the reader does not take', async () => {
    let asked = 0
    const { ask } = await host(async function* () {
      for (;;) {
        asked += 1
        yield { type: 'tick', data: { n: asked, text: 'x'.repeat(60_000) } }
        // Past whatever the sockets of both sides take.
        if (asked > 2_000) return done(asked)
      }
    })
    const reader = new Reader(await ask())
    await reader.until(isTick(1))
    let before = -1
    for (let quiet = 0; quiet < 200; quiet += before === asked ? 1 : -quiet) {
      before = asked
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(asked).toBeLessThan(1_000)
    expect(logged(await reader.rest()).length).toBe(asked + 1)
  })

  it('gives the reader at once whatever is yielded in one turn, however much, without waiting for a heartbeat', async () => {
    const { ask, sse } = await host(
      async function* () {
        for (let n = 1; n <= 200; n += 1) yield tick(n)
        yield done(200)
      },
      { heartbeatInterval: 0 },
    )
    expect(logged(await new Reader(await ask()).rest())).toHaveLength(201)
    expect(sse.metrics().heartbeats).toBe(0)
  })

  it('begins with the first event also for a reader whose cursor is of another stream', async () => {
    const { ask } = await host(async function* () {
      for (let n = 1; n <= 40; n += 1) yield tick(n)
      yield done(40)
    })
    const response = await ask({ headers: { 'Last-Event-ID': 'aaaaaaaaaa-5' } })
    // The host may take its time before it asks for the body.
    for (let count = 0; count < 20; count += 1) await new Promise((resolve) => setImmediate(resolve))
    const events = await new Reader(response).rest()
    expect(events.filter(isType('stream:gap'))).toHaveLength(1)
    expect(logged(events).map(({ data }) => data)).toEqual([
      ...Array.from({ length: 40 }, (_, n) => ({ n: n + 1 })),
      { total: 40 },
    ])
  })

  it('does not begin the generator of a reader that has left already', async () => {
    let begun = 0
    const { ask, sse } = await host(async function* () {
      begun += 1
      yield done(0)
    })
    const controller = new AbortController()
    const asked = ask({ signal: controller.signal }).catch(() => undefined)
    controller.abort()
    await asked
    for (let count = 0; count < 20; count += 1) await new Promise((resolve) => setImmediate(resolve))
    expect([begun, sse.metrics().connections]).toEqual([0, 0])
  })

  it.each([
    ['a number', 0],
    ['null', null],
    ['a text', 'tick'],
    ['an object without a type', {}],
  ])('ends with the failure events where the generator yields %s, and says what it should', async (_name, value) => {
    const { ask, errors } = await host(async function* () {
      yield value as never
    })
    expect(logged(await new Reader(await ask()).rest()).map(({ type }) => type)).toEqual(['failed'])
    expect(String(errors[0])).toMatch(
      /^TypeError: Expected (a generator to yield events \{ type, data \}|`type` to be a text), got/,
    )
  })

  it('ends with the failure events where it is no async generator', async () => {
    const { ask, errors } = await host((() => [tick(1)]) as never)
    expect(logged(await new Reader(await ask()).rest()).map(({ type }) => type)).toEqual(['failed'])
    expect(errors).toEqual([new TypeError('Expected an async generator of events, got an array')])
  })

  it('aborts the signal, and ends the generator, when the reader leaves', async () => {
    let signal: AbortSignal | undefined
    const ended = vi.fn()
    const { ask, errors, sse } = await host(async function* (_request, given) {
      signal = given
      try {
        yield tick(1)
        await new Promise((_resolve, reject) => given.addEventListener('abort', () => reject(given.reason)))
      } finally {
        ended()
      }
    })
    const reader = new Reader(await ask())
    await reader.until(isTick(1))
    expect(sse.metrics().connections).toBe(1)
    await reader.cancel()
    await eventually(() => ended.mock.calls.length === 1)
    expect(signal!.reason).toMatchObject({ code: 'disconnected' })
    expect(errors).toEqual([])
    expect(sse.metrics().connections).toBe(0)
  })

  it('ends with the failure events where the generator throws, tells the server, and shows the reader no text of it', async () => {
    const { ask, errors } = await host(async function* () {
      yield tick(1)
      throw new Error('The password is wrong')
    })
    const events = logged(await new Reader(await ask()).rest())
    expect(events.map(({ type }) => type)).toEqual(['tick', 'failed'])
    expect(events[1]!.data).toEqual({ code: 'internal_error', message: 'The server failed' })
    expect(errors).toEqual([new Error('The password is wrong')])
  })

  it('ends with the failure events where the last event is not terminal, since its readers would come back for ever', async () => {
    const { ask, errors } = await host(async function* () {
      yield tick(1)
    })
    expect(logged(await new Reader(await ask()).rest()).map(({ type }) => type)).toEqual(['tick', 'failed'])
    expect(errors).toMatchObject([{ code: 'not_terminal' }])
  })

  it('refuses an event that the contract does not have, as publish does', async () => {
    const { ask, errors } = await host(async function* () {
      yield { type: 'tock', data: { n: 1 } } as never
    })
    expect(logged(await new Reader(await ask()).rest()).map(({ type }) => type)).toEqual(['failed'])
    expect(errors).toMatchObject([{ code: 'unknown_type' }])
  })

  it('aborts the signal at the stream timeout, and lets the generator end by itself', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { ask, sse } = await host(async function* (_request, signal) {
      yield tick(1)
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      yield done(signal.reason.code === 'stream_timeout' ? 1 : 0)
    })
    const reader = new Reader(await ask())
    await reader.until(isTick(1))
    await vi.advanceTimersByTimeAsync(30 * 60_000)
    expect(logged(await reader.rest()).at(-1)).toMatchObject({ type: 'done', data: { total: 1 } })
    expect(sse.metrics().published).toBe(2)
  })

  it('takes what a generator throws after the abort of its signal for the abort, and no error', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { ask, errors } = await host(async function* (_request, signal) {
      yield tick(1)
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const reader = new Reader(await ask())
    await reader.until(isTick(1))
    await vi.advanceTimersByTimeAsync(30 * 60_000)
    expect(logged(await reader.rest()).at(-1)).toMatchObject({ type: 'failed', data: { code: 'stream_timeout' } })
    expect(errors).toEqual([])
  })

  it('ends a generator that does not hear its signal with the failure events after the grace', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { ask } = await host(async function* () {
      yield tick(1)
      await new Promise(() => {})
    })
    const reader = new Reader(await ask())
    await reader.until(isTick(1))
    await vi.advanceTimersByTimeAsync(30 * 60_000 + 5_000)
    const events = logged(await reader.rest())
    expect(events.at(-1)).toMatchObject({ type: 'failed', data: { code: 'stream_timeout' } })
  })

  it('ends a generator that waits for its reader when that has left', async () => {
    const ended = vi.fn()
    const { ask } = await host(async function* () {
      try {
        for (;;) yield tick(1)
      } finally {
        ended()
      }
    })
    const reader = new Reader(await ask())
    await reader.until(isTick(1))
    await reader.cancel()
    await eventually(() => ended.mock.calls.length === 1)
  })

  it('makes the generator wait also where few events are many bytes, and loses none', async () => {
    let asked = 0
    const { ask } = await overFetch(
      async function* () {
        for (let n = 1; n <= 12; n += 1) {
          asked += 1
          yield { type: 'tick', data: { n, text: 'x'.repeat(2 ** 20) } }
        }
        yield done(12)
      },
      { maxPayloadBytes: 4 * 2 ** 20 },
    )
    const response = await ask()
    const reader = new Reader(response)
    await reader.until(isTick(1))
    for (let count = 0; count < 50; count += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(asked).toBeLessThan(5)
    const events = await reader.rest()
    expect(events.filter(isType('stream:gap'))).toEqual([])
    expect(logged(events)).toHaveLength(13)
  })

  it('counts its readers as connections, and refuses one too many', async () => {
    const { ask } = await host(
      async function* () {
        yield tick(1)
        await new Promise(() => {})
      },
      { maxConnections: 1 },
    )
    const reader = new Reader(await ask())
    await reader.until(isTick(1))
    expect((await ask()).status).toBe(503)
    await reader.cancel()
  })

  it('answers HEAD without a generator, and a request for JSON alone with 406', async () => {
    const generate = vi.fn()
    const { ask } = await host(generate)
    expect((await ask({ method: 'HEAD' })).status).toBe(200)
    const refused = await ask({ headers: { Accept: 'application/json' } })
    expect([refused.status, (await refused.json()).detail]).toEqual([
      406,
      'Expected an Accept header that allows text/event-stream',
    ])
    expect(generate).not.toHaveBeenCalled()
  })

  it('aborts the signal with the code closing when the server closes', async () => {
    let signal: AbortSignal | undefined
    const { ask, sse } = await host(async function* (_request, given) {
      signal = given
      yield tick(1)
      await new Promise(() => {})
    })
    const reader = new Reader(await ask())
    await reader.until(isTick(1))
    const closing = sse.close()
    expect((await reader.rest()).filter(isType('tick'))).toHaveLength(1)
    await closing
    expect(signal!.reason).toMatchObject({ code: 'closing' })
  })
})

it('keeps the types of the contract in what a generator may yield', () => {
  const sse = createSse({ events: tickEvents })
  sse.from(async function* () {
    yield { type: 'tick', data: { n: 1 } }
  })
  // @ts-expect-error The contract has no such type.
  sse.from(async function* () {
    yield { type: 'tock' as const, data: { n: 1 } }
  })
  // @ts-expect-error The data is not that of a tick.
  sse.from(async function* () {
    yield { type: 'tick' as const, data: { m: 1 } }
  })
})

it('takes no memory for what was yielded, however long it lasts', async () => {
  const { setFlagsFromString } = await import('node:v8')
  const { runInNewContext } = await import('node:vm')
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heap: number[] = []
  const { ask } = await overFetch(async function* () {
    for (let n = 1; n <= 60_000; n += 1) {
      if (n === 1_000 || n % 20_000 === 0) {
        collect()
        heap.push(process.memoryUsage().heapUsed)
      }
      yield tick(n)
    }
    yield done(0)
  })
  const body = (await ask()).body!.getReader()
  while (!(await body.read()).done);
  // One object for each event would be several megabytes for these 59,000.
  expect((heap.at(-1)! - heap[0]!) / 2 ** 20).toBeLessThan(2)
})

it('answers other methods with 405, whatever the host', async () => {
  const generate = vi.fn()
  const { sse } = await overFetch(generate)
  const route = sse.from(generate)
  const response = await route.fetch(new Request('http://localhost/', { method: 'POST' }))
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  const origin = await listen(route)
  expect((await fetch(origin, { method: 'POST' })).status).toBe(405)
  expect(generate).not.toHaveBeenCalled()
})
