import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect as connectSocket, type Socket } from 'node:net'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { EventLog, SseServer } from '../src/index.js'
import { MemoryEventLog } from '../src/index.js'
import { createSse, eventually, fetchHost, hosts, httpHost, listen, type TickEvents } from './harness.js'

afterEach(() => {
  vi.useRealTimers()
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const poll = { Accept: 'application/json', Prefer: 'wait=30' }

/** A server whose answer to `/slow` is held, and a socket on which requests can be pipelined behind it. */
async function pipelined(sse: SseServer<TickEvents>, requests: string) {
  const middleware = sse.middleware()
  let slow: ServerResponse | undefined
  const sockets = new Set<Socket>()
  const origin = await listen((request: IncomingMessage, response: ServerResponse) => {
    sockets.add(request.socket)
    if (request.url === '/slow') slow = response
    else middleware(request, response)
  })
  const client = connectSocket(Number(new URL(origin).port), '127.0.0.1')
  onTestFinished(() => {
    client.destroy()
  })
  client.on('error', () => {})
  client.write(`POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n${requests}`)
  await eventually(() => slow !== undefined)
  return { client, slow: slow!, socket: [...sockets][0]! }
}

const get = (headers = ''): string => `GET /s HTTP/1.1\r\nHost: x\r\n${headers}\r\n`

describe('requests that are pipelined behind one that is not answered', () => {
  it('give the places of event streams back when the socket closes', async () => {
    const headers = ''
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => {
      warnings.push(warning)
    }
    process.on('warning', onWarning)
    onTestFinished(() => {
      process.off('warning', onWarning)
    })
    const sse = createSse({ writeTimeout: false })
    await sse.open('s')
    const { client, socket } = await pipelined(sse, get(headers).repeat(100))
    await eventually(() => sse.metrics().connections === 100)
    expect(socket.listenerCount('close')).toBeLessThan(10)
    // With this one node:http would stop to read from the socket, had the hundred answers been buffered.
    client.write(get(headers))
    await eventually(() => sse.metrics().refused.full === 1)
    client.destroy()
    await eventually(() => sse.metrics().connections === 0)
    await turn()
    expect(warnings).toEqual([])
  })

  it.each([
    ['pages', 'Accept: application/json\r\n'],
    ['long polls', 'Accept: application/json\r\nPrefer: wait=60\r\n'],
  ])(
    'for %s take no place and read nothing before their turn, so that unread ones cost no memory',
    async (_name, headers) => {
      const log = new MemoryEventLog()
      const sse = createSse({ log })
      const stream = await sse.open('s')
      await stream.publish('tick', { n: 1, text: 'x'.repeat(60_000) })
      const reads = vi.spyOn(log, 'read')
      const { client, slow, socket } = await pipelined(sse, get(headers).repeat(50))
      let text = ''
      client.on('data', (data) => {
        text += data
      })
      for (let count = 0; count < 50; count += 1) await turn()
      expect([reads.mock.calls.length, sse.metrics().connections]).toEqual([0, 0])
      slow.end()
      // Sixteen may wait; those beyond are told so, in their turn.
      await eventually(() => text.split('HTTP/1.1 ').length === 52)
      expect(text.match(/HTTP\/1\.1 [0-9]+/g)).toEqual([
        ...Array.from({ length: 17 }, () => 'HTTP/1.1 200'),
        ...Array.from({ length: 34 }, () => 'HTTP/1.1 429'),
      ])
      expect(text).toContain('"too_many_pipelined"')
      expect(sse.metrics()).toMatchObject({ pages: 16, connections: 0 })
      text = ''
      client.write(get(headers))
      await eventually(() => text.includes('HTTP/1.1 200'))
      client.destroy()
      await eventually(() => socket.destroyed)
    },
  )

  it('are not made for a client that has gone', async () => {
    const log = new MemoryEventLog()
    const sse = createSse({ log })
    const stream = await sse.open('s')
    await stream.publish('tick', { n: 1 })
    const { client, socket } = await pipelined(sse, get('Accept: application/json\r\n').repeat(16))
    const reads = vi.spyOn(log, 'read')
    client.destroy()
    await eventually(() => socket.destroyed)
    for (let count = 0; count < 50; count += 1) await turn()
    expect([reads.mock.calls.length, sse.metrics().pages]).toEqual([0, 0])
  })

  it('take no place when the socket is closed before they are looked at', async () => {
    let letIn = (_: boolean): void => {}
    const sse = createSse({
      authorize: () =>
        new Promise((resolve) => {
          letIn = resolve
        }),
    })
    await sse.open('s')
    const { client, socket } = await pipelined(sse, get())
    client.destroy()
    await eventually(() => socket.closed)
    letIn(true)
    await turn()
    expect(sse.metrics()).toMatchObject({ connections: 0, opened: 0 })
  })

  it('are given all that was published meanwhile once their turn comes', async () => {
    const sse = createSse()
    const stream = await sse.open('s')
    const { client, slow } = await pipelined(sse, get().repeat(2))
    await eventually(() => sse.metrics().connections === 2)
    for (let n = 0; n < 20; n++) await stream.publish('tick', { n, text: 'x'.repeat(10_000) })
    await turn()
    expect(slow.socket!.writableLength).toBe(0)
    await stream.end('done', { total: 20 })
    slow.end()
    let text = ''
    for await (const chunk of client) {
      text += chunk
      if (text.split('event: done').length === 3 && text.endsWith('0\r\n\r\n')) break
    }
    expect([...text.matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n))).toEqual(
      [1, 2].flatMap(() => Array.from({ length: 20 }, (_, n) => n)),
    )
    expect(text.match(/^retry: /gm)).toHaveLength(2)
    await eventually(() => sse.metrics().connections === 0)
  })

  it('are cut after `writeTimeout`, since nothing that was written to them has gone anywhere', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const sse = createSse({ writeTimeout: 30_000, heartbeatInterval: false })
    await sse.open('s')
    const { slow, client } = await pipelined(sse, get())
    await eventually(() => sse.metrics().connections === 1)
    await vi.advanceTimersByTimeAsync(29_999)
    expect(sse.metrics().connections).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(sse.metrics()).toMatchObject({ connections: 0, closed: { write_timeout: 1 } })
    slow.end('slow')
    let text = ''
    await new Promise<void>((resolve) => {
      client.on('data', (chunk) => {
        text += chunk
      })
      client.on('close', () => resolve())
    })
    expect(text).not.toContain('event-stream')
  })
})

