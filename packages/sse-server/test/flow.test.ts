import { type IncomingMessage, request } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createSse, eventually, fetchHost, hosts, httpHost, isTick, isType, logged, Reader } from './harness.js'

afterEach(() => {
  vi.useRealTimers()
})

const large = 'x'.repeat(60_000)
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe.each(hosts)('over %s', (_name, createHost) => {
  it('events of one turn come in one piece, awaited or not', async () => {
    const sse = createSse()
    const stream = await sse.open('s')
    const reader = new Reader(await (await createHost(sse)).ask('s'))
    await reader.until(isType('heartbeat'))
    const chunks = reader.chunks
    for (let n = 0; n < 10; n++) await stream.publish('tick', { n })
    await reader.until(isTick(9))
    expect(reader.chunks).toBe(chunks + 1)
    await reader.cancel()
  })

  it('a disconnect ends the connection and nothing else', async () => {
    const sse = createSse()
    const stream = await sse.open('s')
    const host = await createHost(sse)
    const abort = new AbortController()
    const reader = new Reader(await host.ask('s', { signal: abort.signal }))
    await reader.until(isType('heartbeat'))
    abort.abort()
    await expect(reader.rest()).rejects.toThrow()
    await eventually(() => sse.metrics().connections === 0)
    expect(sse.metrics().closed).toMatchObject({ disconnected: 1 })
    expect(stream.signal.aborted).toBe(false)
    await stream.publish('tick', { n: 1 })
    await stream.end('done', { total: 1 })
    expect(logged(await new Reader(await host.ask('s')).rest())).toHaveLength(2)
  })

  it('a reader that takes nothing delays no other', async () => {
    const sse = createSse()
    const stream = await sse.open('s')
    const host = await createHost(sse)
    const stalled = await host.ask('s')
    const fast = new Reader(await host.ask('s'))
    await fast.until(isType('heartbeat'))
    for (let n = 0; n < 200; n++) {
      await stream.publish('tick', { n, text: large })
      // Each one arrives before the next is published.
      await fast.until(isTick(n))
    }
    await stream.end('done', { total: 200 })
    expect(logged(await fast.rest())).toHaveLength(201)
    await stalled.body!.cancel()
  })
})

it('the bytes that wait for a stalled reader are bounded, whatever is published', async () => {
  const sse = createSse()
  const stream = await sse.open('s')
  const host = await httpHost(sse)
  const client = request(`${host.origin}/s`)
  const incoming = await new Promise<IncomingMessage>((resolve) => {
    client.on('response', resolve)
    client.end()
  })
  incoming.pause()
  let most = 0
  for (let n = 0; n < 300; n++) {
    await stream.publish('tick', { n, text: large })
    await turn()
    most = Math.max(most, host.responses[0]!.writableLength)
  }
  expect(most).toBeGreaterThan(16_384)
  expect(most).toBeLessThan(2 * 65_536 + 4_096)
  client.destroy()
  await eventually(() => sse.metrics().connections === 0)
})

it('every connection is given the same bytes', async () => {
  const sse = createSse()
  const stream = await sse.open('s')
  const host = await fetchHost(sse)
  const bodies = await Promise.all([1, 2, 3].map(async () => (await host.ask('s')).body!.getReader()))
  for (const body of bodies) await body.read()
  await stream.publish('tick', { n: 1 })
  const single = await Promise.all(bodies.map(async (body) => (await body.read()).value))
  expect(single[1]).toBe(single[0])
  expect(single[2]).toBe(single[0])
  await Promise.all([stream.publish('tick', { n: 2 }), stream.publish('tick', { n: 3 })])
  const several = await Promise.all(bodies.map(async (body) => (await body.read()).value))
  expect(several[2]).toBe(several[0])
  await Promise.all(bodies.map((body) => body.cancel()))
})

it('a connection that takes nothing for `writeTimeout` is cut, and its place is free', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  const sse = createSse({ writeTimeout: 30_000, maxConnections: 1, heartbeatInterval: false })
  const stream = await sse.open('s')
  const host = await fetchHost(sse)
  const response = await host.ask('s')
  await stream.publish('tick', { n: 1, text: large })
  await turn()
  await vi.advanceTimersByTimeAsync(29_999)
  expect(sse.metrics().connections).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(sse.metrics()).toMatchObject({ connections: 0, closed: { write_timeout: 1 } })
  await expect(response.text()).rejects.toThrow()
})

it('a reader that takes what is written in time is never cut, however long it lasts', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  const sse = createSse({ writeTimeout: 30_000, heartbeatInterval: false })
  const stream = await sse.open('s')
  const reader = new Reader(await (await fetchHost(sse)).ask('s'))
  for (let n = 0; n < 5; n++) {
    await stream.publish('tick', { n, text: large })
    await turn()
    await vi.advanceTimersByTimeAsync(29_000)
    await reader.until(isTick(n))
  }
  expect(sse.metrics().connections).toBe(1)
  await reader.cancel()
})

it('a client that left before it was admitted takes no place', async () => {
  let letIn = (_: boolean): void => {}
  const sse = createSse({
    authorize: () =>
      new Promise((resolve) => {
        letIn = resolve
      }),
  })
  await sse.open('s')
  const host = await httpHost(sse)
  const abort = new AbortController()
  const response = host.ask('s', { signal: abort.signal })
  await eventually(() => host.responses.length === 1)
  abort.abort()
  await expect(response).rejects.toThrow()
  await eventually(() => host.responses[0]!.destroyed || host.responses[0]!.closed)
  letIn(true)
  await turn()
  expect(sse.metrics()).toMatchObject({ connections: 0, opened: 0 })
})

it('a client that does not take the end of a stream is cut after `writeTimeout` too', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const sse = createSse({ maxPayloadBytes: 2 ** 25, writeTimeout: 30_000 })
  const stream = await sse.open('s')
  const host = await httpHost(sse)
  const client = request(`${host.origin}/s`)
  client.on('error', () => {})
  const incoming = await new Promise<IncomingMessage>((resolve) => {
    client.on('response', resolve)
    client.end()
  })
  incoming.on('error', () => {})
  incoming.pause()
  // The last event alone is more than the kernel takes.
  await stream.end('failed', { code: 'x', message: 'x'.repeat(2 ** 24) })
  await eventually(() => host.responses[0]!.writableEnded)
  await vi.advanceTimersByTimeAsync(29_999)
  expect(sse.metrics().connections).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(sse.metrics()).toMatchObject({ connections: 0, closed: { write_timeout: 1 } })
  client.destroy()
})
