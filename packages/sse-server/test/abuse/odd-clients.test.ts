import type { IncomingMessage, ServerResponse } from 'node:http'
import { EventStreamParser } from '@x/sse-protocol'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createSse, logged } from '../harness.js'
import { get, RawClient, serve, turn, until } from './harness.js'

afterEach(() => {
  vi.useRealTimers()
})

async function host(options: Parameters<typeof createSse>[0] = {}) {
  const sse = createSse(options)
  const stream = await sse.open('s')
  const middleware = sse.middleware()
  const responses: ServerResponse[] = []
  const { port, sockets } = await serve((request, response) => {
    responses.push(response)
    middleware(request, response)
  })
  return { sse, stream, port, sockets, responses }
}

/** The body of a response without chunks. */
const bodyOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4)
/** Bodies of responses in chunks, one after the other, as long as the chunks are smaller than 64 KiB. */
const joinChunks = (text: string): string => text.replace(/(?:^|\r\n)[0-9a-f]{1,4}\r\n/g, '')
const idsOf = (body: string): string[] => logged(new EventStreamParser().push(body)).map(({ id }) => id)

describe('a client of HTTP/1.0', () => {
  it.each([
    ['says no more', []],
    ['asks to keep the connection', ['Connection: keep-alive']],
  ])('that %s gets each event at once, no chunks, and the end of the connection', async (_name, headers) => {
    const { sse, stream, port, sockets } = await host()
    const client = new RawClient(port, get('/s', headers, '1.0'))
    await client.until('event: heartbeat')
    for (let n = 1; n <= 20; n++) {
      await stream.publish('tick', { n })
      await client.until(`{"n":${n}}\n\n`)
    }
    await stream.end('done', { total: 20 })
    await client.closed()
    expect(client.text.split('\r\n\r\n')[0]!.toLowerCase()).not.toContain('transfer-encoding')
    expect(idsOf(bodyOf(client.text))).toHaveLength(21)
    await until('nothing is left', () => sse.metrics().connections === 0 && sockets.size === 0)
  })

  it('gets a page of JSON, a 204 and a problem whole, and then the end of the connection', async () => {
    const { stream, port } = await host()
    await stream.end('done', { total: 0 })
    const ask = async (path: string, headers: readonly string[] = []): Promise<[status: string, body: string]> => {
      const client = new RawClient(port, get(path, headers, '1.0'))
      await client.closed()
      return [client.text.slice(9, 12), bodyOf(client.text)]
    }
    const page = await ask('/s', ['Accept: application/json'])
    const problem = await ask('/nobody')
    expect([page[0], JSON.parse(page[1]).done]).toEqual(['200', true])
    expect(await ask('/s', [`Last-Event-ID: ${stream.head}`])).toEqual(['204', ''])
    expect([problem[0], JSON.parse(problem[1]).code]).toEqual(['404', 'unknown_stream'])
  })
})

it('with `Connection: close` the events come in chunks and the connection ends after them', async () => {
  const { sse, stream, port, sockets } = await host()
  const client = new RawClient(port, get('/s', ['Connection: close']))
  await client.until('event: heartbeat')
  await stream.publish('tick', { n: 1 })
  await client.until('{"n":1}')
  await stream.end('done', { total: 1 })
  await client.closed()
  expect(client.text).toMatch(/\r\nTransfer-Encoding: chunked\r\n/i)
  expect(client.text.endsWith('\r\n0\r\n\r\n')).toBe(true)
  expect(idsOf(joinChunks(bodyOf(client.text)))).toHaveLength(2)
  await until('nothing is left', () => sse.metrics().connections === 0 && sockets.size === 0)
})

describe('a client that pipelines', () => {
  it('gets every answer in its order: an ended stream, a page, a 204, a 404, and a live stream last', async () => {
    const { sse, stream, port } = await host()
    await stream.publish('tick', { n: 1 })
    const ended = await sse.open('ended')
    await ended.end('done', { total: 7 })
    const client = new RawClient(
      port,
      get('/ended') +
        get('/s', ['Accept: application/json']) +
        get('/ended', [`Last-Event-ID: ${ended.head}`]) +
        get('/nobody') +
        get('/s'),
    )
    await client.until('{"n":1}\n\n')
    expect(client.text.match(/HTTP\/1\.1 \d+/g)).toEqual(
      [200, 200, 204, 404, 200].map((status) => `HTTP/1.1 ${status}`),
    )
    for (let n = 2; n <= 5; n++) {
      await stream.publish('tick', { n })
      await client.until(`{"n":${n}}\n\n`)
    }
    expect(sse.metrics().connections).toBe(1)
  })

  it('behind a live stream takes no more places than there are, and none once it is gone', async () => {
    const { sse, port } = await host({ maxConnections: 10 })
    const client = new RawClient(port, get('/s').repeat(1_000))
    await client.until('event: heartbeat')
    await until('the limit is reached', () => sse.metrics().refused.full > 0)
    expect(sse.metrics().connections).toBe(10)
    client.socket.resetAndDestroy()
    await until('every place is free', () => sse.metrics().connections === 0)
  })
})

