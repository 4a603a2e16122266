import { connect, type Socket } from 'node:net'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { MemoryEventLog } from '../../src/index.js'
import { createSse } from '../harness.js'
import { get, liveMemory, serve, until } from './harness.js'

afterEach(() => {
  vi.useRealTimers()
})

/** A log that knows how many listen to it. */
class CountingLog extends MemoryEventLog {
  subscribers = 0

  override subscribe(streamId: string, wake: () => void): () => void {
    this.subscribers += 1
    const leave = super.subscribe(streamId, wake)
    return () => {
      this.subscribers -= 1
      leave()
    }
  }
}

const eventStream = get('/s')
const longPoll = get('/s', ['Accept: application/json', 'Prefer: wait=60'])
const targeted = get('/target')

/** What a client asks for, and how it leaves when it is connected or has the first bytes. */
const ways: [request: string, moment: 'connect' | 'data', leave: (socket: Socket) => void][] = [
  [eventStream, 'data', (socket) => socket.destroy()],
  [eventStream, 'data', (socket) => socket.resetAndDestroy()],
  [eventStream, 'data', (socket) => socket.end()],
  [eventStream, 'connect', (socket) => socket.destroy()],
  [eventStream, 'connect', (socket) => socket.resetAndDestroy()],
  [eventStream, 'connect', (socket) => socket.end()],
  [longPoll, 'connect', (socket) => socket.end()],
  [longPoll, 'connect', (socket) => socket.resetAndDestroy()],
  [targeted, 'data', (socket) => socket.destroy()],
  [targeted, 'connect', (socket) => socket.end()],
  [eventStream.repeat(3), 'data', (socket) => socket.destroy()],
  [eventStream.slice(0, -2), 'connect', (socket) => socket.destroy()],
]

function connectAndCut(port: number, way: number): Promise<void> {
  const [request, moment, leave] = ways[way % ways.length]!
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    socket.once(moment, () => leave(socket))
    socket.on('connect', () => socket.resume())
    socket.write(request)
  })
}

it('10,000 connects and cuts of every kind leave no place, listener, timer, socket or memory behind', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  const log = new CountingLog()
  onTestFinished(() => log.close())
  const sse = createSse({ log, maxConnections: 1_000, maxConnectionsPerClient: 1_000 })
  const stream = await sse.open('s')
  for (let n = 0; n < 50; n++) await stream.publish('tick', { n, text: 'x'.repeat(500) })
  const middleware = sse.middleware()
  const { port, sockets } = await serve((request, response) => {
    if (request.url === '/target') sse.handle(request, response, async () => 's').catch(() => response.destroy())
    else middleware(request, response)
  })
  const run = async (connects: number): Promise<void> => {
    for (let done = 0; done < connects; done += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, way) => connectAndCut(port, done + way)))
      await until('no socket is left', () => sockets.size === 0)
    }
    await until('no place is taken', () => sse.metrics().connections === 0)
  }
  const census = () => ({ timers: vi.getTimerCount(), subscribers: log.subscribers, streams: sse.metrics().streams })
  const before = census()
  expect(before).toEqual({ timers: 1, subscribers: 0, streams: 1 })
  await run(2_000)
  const baseline = await liveMemory()
  await run(10_000)
  const grown = (await liveMemory()) - baseline
  expect(census()).toEqual(before)
  // 70 bytes for each connect: less than any object that it could have left behind.
  expect(grown).toBeLessThan(700_000)
  const { opened, closed, refused } = sse.metrics()
  expect(opened).toBeGreaterThan(5_000)
  expect(Object.values(closed).reduce((sum, count) => sum + count, 0)).toBe(opened)
  expect(Object.values(refused).reduce((sum, count) => sum + count, 0)).toBe(0)
  // All places are there.
  const all = await Promise.all(Array.from({ length: 1_000 }, () => fetch(`http://127.0.0.1:${port}/s`)))
  expect(all.filter(({ status }) => status !== 200)).toEqual([])
  await Promise.all(all.map((response) => response.body!.cancel()))
})
