import { createHook } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { MemoryEventLog, type SseServer } from '../../src/index.js'
import { createSse, eventually, type TickEvents } from '../harness.js'
import { WatchedLog } from './log-model.js'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Timers that the package started and that have neither fired nor been stopped, and where each was started. */
const timers = new Map<number, string>()
const hook = createHook({
  init: (id, type) => {
    const { stack = '' } = type === 'Timeout' || type === 'Immediate' ? new Error(type) : {}
    if (/sse-server\/src\//.test(stack)) timers.set(id, stack)
  },
  destroy: (id) => {
    timers.delete(id)
  },
})

beforeEach(() => {
  timers.clear()
  hook.enable()
})

afterEach(() => {
  hook.disable()
})

/** What keeps this process alive, of the kinds that a server has. */
const sockets = (): string[] => process.getActiveResourcesInfo().filter((kind) => /TCP|HTTP/.test(kind))

async function expectNothingLeft(before: readonly string[]): Promise<void> {
  // Node tells of what was destroyed some turns later.
  for (let n = 0; n < 20; n++) await turn()
  expect([...timers.values()]).toEqual([])
  await eventually(() => sockets().length <= before.length)
  expect(sockets()).toEqual(before)
}

/** Every kind of stream: with a run, ended, cancelled within its grace, and one that nobody reads. */
async function openStreams(sse: SseServer<TickEvents>): Promise<void> {
  await sse.open('live')
  await (await sse.open('ended')).end('done', { total: 0 })
  await sse.open('cancelled')
  await sse.cancel('cancelled')
  await sse.open('silent')
}

const requests: [path: string, headers: Record<string, string>, method?: string][] = [
  ['/live', {}],
  ['/live', { 'Last-Event-ID': 'zzzzzzzzzz-9' }],
  ['/live', { Accept: 'application/json', Prefer: 'wait=30' }],
  ['/live', { Accept: 'application/json' }],
  ['/live', { Accept: 'text/html' }],
  ['/live', { 'Last-Event-ID': '!' }],
  ['/live', {}, 'HEAD'],
  ['/live', {}, 'OPTIONS'],
  ['/cancelled', {}],
  ['/ended', {}],
  ['/nobody', {}],
  ['/throws', {}],
]

/** What a request names: a stream, or a target of some kind. */
function targetOf(path: string): string | (() => Promise<string>) {
  if (path !== '/throws') return path.slice(1)
  return async () => {
    throw new Error('no run today')
  }
}

async function start(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const connections = (server: Server): Promise<number> =>
  new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))

/** Publishes more than the kernel takes for a reader that does not read. */
async function fill(
  sse: SseServer<TickEvents>,
  responses: readonly { readonly writableLength: number }[],
): Promise<void> {
  const stream = await sse.open('live')
  while (!responses.some((response) => response.writableLength > 50_000)) {
    await stream.publish('tick', { n: 0, text: 'x'.repeat(60_000) })
    await turn()
  }
}

it('node:http: after `close` no timer, listener or socket is left, whatever went on', async () => {
  const before = sockets()
  const sse = createSse()
  const taken: Socket[] = []
  const responses: ServerResponse[] = []
  const server = createServer((request, response) => {
    responses.push(response)
    if (request.url === '/plain') response.end()
    else sse.handle(request, response, targetOf(request.url!)).catch(() => response.end())
  })
  server.on('connection', (socket) => taken.push(socket))
  const port = await start(server)
  await openStreams(sse)

  const ask = (path: string, headers: Record<string, string>, method = 'GET'): string =>
    [`${method} ${path} HTTP/1.1`, 'Host: x', ...Object.entries(headers).map((each) => each.join(': ')), '', ''].join(
      '\r\n',
    )
  const clients = [...requests, ...requests].map((request) => {
    const client = connect(port, '127.0.0.1').on('error', () => {})
    client.write(ask(...request))
    return client
  })
  // One that asks for everything that is answered at once, again and again, and stays.
  const loyal = connect(port, '127.0.0.1')
  let answers = 0
  loyal.on('data', (bytes) => {
    answers += bytes.toString('latin1').split('HTTP/1.1 ').length - 1
  })
  const listenersAfter = async (...asked: string[]): Promise<Record<string, number>> => {
    const before = answers
    for (const each of asked) loyal.write(each)
    await eventually(() => answers === before + asked.length)
    await turn()
    const socket = taken.find(({ remotePort }) => remotePort === loyal.localPort)!
    return Object.fromEntries(socket.eventNames().map((name) => [String(name), socket.listenerCount(name)]))
  }
  const plain = await listenersAfter(ask('/plain', {}))
  const several = [ask('/ended', {}), ask('/nobody', {}), ask('/live', { Accept: 'application/json' })]
  expect(await listenersAfter(...several, ...several, ...several)).toEqual(plain)

  await eventually(() => responses.length === clients.length + 10)
  // Half of the clients go, the others stay and read nothing.
  for (const client of clients.slice(0, requests.length)) client.destroy()
  await fill(sse, responses)
  const closed = sse.close({ drain: 60_000 })
  for (const client of clients) client.destroy()
  await closed
  expect(sse.metrics()).toMatchObject({ connections: 0, streams: 0 })
  for (const response of responses.filter(({ closed }) => closed)) {
    expect(response.listenerCount('drain') + response.listenerCount('close')).toBeLessThanOrEqual(2)
  }
  loyal.end()
  await new Promise((resolve) => server.close(resolve))
  expect(await connections(server)).toBe(0)
  await expectNothingLeft(before)
})

