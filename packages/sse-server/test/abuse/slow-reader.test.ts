import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { EventStreamParser, type ParsedEvent } from '@x/sse-protocol'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import type { SseServer } from '../../src/index.js'
import { createSse, isTick, isType, logged, Reader, type TickEvents } from '../harness.js'
import { get, liveMemory, serve, turn, until } from './harness.js'

afterEach(() => {
  vi.useRealTimers()
})

const text = 'x'.repeat(1_000)
const page = 65_536

/** A client that takes single bytes from the kernel, each only when it is told to. */
class ByteReader {
  readonly socket: Socket
  bytes = 0
  isClosed = false
  #wanted = 0

  constructor(port: number) {
    this.socket = connect({
      port,
      host: '127.0.0.1',
      onread: {
        buffer: new Uint8Array(1),
        callback: () => {
          this.bytes += 1
          this.#wanted -= 1
          return this.#wanted > 0
        },
      },
    })
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.isClosed = true
    })
    this.socket.write(get('/s'))
    onTestFinished(() => {
      this.socket.destroy()
    })
  }

  async take(count: number): Promise<void> {
    const target = this.bytes + count
    this.#wanted = count
    this.socket.resume()
    await until(`${target} bytes are read`, () => this.bytes >= target)
  }
}

async function host(sse: SseServer<TickEvents>) {
  const middleware = sse.middleware()
  const responses: ServerResponse[] = []
  const { port } = await serve((request, response) => {
    responses.push(response)
    middleware(request, response)
  })
  return { port, responses, ask: () => fetch(`http://127.0.0.1:${port}/s`) }
}

it('a reader at one byte per second costs a page, delays no other, and is cut at the write deadline', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  const sse = createSse({ writeTimeout: 30_000 })
  const stream = await sse.open('s')
  const { port, responses, ask } = await host(sse)
  const slow = new ByteReader(port)
  await slow.take(1)
  const fast = new Reader(await ask())
  await fast.until(isType('heartbeat'))
  const [response] = responses
  let most = 0
  let n = 0
  const publish = async (): Promise<void> => {
    for (let count = 0; count < 20; count++) await stream.publish('tick', { n: n++, text })
    // The one byte per second of the other is no matter for this one: it has each event before the next one is published.
    await fast.until(isTick(n - 1))
    most = Math.max(most, response!.writableLength)
  }
  // The kernel takes some megabytes of it before a reader is slow for anybody.
  while (!response!.writableNeedDrain) await publish()
  for (let second = 0; second < 29; second++) {
    await slow.take(1)
    await vi.advanceTimersByTimeAsync(1_000)
    await publish()
  }
  expect([sse.metrics().connections, slow.bytes]).toEqual([2, 30])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(sse.metrics()).toMatchObject({ connections: 1, closed: { write_timeout: 1 } })
  expect(most).toBeGreaterThan(16_384)
  expect(most).toBeLessThan(2 * page)
  expect(response!.destroyed).toBe(true)
  await stream.end('done', { total: n })
  expect(logged(await fast.rest())).toHaveLength(n + 1)
})

it('a reader that is slow but makes room before each deadline is never cut, and gets everything', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  const sse = createSse({ writeTimeout: 30_000, heartbeatInterval: false })
  const stream = await sse.open('s')
  const { responses, ask } = await host(sse)
  const body = (await ask()).body!.getReader()
  const parser = new EventStreamParser()
  const events: ParsedEvent[] = []
  const read = async (): Promise<boolean> => {
    const { done, value } = await body.read()
    if (!done) events.push(...parser.push(value))
    await turn()
    return !done
  }
  const [response] = responses
  let drains = 0
  response!.on('drain', () => {
    drains += 1
  })
  let n = 0
  for (let round = 0; round < 10; round++) {
    while (!response!.writableNeedDrain) {
      await stream.publish('tick', { n: n++, text: text.repeat(30) })
      await turn()
    }
    await vi.advanceTimersByTimeAsync(29_999)
    const before = drains
    while (drains === before) await read()
  }
  expect(sse.metrics()).toMatchObject({ connections: 1, closed: { write_timeout: 0 } })
  await stream.end('done', { total: n })
  while (await read());
  expect(logged(events).map(({ id }) => id)).toEqual(
    Array.from({ length: n + 1 }, (_, index) => `${stream.epoch}-${index + 1}`),
  )
})

it('50 readers that take a byte and then nothing cost the log nothing and the server little', async () => {
  const sse = createSse({ writeTimeout: false, heartbeatInterval: false })
  const stream = await sse.open('s')
  const { port, responses, ask } = await host(sse)
  const fast = new Reader(await ask())
  await fast.until(isType('heartbeat'))
  const slow = Array.from({ length: 50 }, () => new ByteReader(port))
  await Promise.all(slow.map((reader) => reader.take(1)))
  let n = 0
  const publish = async (count: number): Promise<void> => {
    for (const last = n + count; n < last; n++) {
      await stream.publish('tick', { n, text: text.repeat(60) })
      await fast.until(isTick(n))
    }
    fast.events.length = 0
  }
  const blocked = (): boolean => responses.slice(1).every((response) => response.writableNeedDrain)
  while (!blocked()) await publish(10)
  // Until the log begins to drop events, and is as large as it gets.
  await publish(150)
  const full = await liveMemory()
  const pending = responses.slice(1).reduce((sum, response) => sum + response.writableLength, 0)
  await publish(300)
  const grown = (await liveMemory()) - full
  expect(grown).toBeLessThan(2_000_000)
  expect(responses.slice(1).reduce((sum, response) => sum + response.writableLength, 0)).toBe(pending)
  expect(pending / 50).toBeLessThan(2 * page)
  expect(sse.metrics().connections).toBe(51)
})
