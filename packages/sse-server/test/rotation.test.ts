import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MemoryEventLog } from '../src/index.js'
import { createSse, fetchHost, httpHost, isTick, logged, Reader } from './harness.js'

describe.each([
  ['node:http', httpHost],
  ['fetch', fetchHost],
])('connectionMaxAge, over %s', (_, createHost) => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('ends a connection that is old, and its reader goes on without a loss or a gap', async () => {
    const sse = createSse({ connectionMaxAge: 60_000, heartbeatInterval: 0, streamTimeout: false })
    const stream = await sse.open('s')
    const host = await createHost(sse)
    const seen = []
    let cursor = ''
    for (let round = 1; round <= 3; round += 1) {
      await stream.publish('tick', { n: round })
      const reader = new Reader(await host.ask('s', { headers: { 'Last-Event-ID': cursor } }))
      await reader.until(isTick(round))
      await vi.advanceTimersByTimeAsync(60_000)
      const events = await reader.rest()
      seen.push(...logged(events))
      cursor = seen.at(-1)!.id
      expect(events.map(({ type }) => type)).not.toContain('stream:gap')
      expect(reader.parser.reconnectionTime).toBe(100)
    }
    expect(seen.map(({ data }) => data)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    expect(sse.metrics().closed).toMatchObject({ max_age: 3, disconnected: 0 })
    expect(sse.metrics().connections).toBe(0)
  })

  it('is any time by default', async () => {
    const sse = createSse({ streamTimeout: false, heartbeatInterval: 0, writeTimeout: false })
    const stream = await sse.open('s')
    const reader = new Reader(await (await createHost(sse)).ask('s'))
    await vi.advanceTimersByTimeAsync(24 * 60 * 60_000)
    await stream.publish('tick', { n: 1 })
    await reader.until(isTick(1))
    await reader.cancel()
  })

  it('differs from one connection to the other by up to a fifth, so that not all come back together', async () => {
    const sse = createSse({ connectionMaxAge: 10_000, heartbeatInterval: 0 })
    await sse.open('s')
    const host = await createHost(sse)
    const random = vi.spyOn(Math, 'random')
    const readers: Reader[] = []
    for (const value of [0, 0.5, 0.999]) {
      random.mockReturnValue(value)
      readers.push(new Reader(await host.ask('s')))
    }
    random.mockRestore()
    const open: number[] = []
    for (const milliseconds of [7_999, 1, 1_000, 999]) {
      await vi.advanceTimersByTimeAsync(milliseconds)
      open.push(3 - sse.metrics().closed.max_age)
    }
    // Those that are over are counted when their last bytes are taken.
    for (const reader of readers) await reader.rest()
    expect([open[0], sse.metrics().closed.max_age]).toEqual([3, 3])
  })

  it('holds for no generator, since its reader would begin anew', async () => {
    const sse = createSse({ connectionMaxAge: 1_000, heartbeatInterval: 0 })
    const route = sse.from(async function* () {
      yield { type: 'tick', data: { n: 1 } }
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      yield { type: 'done', data: { total: 1 } }
    })
    const reader = new Reader(await route.fetch(new Request('http://localhost/')))
    await reader.until(isTick(1))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(logged(await reader.rest()).map(({ type }) => type)).toEqual(['tick', 'done'])
  })
})

it.each([-1, Number.NaN, '5' as never])('connectionMaxAge is refused where it is %s', (connectionMaxAge) => {
  expect(() => createSse({ connectionMaxAge })).toThrow('Expected `connectionMaxAge` to be a number of milliseconds')
})

describe.each([
  ['node:http', httpHost],
  ['fetch', fetchHost],
])('authorize, over %s', (_, createHost) => {
  /** A stream of three pages, two events each. */
  async function replay(authorize: (asked: number) => boolean | Promise<boolean>) {
    let asked = 0
    const sse = createSse({
      log: new MemoryEventLog(),
      authorize: () => {
        asked += 1
        return authorize(asked)
      },
    })
    const errors: unknown[] = []
    sse.addEventListener('error', ({ error }) => void errors.push(error))
    const stream = await sse.open('s')
    const text = 'x'.repeat(30_000)
    for (let n = 1; n <= 6; n += 1) await stream.publish('tick', { n, text })
    const host = await createHost(sse)
    return { sse, stream, errors, reader: new Reader(await host.ask('s')), asked: () => asked }
  }
  const numbers = (events: ReturnType<typeof logged>) => events.map(({ data }) => (data as { n: number }).n)

  it('is asked when a reader connects and again for each further page of a replay, not for what is new', async () => {
    const { reader, stream, asked } = await replay(() => true)
    await reader.until(isTick(6))
    expect(asked()).toBe(3)
    await stream.publish('tick', { n: 7 })
    await reader.until(isTick(7))
    expect(asked()).toBe(3)
    await reader.cancel()
  })

  it.each([
    ['says no', () => false],
    ['says no later', async () => false],
    [
      'throws',
      () => {
        throw new Error('no database')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no database'))],
  ])(
    'ends the connection where it %s in the middle of a replay, and what was sent before stands',
    async (what, answer) => {
      const { reader, sse, errors } = await replay((asked) => (asked < 3 ? true : answer()))
      expect(numbers(logged(await reader.rest()))).toEqual([1, 2, 3, 4])
      expect(sse.metrics().closed).toMatchObject({ forbidden: 1 })
      expect(errors).toEqual(/throws|rejects/.test(what) ? [new Error('no database')] : [])
    },
  )

  it('may answer later each time', async () => {
    const { reader } = await replay(async () => true)
    expect(numbers(logged(await reader.until(isTick(6))))).toEqual([1, 2, 3, 4, 5, 6])
    await reader.cancel()
  })
})