it('node:http2: after `close` no timer or socket is left, and the session is usable', async () => {
  const before = sockets()
  const sse = createSse()
  let asked = 0
  const server = createHttp2Server((request, response) => {
    asked += 1
    sse.handle(request, response, targetOf(request.url)).catch(() => response.end())
  })
  const session = connectHttp2(`http://127.0.0.1:${await start(server)}`)
  await openStreams(sse)
  const streams = [...requests, ...requests].map(([path, headers, method = 'GET']) => {
    const stream = session.request({ ':path': path, ':method': method, ...headers })
    return stream.on('error', () => {}).resume()
  })
  await eventually(() => asked === streams.length)
  for (const stream of streams.slice(0, requests.length)) stream.close()
  await sse.close({ drain: 0 })
  expect(sse.metrics()).toMatchObject({ connections: 0, streams: 0 })
  const refused = session.request({ ':path': '/live' })
  expect(await new Promise((resolve) => refused.on('response', (head) => resolve(head[':status'])))).toBe(503)
  session.destroy()
  await new Promise((resolve) => server.close(resolve))
  await expectNothingLeft(before)
})

it('fetch: after `close` no timer is left, and no listener on the signal of a request', async () => {
  const before = sockets()
  const sse = createSse()
  await openStreams(sse)
  const leaving = new AbortController()
  const signals: AbortSignal[] = []
  const answers = [...requests, ...requests].map(async ([path, headers, method = 'GET'], place) => {
    const signal = place < requests.length ? leaving.signal : new AbortController().signal
    const request = new Request(`http://localhost${path}`, { method, headers, signal })
    signals.push(request.signal)
    const response = await sse.fetch(request, targetOf(path)).catch(() => undefined)
    // Some are read, and some never.
    if (place % 2 === 0) await response?.text().catch(() => {})
  })
  for (let n = 0; n < 10; n++) await turn()
  expect(sse.metrics().connections).toBeGreaterThan(6)
  leaving.abort()
  await sse.close({ drain: 0 })
  expect(sse.metrics()).toMatchObject({ connections: 0, streams: 0 })
  const listening = signals.map((signal) => getEventListeners(signal, 'abort').length)
  expect(listening).toEqual(signals.map(() => 0))
  expect(answers).toHaveLength(signals.length)
  await expectNothingLeft(before)
})

it('after `close` nobody listens to the log', async () => {
  const log = new WatchedLog(new MemoryEventLog(), { reads: 1, isFresh: true, wakes: [0] }, () => {})
  const sse = createSse({ log })
  await openStreams(sse)
  for (const [path, headers, method = 'GET'] of requests) {
    void sse.fetch(new Request(`http://localhost${path}`, { method, headers }), targetOf(path)).catch(() => {})
  }
  await eventually(() => sse.metrics().connections === 5)
  // One for each of the streams that are read, however many read it.
  expect(log.listeners).toBe(3)
  await sse.close({ drain: 0 })
  await eventually(() => log.listeners === 0)
})
