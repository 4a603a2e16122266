import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSse, fetchHost, hosts, isTick, isType, Reader } from './harness.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
})

afterEach(() => {
  vi.useRealTimers()
})

const count = (reader: Reader): number => reader.events.filter(isType('heartbeat')).length
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe.each(hosts)('over %s', (_name, createHost) => {
  it('§5.2 a heartbeat follows every interval, without an id and with the head', async () => {
    const sse = createSse()
    const stream = await sse.open('s')
    const reader = new Reader(await (await createHost(sse)).ask('s'))
    await reader.until(isType('heartbeat'))
    const id = await stream.publish('tick', { n: 1 })
    await reader.until(isTick(1))
    for (let beat = 1; beat <= 3; beat++) {
      await vi.advanceTimersByTimeAsync(15_000)
      const events = await reader.until(() => count(reader) === beat + 1)
      expect(events.at(-1)).toMatchObject({ type: 'heartbeat', lastEventId: id })
      expect(events.at(-1)!.id).toBe(undefined)
      expect(JSON.parse(events.at(-1)!.data)).toMatchObject({ interval: 15_000, head: id })
    }
    await reader.cancel()
  })
})

it('each connection gets its first heartbeat one interval after it was opened', async () => {
  const sse = createSse({ heartbeatInterval: 10_000 })
  await sse.open('s')
  const host = await fetchHost(sse)
  const first = new Reader(await host.ask('s'))
  await vi.advanceTimersByTimeAsync(4_000)
  const second = new Reader(await host.ask('s'))
  await Promise.all([first.until(isType('heartbeat')), second.until(isType('heartbeat'))])
  const before = sse.metrics().heartbeats
  await vi.advanceTimersByTimeAsync(5_999)
  expect(sse.metrics().heartbeats).toBe(before)
  await vi.advanceTimersByTimeAsync(1)
  expect(sse.metrics().heartbeats).toBe(1)
  await vi.advanceTimersByTimeAsync(3_999)
  expect(sse.metrics().heartbeats).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(sse.metrics().heartbeats).toBe(2)
  await Promise.all([first.cancel(), second.cancel()])
})

it('all connections share one timer, and none is left when they are gone', async () => {
  const sse = createSse({ writeTimeout: false, maxConnections: 50 })
  const host = await fetchHost(sse)
  await sse.open('s')
  const before = vi.getTimerCount()
  const responses = await Promise.all(Array.from({ length: 50 }, () => host.ask('s')))
  expect(vi.getTimerCount()).toBe(before + 1)
  for (const response of responses) await response.body!.cancel()
  expect(vi.getTimerCount()).toBe(before)
})

it('§5.2 without periodic heartbeats the opening one says `interval: 0`', async () => {
  const sse = createSse({ heartbeatInterval: 0 })
  await sse.open('s')
  const reader = new Reader(await (await fetchHost(sse)).ask('s'))
  const [opening] = await reader.until(isType('heartbeat'))
  expect(JSON.parse(opening!.data).interval).toBe(0)
  await vi.advanceTimersByTimeAsync(100_000)
  expect(sse.metrics().heartbeats).toBe(0)
  await reader.cancel()
})

it('§5.2 heartbeats of a connection that is backed up are skipped, not queued', async () => {
  const sse = createSse({ writeTimeout: false })
  const stream = await sse.open('s')
  const reader = new Reader(await (await fetchHost(sse)).ask('s'))
  await stream.publish('tick', { n: 1, text: 'x'.repeat(60_000) })
  await turn()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(sse.metrics().heartbeats).toBe(0)
  await reader.until(isTick(1))
  await vi.advanceTimersByTimeAsync(15_000)
  expect(sse.metrics().heartbeats).toBe(1)
  await reader.cancel()
})
