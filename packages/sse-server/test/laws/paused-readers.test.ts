import { createServer, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { duplexPair, getDefaultHighWaterMark } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { EventStreamParser, type Gap, type ParsedEvent } from '@x/sse-protocol'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MemoryEventLog, type SseServer } from '../../src/index.js'
import { createSse, eventually, httpHost, isTick, isType, type TickEvents } from '../harness.js'
import { dialFetch } from './lines.js'
import { WireResponse } from './wire-response.js'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const text = 'x'.repeat(1_000)
const large = 'x'.repeat(60_000)

/** Bytes in use, after a collection of garbage. */
function memory(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

interface Paused {
  /** Bytes that wait for the host in its response; 0 where the host does not tell. */
  pending(): number
  /** Reads on, all that waits and what the log still has. */
  resume(): void
  onEvent: (event: ParsedEvent) => unknown
}

/** Connects a reader that stops to read once it has the headers. */
type Connect = (sse: SseServer<TickEvents>) => Promise<Paused>

/** One end of a pipe of this process, which holds 16 KiB: a thousand sockets would fill the kernel's buffers with gigabytes first. */
const overPipe: Connect = async (sse) => {
  let held: ServerResponse | undefined
  const middleware = sse.middleware()
  const server = createServer((request, response) => {
    held = response
    middleware(request, response)
  })
  const [near, far] = duplexPair({ highWaterMark: 16_384 })
  onTestFinished(() => {
    near.destroy()
    far.destroy()
  })
  server.emit('connection', far)
  near.write('GET /s HTTP/1.1\r\nHost: x\r\n\r\n')
  await eventually(() => near.readableLength > 0)
  const parser = new EventStreamParser()
  const response = new WireResponse()
  const paused: Paused = {
    pending: () => held!.writableLength,
    resume: () => {
      near.on('data', (bytes: Buffer) => {
        for (const event of parser.push(response.push(bytes))) paused.onEvent(event)
      })
    },
    onEvent: () => {},
  }
  return paused
}

const overFetch: Connect = async (sse) => {
  const parser = new EventStreamParser()
  const line = dialFetch(sse, '', (bytes) => {
    for (const event of parser.push(bytes)) paused.onEvent(event)
  })
  line.stall()
  const paused: Paused = { pending: () => 0, resume: line.resume, onEvent: () => {} }
  await eventually(() => line.status !== undefined)
  return paused
}

/** In how many turns a reader that reads gets each event, and how many pass until it is published: what the others could delay. */
async function pace(sse: SseServer<TickEvents>, connectOthers: () => Promise<void>) {
  const stream = await sse.open('s')
  const parser = new EventStreamParser()
  let received = 0
  const reader = dialFetch(sse, '', (bytes) => {
    received += parser.push(bytes).filter(isType('tick')).length
  })
  onTestFinished(() => reader.cut())
  await eventually(() => reader.status !== undefined)
  await turn()
  await connectOthers()
  const turns: number[] = []
  for (let n = 0; n < 300; n++) {
    let isLate = false
    setImmediate(() => {
      isLate = true
    })
    await stream.publish('tick', { n, text })
    // Or it would wait for something that readers do.
    expect(isLate).toBe(false)
    let passed = 0
    for (; received <= n; passed++) await turn()
    turns.push(passed)
  }
  return { turns, stream }
}

describe.each([
  ['node:http', overPipe],
  ['fetch', overFetch],
])('over %s', { timeout: 60_000 }, (_name, connectReader) => {
  it('a thousand paused readers delay neither a fast one nor the producer, and take no memory for what they do not read', async () => {
    const sse = createSse({
      log: new MemoryEventLog({ maxEvents: 100 }),
      maxConnections: Number.POSITIVE_INFINITY,
      writeTimeout: false,
    })
    const alone = await pace(createSse(), async () => {})
    const paused: Paused[] = []
    const among = await pace(sse, async () => {
      while (paused.length < 1_000) paused.push(await connectReader(sse))
    })
    expect(among.turns).toEqual(alone.turns)
    expect(sse.metrics().connections).toBe(1_001)

    // All are blocked by now. What waits for each is one page, 64 KiB of data with at most 100 bytes of framing for each of its 65 events,
    // on top of what is below the mark at which the host says stop: 16 KiB, since Node 22 64 KiB.
    const waiting = paused.map((each) => each.pending())
    expect(Math.max(...waiting)).toBeLessThan(getDefaultHighWaterMark(false) + 65_536 + 65 * 100)

    const before = memory()
    for (let n = 300; n < 1_300; n++) {
      await among.stream.publish('tick', { n, text })
      if (n % 10 === 0) await turn()
    }
    await turn()
    // A megabyte was published, and the fast reader of this test has it: even a queue of mere references would take 8 KB for each reader.
    expect((memory() - before) / 1_000).toBeLessThan(4_000)
    expect(paused.map((each) => each.pending())).toEqual(waiting)

    const events: ParsedEvent[] = []
    paused[0]!.onEvent = (event) => events.push(event)
    paused[0]!.resume()
    const isLast = isTick(1_299)
    await eventually(() => events.some(isLast))
    let last = 0
    for (const { type, id, data } of events.slice(1)) {
      if (type === 'stream:gap') {
        const gap = JSON.parse(data) as Gap
        expect(gap.requested).toBe(last === 0 ? null : `${among.stream.epoch}-${last}`)
        last += gap.missed!
      } else {
        last += 1
        expect(id).toBe(`${among.stream.epoch}-${last}`)
      }
    }
    expect(last).toBe(1_300)
    expect(sse.metrics().gaps).toBe(1)
  })
})

it('over TCP what waits for a paused reader is one page too, and the rest is with the kernel', async () => {
  const sse = createSse({ writeTimeout: false })
  const stream = await sse.open('s')
  const { origin, responses } = await httpHost(sse)
  const sockets = Array.from({ length: 10 }, () => connect(Number(new URL(origin).port), '127.0.0.1'))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (const socket of sockets) socket.pause().write('GET /s HTTP/1.1\r\nHost: x\r\n\r\n')
  await eventually(() => sse.metrics().connections === 10)
  let most = 0
  for (let n = 0; n < 400; n++) {
    await stream.publish('tick', { n, text: large })
    await turn()
    most = Math.max(most, ...responses.map((response) => response.writableLength))
  }
  expect(Math.min(...responses.map((response) => response.writableLength))).toBeGreaterThan(
    getDefaultHighWaterMark(false),
  )
  expect(most).toBeLessThan(getDefaultHighWaterMark(false) + 65_536 + 200)
})
