import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { MemoryEventLog, type SseServer } from '../src/index.js'
import { createSse, eventually, httpHost, isTick, Reader, type TickEvents } from './harness.js'

/** What a server tells its listeners, in order. */
function listenTo(sse: SseServer<TickEvents>) {
  const told: Record<string, unknown>[] = []
  for (const type of ['open', 'close', 'refuse', 'gap'] as const) {
    sse.addEventListener(type, (event) => {
      const facts = Object.fromEntries(Object.entries(event).filter(([key]) => key !== 'isTrusted'))
      told.push({ type, ...facts })
    })
  }
  return told
}

it('tells of each connection how much it replays, and at its end why, and how far it came', async () => {
  const sse = createSse()
  const told = listenTo(sse)
  const stream = await sse.open('s')
  for (const n of [1, 2, 3]) await stream.publish('tick', { n })
  const host = await httpHost(sse)
  const response = await host.ask('s', { headers: { 'Last-Event-ID': `${stream.epoch}-1` } })
  await stream.publish('tick', { n: 4 })
  await stream.end('done', { total: 4 })
  await new Reader(response).rest()
  await eventually(() => told.length === 2)
  expect(told[0]).toEqual({ type: 'open', streamId: 's', replay: 2 })
  expect(told[1]).toMatchObject({ type: 'close', streamId: 's', reason: 'ended', events: 4, lag: 0 })
  expect(told[1]!.durationMs).toBeGreaterThan(0)
})

it('tells of gaps, and counts only what the log still holds as a replay', async () => {
  const sse = createSse({ log: new MemoryEventLog({ maxEvents: 2 }) })
  const told = listenTo(sse)
  const stream = await sse.open('s')
  for (const n of [1, 2, 3, 4, 5]) await stream.publish('tick', { n })
  const reader = new Reader(await (await httpHost(sse)).ask('s', { headers: { 'Last-Event-ID': `${stream.epoch}-1` } }))
  await reader.until(isTick(5))
  expect(told[0]).toEqual({ type: 'open', streamId: 's', replay: 2 })
  expect(told[1]).toMatchObject({ type: 'gap', streamId: 's', gap: { reason: 'evicted', missed: 2 } })
  await reader.cancel()
})

it('tells of a reader that is ahead of the log how much it is sent all the same', async () => {
  const sse = createSse()
  const told = listenTo(sse)
  const stream = await sse.open('s')
  for (const n of [1, 2, 3]) await stream.publish('tick', { n })
  const reader = new Reader(
    await (await httpHost(sse)).ask('s', { headers: { 'Last-Event-ID': `${stream.epoch}-100` } }),
  )
  await reader.until(isTick(3))
  expect(told[0]).toEqual({ type: 'open', streamId: 's', replay: 3 })
  await reader.cancel()
})

it('tells of requests that get no place', async () => {
  const sse = createSse({ maxConnections: 1 })
  const told = listenTo(sse)
  await sse.open('s')
  const host = await httpHost(sse)
  const reader = new Reader(await host.ask('s'))
  expect((await host.ask('s')).status).toBe(503)
  expect(told.at(-1)).toEqual({ type: 'refuse', reason: 'full' })
  await reader.cancel()
})

it('shows how far the slowest reader is behind, what waits for it, and the heartbeats that were left out', async () => {
  const sse = createSse({ heartbeatInterval: 20 })
  const told = listenTo(sse)
  const stream = await sse.open('s')
  const host = await httpHost(sse)
  const fast = new Reader(await host.ask('s'))
  const slow = connect(Number(new URL(host.origin).port), '127.0.0.1')
  slow.write('GET /s HTTP/1.1\r\nHost: localhost\r\n\r\n')
  slow.pause()
  await eventually(() => sse.metrics().opened === 2)
  let n = 0
  while (sse.metrics().bytesPending === 0 || sse.metrics().maxLag < 5) {
    n += 1
    await stream.publish('tick', { n, text: 'x'.repeat(50_000) })
    await fast.until(isTick(n))
  }
  await eventually(() => sse.metrics().heartbeatsSkipped > 0)
  const { maxLag, bytesPending } = sse.metrics()
  // One page at most, and what Node adds to it.
  expect(bytesPending).toBeLessThan(200_000)
  slow.destroy()
  await eventually(() => told.some(({ type }) => type === 'close'))
  const close = told.find(({ type }) => type === 'close')!
  expect(close).toMatchObject({ reason: 'disconnected', lag: maxLag })
  expect(close.events).toBe(n - maxLag)
  expect(sse.metrics()).toMatchObject({ maxLag: 0, bytesPending: 0, published: n, delivered: 2 * n - maxLag })
  await fast.cancel()
})