it('a socket that stays open keeps no listener of a request that is over', async () => {
  const sse = createSse()
  const stream = await sse.open('s')
  await stream.end('done', { total: 0 })
  const { client, slow, socket } = await pipelined(sse, '')
  slow.end()
  const before = socket.listenerCount('close')
  let text = ''
  client.on('data', (chunk) => {
    text += chunk
  })
  for (let n = 1; n <= 3; n++) {
    client.write(get())
    await eventually(() => text.split('event: done').length === n + 1 && text.endsWith('0\r\n\r\n'))
  }
  await eventually(() => socket.listenerCount('close') <= before)
  expect(socket.destroyed).toBe(false)
})

describe.each(hosts)('over %s, of a client that leaves', (_name, createHost) => {
  it.each([
    ['an event stream', {}],
    ['a long poll', poll],
  ])('the place is free at once while the target of %s runs, and is not taken again', async (_kind, headers) => {
    const sse = createSse({ writeTimeout: false })
    const host = await createHost(sse)
    await sse.open('s')
    let start = (_: string): void => {}
    const abort = new AbortController()
    const target = (): Promise<string> =>
      new Promise((resolve) => {
        start = resolve
      })
    const answer = host.ask('s', { headers, signal: abort.signal, target }).catch(() => {})
    await eventually(() => sse.metrics().connections === 1)
    abort.abort()
    await eventually(() => sse.metrics().connections === 0)
    start('s')
    await answer
    await turn()
    expect(sse.metrics()).toMatchObject({ connections: 0, opened: 0 })
  })

  it('the place is free also while `authorize` or the log never answers', async () => {
    const memory = new MemoryEventLog()
    let isStuck = false
    const log: EventLog = {
      open: (streamId) => memory.open(streamId),
      append: (streamId, append) => memory.append(streamId, append),
      read: (streamId, after, limits) => (isStuck ? new Promise(() => {}) : memory.read(streamId, after, limits)),
      subscribe: (streamId, wake) => {
        isStuck = true
        return memory.subscribe(streamId, wake)
      },
      trim: () => {},
      delete: () => false,
    }
    const sse = createSse({ log, authorize: (_request, streamId) => streamId !== 'stuck' || new Promise(() => {}) })
    const host = await createHost(sse)
    await sse.open('s')
    for (const ask of [{ target: () => 'stuck' }, { target: () => 's', headers: poll }, { target: 's' }]) {
      isStuck = false
      const abort = new AbortController()
      host.ask('s', { ...ask, signal: abort.signal }).catch(() => {})
      await eventually(() => sse.metrics().connections === 1)
      abort.abort()
      await eventually(() => sse.metrics().connections === 0)
    }
  })
})