describe('a client that sends garbage after its request', () => {
  it.each([
    ['bytes that are no HTTP', Buffer.from(Array.from({ length: 5_000 }, (_, n) => (n * 37) % 256))],
    ['a request that breaks off', Buffer.from('GET /s HT')],
    ['a request without an end', Buffer.from(`GET /s HTTP/1.1\r\nX: ${'x'.repeat(100_000)}`)],
    ['a TLS greeting', Buffer.from('16030100f0010000ec0303', 'hex')],
    ['line breaks', Buffer.from('\r\n'.repeat(10_000))],
  ])('is served or cut, and its place is free when it leaves: %s', async (_name, garbage) => {
    const { sse, stream, port, sockets } = await host()
    const other = new RawClient(port, get('/s'))
    const client = new RawClient(port, get('/s'))
    await client.until('event: heartbeat')
    client.socket.write(garbage)
    for (let n = 0; n < 5; n++) {
      await stream.publish('tick', { n })
      await other.until(`{"n":${n}}\n\n`)
    }
    client.socket.destroy()
    await until('its place is free', () => sse.metrics().connections === 1 && sockets.size === 1)
    // No answer of the other holds a byte of it.
    expect(idsOf(joinChunks(bodyOf(`${other.text}0\r\n\r\n`)))).toHaveLength(5)
  })

  // node:http stops to read from such a socket, so it is a heartbeat or two that find out that the client has left.
  it.each([
    ['with its length', `Content-Length: ${2 ** 30}`, 'destroy'],
    ['with its length', `Content-Length: ${2 ** 30}`, 'resetAndDestroy'],
    ['in chunks', 'Transfer-Encoding: chunked', 'destroy'],
    ['in chunks', 'Transfer-Encoding: chunked', 'resetAndDestroy'],
  ] as const)(
    'as a body that nobody reads, %s, is served, costs no memory, and its place is free after two heartbeats (%s, %s)',
    async (_name, header, leave) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
      const { sse, stream, port, sockets } = await host({ heartbeatInterval: 15_000 })
      const client = new RawClient(port, get('/s', [header]))
      await client.until('event: heartbeat')
      const piece = Buffer.alloc(65_536, 'x')
      const chunk = Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')])
      // Far more than the kernel takes.
      for (let sent = 0; sent < 500; sent++) client.socket.write(header.startsWith('C') ? piece : chunk)
      await stream.publish('tick', { n: 1 })
      await client.until('{"n":1}\n\n')
      const [socket] = sockets
      expect(socket!.bytesRead).toBeLessThan(1_000_000)
      client.socket[leave]()
      await client.closed()
      for (let beat = 0; beat < 2 && sse.metrics().connections > 0; beat++) {
        const { heartbeats } = sse.metrics()
        await vi.advanceTimersByTimeAsync(15_000)
        expect(sse.metrics().heartbeats).toBe(heartbeats + 1)
        for (let count = 0; count < 100; count++) await turn()
      }
      await until('its place is free', () => sse.metrics().connections === 0)
    },
  )
})

it('a client that says it is done sending is gone', async () => {
  const { sse, stream, port } = await host()
  const client = new RawClient(port, get('/s'))
  await client.until('event: heartbeat')
  client.socket.end()
  await client.closed()
  await until('its place is free', () => sse.metrics().connections === 0)
  expect(stream.signal.aborted).toBe(false)
})

it.each([
  ['an upgrade', ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: x']],
  [
    'HTTP/2 without TLS',
    ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA'],
  ],
  ['to be told to go on', ['Expect: 100-continue']],
  ['a part of it', ['Range: bytes=0-10', 'If-Range: "x"']],
  ['only what has changed', ['If-None-Match: *', 'If-Modified-Since: Sat, 21 Nov 2026 00:00:00 GMT']],
  ['it compressed', ['Accept-Encoding: gzip, br, zstd', 'TE: gzip, trailers']],
])('a client that asks for %s gets the stream as it is', async (_name, headers) => {
  const { stream, port } = await host()
  const client = new RawClient(port, get('/s', headers))
  await client.until('event: heartbeat')
  await stream.publish('tick', { n: 1 })
  await client.until('{"n":1}\n\n')
  expect(client.text.replace('HTTP/1.1 100 Continue\r\n\r\n', '')).toMatch(/^HTTP\/1\.1 200 /)
  expect(client.text.toLowerCase()).not.toMatch(/content-encoding|content-range|etag/)
})

it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND', 'M-SEARCH'])(
  '%s is a 405 that names what is allowed',
  async (method) => {
    const { sse, port } = await host()
    const client = new RawClient(port, get('/s', ['Connection: close']).replace('GET', method))
    await client.closed()
    expect(client.text).toMatch(/^HTTP\/1\.1 405 [\s\S]*\r\nAllow: GET, HEAD, OPTIONS\r\n/)
    expect(sse.metrics()).toMatchObject({ connections: 0, opened: 0 })
  },
)

it('headers that are slow to come are node:http’s to bound: no handler is asked, and no place is taken', async () => {
  const sse = createSse()
  await sse.open('s')
  let asked = 0
  const { server, port } = await serve(
    (request: IncomingMessage, response) => {
      asked += 1
      sse.middleware()(request, response)
    },
    { headersTimeout: 200, requestTimeout: 200, connectionsCheckingInterval: 50 },
  )
  const client = new RawClient(port, 'GET /s HTTP/1.1\r\nHost: x\r\nX-Slow: ')
  await client.closed()
  expect(client.text).toMatch(/^HTTP\/1\.1 408 /)
  expect([asked, sse.metrics().opened, server.listening]).toEqual([0, 0, true])
})
