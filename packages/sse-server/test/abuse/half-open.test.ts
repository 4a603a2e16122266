import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { SseServer } from '../../src/index.js'
import { createSse, isTick, isType, Reader, type TickEvents } from '../harness.js'
import { get, RawClient, serve, turn, until } from './harness.js'
import { NetworkNamespace, whyNoNamespace } from './network-namespace.js'

const reason = whyNoNamespace()
if (reason !== undefined) console.log(`The tests with a network namespace are skipped: ${reason}`)

afterEach(() => {
  vi.useRealTimers()
})

const text = 'x'.repeat(60_000)
const holdClock = (): unknown => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })

async function host(sse: SseServer<TickEvents>, address = '127.0.0.1') {
  const middleware = sse.middleware()
  const responses: ServerResponse[] = []
  const { port, sockets } = await serve(
    (incoming, response) => {
      responses.push(response)
      middleware(incoming, response)
    },
    {},
    { port: 0, host: address },
  )
  return { port, responses, sockets }
}

/** Asks for `/s` with the given headers, and reads whatever comes for as long as it lives. */
const reader = `
  const [host, port, headers] = process.argv.slice(1)
  require('node:http').get({ host, port, path: '/s', headers: JSON.parse(headers) }, (response) => response.resume())
`

describe.skipIf(reason !== undefined)('a peer whose network is gone', () => {
  async function vanishing(options: Parameters<typeof createSse>[0], ...headers: Record<string, string>[]) {
    const namespace = new NetworkNamespace()
    onTestFinished(() => namespace.close())
    const sse = createSse(options)
    const stream = await sse.open('s')
    const { port, responses, sockets } = await host(sse, '0.0.0.0')
    for (const each of headers) namespace.node(reader, namespace.address, String(port), JSON.stringify(each))
    await until('all peers are connected', () => sse.metrics().connections === headers.length)
    return { namespace, sse, stream, port, responses, sockets }
  }

  it('is cut at the write deadline once something is published, and delays nobody until then', async () => {
    const { namespace, sse, stream, port, responses } = await vanishing({ writeTimeout: 30_000 }, {})
    holdClock()
    const fast = new Reader(await fetch(`http://127.0.0.1:${port}/s`))
    await fast.until(isType('heartbeat'))
    namespace.pullCable()
    let n = 0
    while (!responses[0]!.writableNeedDrain) {
      await stream.publish('tick', { n, text })
      await fast.until(isTick(n++))
    }
    await vi.advanceTimersByTimeAsync(29_999)
    expect(sse.metrics()).toMatchObject({ connections: 2, closed: { write_timeout: 0, disconnected: 0 } })
    await vi.advanceTimersByTimeAsync(1)
    expect(sse.metrics()).toMatchObject({ connections: 1, closed: { write_timeout: 1, disconnected: 0 } })
    expect(responses[0]!.destroyed).toBe(true)
    await stream.publish('tick', { n })
    await fast.until(isTick(n))
  })

  it('gives its place back as a long poll after `maxWait`', async () => {
    holdClock()
    const poll = { Accept: 'application/json', Prefer: 'wait=600' }
    const { namespace, sse } = await vanishing({ maxWait: 60_000 }, poll)
    namespace.pullCable()
    await vi.advanceTimersByTimeAsync(59_999)
    expect(sse.metrics().connections).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    await until('the place is free', () => sse.metrics().connections === 0)
  })

  it('is found at `connectionMaxAge` where only heartbeats are sent, which fit into the buffers of the kernel', async () => {
    holdClock()
    const { namespace, sse } = await vanishing({ connectionMaxAge: 300_000, writeTimeout: 30_000 }, {})
    namespace.pullCable()
    await vi.advanceTimersByTimeAsync(200_000)
    expect(sse.metrics().connections).toBe(1)
    expect(sse.metrics().heartbeats).toBeGreaterThan(10)
    await vi.advanceTimersByTimeAsync(100_000)
    await until('the place is free', () => sse.metrics().connections === 0)
  })

  it('gives its place back at the end of the stream, and does not keep the server from closing', async () => {
    const { namespace, sse, stream } = await vanishing({}, {}, {})
    const other = await sse.open('t')
    namespace.pullCable()
    await stream.end('done', { total: 0 })
    await until('the places are free', () => sse.metrics().connections === 0)
    expect(sse.metrics().closed.ended).toBe(2)
    await sse.close({ drain: 0 })
    expect(other.signal.aborted).toBe(true)
  })
})

it('a peer that is paused is cut at the write deadline, its socket with it, and what it did not take is let go', async () => {
  holdClock()
  const sse = createSse({ writeTimeout: 30_000, heartbeatInterval: 5_000 })
  const stream = await sse.open('s')
  const { port, responses, sockets } = await host(sse)
  const peer = request({ port, path: '/s' })
  peer.on('error', () => {})
  const incoming = await new Promise<IncomingMessage>((resolve) => {
    peer.on('response', resolve)
    peer.end()
  })
  let isCut = false
  incoming.on('error', () => {})
  incoming.on('close', () => {
    isCut = true
  })
  incoming.pause()
  const [response] = responses
  for (let n = 0; !response!.writableNeedDrain; n++) {
    await stream.publish('tick', { n, text })
    await turn()
  }
  const beats = sse.metrics().heartbeats
  await vi.advanceTimersByTimeAsync(29_999)
  // Heartbeats are skipped while it is backed up, so they keep nothing alive.
  expect(sse.metrics()).toMatchObject({ connections: 1, heartbeats: beats })
  await vi.advanceTimersByTimeAsync(1)
  expect(sse.metrics()).toMatchObject({ connections: 0, closed: { write_timeout: 1 } })
  await until('the socket is gone', () => sockets.size === 0)
  expect(response!.writableLength).toBe(0)
  incoming.resume()
  await until('the peer knows', () => isCut)
})

it('peers that are silent after the headers of a request take no place', async () => {
  const sse = createSse({ maxConnections: 1 })
  await sse.open('s')
  const { port, sockets } = await host(sse)
  for (let n = 0; n < 50; n++) new RawClient(port, get('/s').slice(0, -2))
  await until('all are connected', () => sockets.size === 50)
  const last = new RawClient(port, get('/s'))
  await last.until('event: heartbeat')
  expect(sse.metrics()).toMatchObject({ connections: 1, opened: 1, refused: { full: 0 } })
})