it('over HTTP/2 the place is free at once while the target runs, and other requests of the session go on', async () => {
  const sse = createSse({ writeTimeout: false })
  await sse.open('s')
  let start = (_: string): void => {}
  const target = (): Promise<string> =>
    new Promise((resolve) => {
      start = resolve
    })
  const server = createHttp2Server((request, response) => {
    void sse.handle(request, response, request.url === '/late' ? target : 's')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(async () => {
    session.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  session.request({ ':path': '/s' })
  const late = session.request({ ':path': '/late' })
  await eventually(() => sse.metrics().connections === 2)
  late.close()
  await eventually(() => sse.metrics().connections === 1)
  start('s')
  await turn()
  expect(sse.metrics()).toMatchObject({ connections: 1, opened: 1 })
  session.destroy()
  await eventually(() => sse.metrics().connections === 0)
})

it('a Response whose body nobody reads runs into `writeTimeout`', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const sse = createSse({ writeTimeout: 30_000, heartbeatInterval: false })
  await sse.open('s')
  await (await fetchHost(sse)).ask('s')
  await vi.advanceTimersByTimeAsync(30_000)
  expect(sse.metrics()).toMatchObject({ connections: 0, closed: { write_timeout: 1 } })
})

it('a Request whose target threw keeps no listener', async () => {
  const sse = createSse()
  const request = new Request('http://localhost/s')
  let listening = 0
  const { signal } = request
  const add = signal.addEventListener.bind(signal)
  vi.spyOn(signal, 'addEventListener').mockImplementation((type, listener, options) => {
    listening += 1
    const until = typeof options === 'object' ? options.signal : undefined
    until?.addEventListener('abort', () => {
      listening -= 1
    })
    add(type, listener!, options)
  })
  await expect(
    sse.fetch(request, () => {
      throw new Error('no run')
    }),
  ).rejects.toThrow('no run')
  expect([listening, sse.metrics().connections]).toEqual([0, 0])
})

describe.each(hosts)('over %s', (_name, createHost) => {
  it('a log that cannot be subscribed to is a 500, and leaves nothing behind', async () => {
    const memory = new MemoryEventLog()
    const sse = createSse({
      log: {
        open: (streamId) => memory.open(streamId),
        append: (streamId, append) => memory.append(streamId, append),
        read: (streamId, after, limits) => memory.read(streamId, after, limits),
        subscribe: () => {
          throw new Error('no subscription')
        },
        trim: () => {},
        delete: () => false,
      },
    })
    await sse.open('s')
    const host = await createHost(sse)
    const abort = new AbortController()
    const response = await host.ask('s', { signal: abort.signal })
    expect(response.status).toBe(500)
    await response.text()
    abort.abort()
    await turn()
    expect(sse.metrics()).toMatchObject({ connections: 0, opened: 0 })
  })
})

it('a header that cannot be sent leaves no subscription behind', async () => {
  const log = new MemoryEventLog()
  let subscribed = 0
  const sse = createSse({
    log: {
      open: (streamId) => log.open(streamId),
      append: (streamId, append) => log.append(streamId, append),
      read: (streamId, after, limits) => log.read(streamId, after, limits),
      subscribe: (streamId, wake) => {
        subscribed += 1
        const leave = log.subscribe(streamId, wake)
        return () => {
          subscribed -= 1
          leave()
        }
      },
      trim: () => {},
      delete: () => false,
    },
  })
  await sse.open('s')
  const origin = await listen((request, response) => {
    void sse.handle(request, response, 's', { headers: { 'X-Bad': 'a\nb' } })
  })
  expect((await fetch(origin)).status).toBe(500)
  const overFetch = await sse.fetch(new Request('http://localhost/s'), 's', { headers: { 'X-Bad': 'a\nb' } })
  expect(overFetch.status).toBe(500)
  expect([subscribed, sse.metrics().connections]).toEqual([0, 0])
})

it('an event that cannot be put on the wire cuts the connection and is reported, also where the log answers late', async () => {
  const memory = new MemoryEventLog()
  const sse = createSse({
    log: {
      open: (streamId) => memory.open(streamId),
      append: (streamId, append) => memory.append(streamId, append),
      read: async (streamId, after, limits) => memory.read(streamId, after, limits),
      subscribe: (streamId, wake) => memory.subscribe(streamId, wake),
      trim: () => {},
      delete: () => false,
    },
  })
  const errors: unknown[] = []
  sse.addEventListener('error', ({ error }) => {
    errors.push(error)
  })
  const { fence } = memory.open('s')
  memory.append('s', { fence, producerNumber: 1, entries: [{ type: 'a\nb', data: '1', bytes: 1 }] })
  const host = await httpHost(sse)
  await expect(host.ask('s').then((response) => response.text())).rejects.toThrow()
  expect(errors).toHaveLength(1)
  expect(sse.metrics()).toMatchObject({ connections: 0, closed: { log_error: 1 } })
})

it('a page that its client does not take is cut after the write timeout, and one that it takes is not', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const sse = createSse({
    log: new MemoryEventLog({ maxBytes: 2 ** 24 }),
    writeTimeout: 1_000,
    maxPayloadBytes: 2 ** 24,
  })
  const stream = await sse.open('s')
  // More than the kernel takes.
  await stream.publish('tick', { n: 1, text: 'x'.repeat(12 * 2 ** 20) })
  const sockets = new Set<Socket>()
  const middleware = sse.middleware()
  const origin = await listen((request: IncomingMessage, response: ServerResponse) => {
    sockets.add(request.socket)
    middleware(request, response)
  })
  const client = connectSocket(Number(new URL(origin).port), '127.0.0.1')
  client.on('error', () => {})
  client.pause()
  client.write(get('Accept: application/json\r\n'))
  await eventually(() => sse.metrics().pages === 1)
  for (let count = 0; count < 20; count += 1) await turn()
  const [socket] = sockets
  await vi.advanceTimersByTimeAsync(999)
  expect(socket!.destroyed).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect(socket!.destroyed).toBe(true)
  client.destroy()
  const page = await fetch(`${origin}/s`, { headers: { Accept: 'application/json' } })
  expect((await page.text()).length).toBeGreaterThan(12 * 2 ** 20)
  expect(vi.getTimerCount()).toBeLessThan(3)
})
