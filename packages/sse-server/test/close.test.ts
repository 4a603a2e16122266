import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type EventLog, MemoryEventLog } from '../src/index.js'
import { createSse, eventually, fetchHost, hosts, isType, logged, Reader } from './harness.js'

afterEach(() => {
  vi.useRealTimers()
})

describe.each(hosts)('over %s', (_name, createHost) => {
  it('`close` tells readers to come back a little later and ends their responses', async () => {
    const sse = createSse({ retry: 2_000 })
    const host = await createHost(sse)
    const stream = await sse.open('s')
    const reader = new Reader(await host.ask('s'))
    await reader.until(isType('heartbeat'))
    const closed = sse.close()
    expect(sse.closing).toBe(true)
    expect(logged(await reader.rest())).toEqual([])
    expect(reader.parser.reconnectionTime).toBeGreaterThanOrEqual(2_000)
    expect(reader.parser.reconnectionTime).toBeLessThanOrEqual(6_000)
    await closed
    expect(stream.signal.reason).toMatchObject({ code: 'closing' })
    expect(sse.metrics()).toMatchObject({ connections: 0, streams: 0, closed: { closing: 1 } })
  })

  it('a server that closes refuses requests with 503 and Retry-After, and producers', async () => {
    const sse = createSse()
    const host = await createHost(sse)
    await sse.open('s')
    await sse.close()
    const response = await host.ask('s')
    expect([response.status, response.headers.has('retry-after')]).toEqual([503, true])
    expect(await response.json()).toMatchObject({ code: 'closing' })
    await expect(sse.open('t')).rejects.toMatchObject({ code: 'closing' })
  })

  it('a long poll that waits is answered at once', async () => {
    const sse = createSse()
    const host = await createHost(sse)
    await sse.open('s')
    const answer = host.ask('s', { headers: { Accept: 'application/json', Prefer: 'wait=30' } })
    await eventually(() => sse.metrics().connections === 1)
    await sse.close()
    expect(await (await answer).json()).toMatchObject({ events: [], done: false })
  })
})

it('a connection that does not take its end is destroyed after `drain`, and no socket is left', async () => {
  const sse = createSse({ writeTimeout: false, maxPayloadBytes: 2 ** 25 })
  const middleware = sse.middleware()
  let held: ServerResponse | undefined
  const server = createServer((incoming, response) => {
    held = response
    middleware(incoming, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => server.closeAllConnections())
  const stream = await sse.open('s')
  const client = request({ port: (server.address() as AddressInfo).port, path: '/s' })
  const response = await new Promise<IncomingMessage>((resolve) => {
    client.on('response', resolve)
    client.end()
  })
  response.pause()
  client.on('error', () => {})
  response.on('error', () => {})
  // More than the kernel takes, so that the end of the response waits behind it.
  await stream.publish('tick', { n: 0, text: 'x'.repeat(2 ** 24) })
  await eventually(() => held!.writableLength > 0)
  const { socket } = held!
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  let isClosed = false
  const closed = sse.close({ drain: 3_000 }).then(() => {
    isClosed = true
  })
  await vi.advanceTimersByTimeAsync(2_999)
  expect(isClosed).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  await closed
  expect(socket!.destroyed).toBe(true)
  await new Promise((resolve) => server.close(resolve))
  expect(sse.metrics().connections).toBe(0)
})

it('after `close` no timer is left', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval'] })
  const sse = createSse({ connectionMaxAge: 60_000 })
  const host = await fetchHost(sse)
  const [first] = await Promise.all(['a', 'b', 'c'].map((id) => sse.open(id)))
  await first!.end('done', { total: 0 })
  await sse.cancel('b')
  await host.ask('c')
  const poll = host.ask('c', { headers: { Accept: 'application/json', Prefer: 'wait=9' } })
  await eventually(() => sse.metrics().connections === 2)
  // Retention, grace, stream timeout, heartbeats, long poll, the age of the connection, and the write deadline of a body that nobody has read.
  expect(vi.getTimerCount()).toBe(7)
  await sse.close()
  await poll
  expect(vi.getTimerCount()).toBe(0)
})

it('a request that was being looked up when the server began to close is refused', async () => {
  let letIn = (_: boolean): void => {}
  const sse = createSse({
    log: new MemoryEventLog(),
    authorize: () =>
      new Promise((resolve) => {
        letIn = resolve
      }),
  })
  await sse.open('s')
  const answer = (await fetchHost(sse)).ask('s')
  await sse.close()
  letIn(true)
  expect((await answer).status).toBe(503)
  expect(sse.metrics().connections).toBe(0)
})

it('a request whose target was running when the server closed is refused', async () => {
  const sse = createSse({ log: new MemoryEventLog() })
  await sse.open('s')
  let start = (_: string): void => {}
  const answer = (await fetchHost(sse)).ask('s', {
    target: () =>
      new Promise((resolve) => {
        start = resolve
      }),
  })
  await sse.close()
  start('s')
  expect((await answer).status).toBe(503)
  expect(sse.metrics().connections).toBe(0)
})

it('a log that never answers does not keep the server from closing', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const log = new MemoryEventLog()
  const slow: EventLog = {
    open: (streamId) => log.open(streamId),
    append: (streamId, append) => log.append(streamId, append),
    read: (streamId, after, limits) =>
      sse.metrics().connections === 0 ? log.read(streamId, after, limits) : new Promise(() => {}),
    subscribe: (streamId, wake) => log.subscribe(streamId, wake),
    trim: () => {},
    delete: () => false,
  }
  const sse = createSse({ log: slow })
  await sse.open('s')
  void (await fetchHost(sse)).ask('s', { headers: { Accept: 'application/json', Prefer: 'wait=30' } })
  await eventually(() => sse.metrics().connections === 1)
  const closed = sse.close({ drain: 1_000 })
  await vi.advanceTimersByTimeAsync(1_000)
  await closed
})

it('`close` can be called twice', async () => {
  const sse = createSse()
  await Promise.all([sse.close(), sse.close()])
})
