import { connect, type Socket } from 'node:net'
import { EventStreamParser } from '@x/sse-protocol'
import { describe, expect, it } from 'vitest'
import type { SseServer, Stream } from '../../src/index.js'
import { createSse, eventually, listen, type TickEvents } from '../harness.js'
import { Dice } from './dice.js'
import { seed } from './fuzzing.js'
import { WireResponse } from './wire-response.js'

console.log(`SSE_FUZZ_SEED=${seed}`)

/** What a client got over one connection. */
interface Leg {
  readonly status: number | undefined
  /** Bytes that it took: of the whole answer on a socket, of the body elsewhere. */
  readonly bytes: number
  /** Events of the log, as text. */
  readonly events: string[]
  readonly lastEventId: string
}

/** Reads a stream from a cursor, and cuts the connection after so many bytes. */
type Read = (streamId: string, cursor: string, maxBytes: number) => Promise<Leg>

/** Keeps what a client makes of the bytes up to the cut, and of nothing after it. */
function collect(cursor: string): {
  push(bytes: Uint8Array): void
  leg(status: number | undefined, bytes: number): Leg
} {
  const parser = new EventStreamParser()
  const events: string[] = []
  return {
    push: (bytes) => {
      for (const { type, id, data } of parser.push(bytes)) {
        if (type === 'stream:gap') events.push(`gap ${data}`)
        else if (type !== 'heartbeat') events.push(`${id} ${type} ${data}`)
      }
    },
    leg: (status, bytes) => ({ status, bytes, events, lastEventId: parser.lastEventId || cursor }),
  }
}

async function overSocket(sse: SseServer<TickEvents>): Promise<Read> {
  const port = Number(new URL(await listen(sse.middleware())).port)
  return (streamId, cursor, maxBytes) =>
    new Promise((resolve, reject) => {
      const response = new WireResponse()
      const { push, leg } = collect(cursor)
      let bytes = 0
      const socket: Socket = connect(port, '127.0.0.1', () => {
        if (maxBytes === 0) finish()
      })
      const finish = (): void => {
        socket.destroy()
        resolve(leg(response.status, bytes))
      }
      socket.on('data', (chunk) => {
        const taken = chunk.subarray(0, maxBytes - bytes)
        bytes += taken.length
        push(response.push(taken))
        if (bytes >= maxBytes || response.isComplete) finish()
      })
      socket.on('error', reject)
      socket.on('end', finish)
      socket.write(`GET /${streamId} HTTP/1.1\r\nHost: x\r\nLast-Event-ID: ${cursor}\r\n\r\n`)
    })
}

async function overFetch(sse: SseServer<TickEvents>): Promise<Read> {
  return async (streamId, cursor, maxBytes) => {
    const request = new Request(`http://localhost/${streamId}`, { headers: { 'Last-Event-ID': cursor } })
    const response = await sse.fetch(request, streamId)
    const { push, leg } = collect(cursor)
    let bytes = 0
    if (response.body !== null) {
      const body = response.body.getReader()
      for (;;) {
        const { done, value } = bytes < maxBytes ? await body.read() : { done: true }
        if (done) break
        const taken = value!.subarray(0, maxBytes - bytes)
        bytes += taken.length
        push(taken)
      }
      await body.cancel()
    }
    return leg(response.status, bytes)
  }
}

const texts = ['', 'plain', 'é€😀', 'two\nlines\r\n', '\u2028 and \u0000', 'x'.repeat(120)]

/** The events of a stream of 200: what each is published with, and the text that a client should make of it. */
async function publish(stream: Stream<TickEvents>, dice: Dice, afterBurst: () => unknown): Promise<string[]> {
  const expected: string[] = []
  for (let n = 0; n < 199; n++) {
    const data = { n, text: texts[n % texts.length]! }
    const id = stream.publish('tick', data)
    expected.push(`${stream.epoch}-${n + 1} tick ${JSON.stringify(data)}`)
    if (dice.chance(0.2)) {
      await id
      await afterBurst()
    }
  }
  await stream.end('done', { total: 199 })
  return [...expected, `${stream.epoch}-200 done {"total":199}`]
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Does something for each number up to a limit, some at a time. */
async function forEach(numbers: Iterable<number>, action: (number: number) => Promise<void>): Promise<void> {
  const rest = numbers[Symbol.iterator]()
  const work = async (): Promise<void> => {
    for (let next = rest.next(); !next.done; next = rest.next()) await action(next.value)
  }
  await Promise.all(Array.from({ length: 16 }, work))
}

describe.each([
  ['node:http', overSocket],
  ['fetch', overFetch],
])('§11 over %s, a reader has exactly the log', { timeout: 120_000 }, (_name, createRead) => {
  it('wherever its connection is cut: at every byte of an ended stream of 200 events', async () => {
    const sse = createSse({ maxConnections: Number.POSITIVE_INFINITY })
    const read = await createRead(sse)
    const expected = (await publish(await sse.open('s'), new Dice(seed), () => {})).join('\n')
    const whole = await read('s', '', Number.POSITIVE_INFINITY)
    expect(whole.events.join('\n')).toBe(expected)
    expect(whole.bytes).toBeGreaterThan(15_000)
    const statuses = new Map<number | undefined, number>()
    await forEach(Array(whole.bytes + 1).keys(), async (cut) => {
      const first = await read('s', '', cut)
      const second = await read('s', first.lastEventId, Number.POSITIVE_INFINITY)
      const seen = [...first.events, ...second.events].join('\n')
      if (seen !== expected || first.bytes !== cut) expect(seen, `cut at byte ${cut}`).toBe(expected)
      statuses.set(second.status, (statuses.get(second.status) ?? 0) + 1)
    })
    // The end of the last event is followed by the end of the body, whose framing has bytes of its own on a socket.
    expect(statuses.get(204)).toBeGreaterThanOrEqual(1)
    expect(statuses.get(204)).toBeLessThan(20)
    expect(statuses.get(200)! + statuses.get(204)!).toBe(whole.bytes + 1)
    await eventually(() => sse.metrics().connections === 0)
    expect(sse.metrics()).toMatchObject({ gaps: 0, closed: { log_error: 0, write_timeout: 0 } })
  })

  it('also where each of its connections is cut after so many bytes', async () => {
    const sse = createSse({ maxConnections: Number.POSITIVE_INFINITY })
    const read = await createRead(sse)
    const expected = await publish(await sse.open('s'), new Dice(seed), () => {})
    await forEach(
      // With less than the headers, the opening and the longest event no reader gets on.
      Array.from({ length: 60 }, (_, step) => 900 + step * step),
      async (maxBytes) => {
        const seen: string[] = []
        let cursor = ''
        for (let leg: Leg | undefined; leg?.status !== 204; cursor = leg.lastEventId) {
          leg = await read('s', cursor, maxBytes)
          expect(leg.status === 204 || leg.lastEventId !== cursor).toBe(true)
          seen.push(...leg.events)
        }
        expect(seen, `cut after ${maxBytes} bytes`).toEqual(expected)
      },
    )
  })

  it('also where it is cut while the events are published', async () => {
    const sse = createSse({ maxConnections: Number.POSITIVE_INFINITY, streamTimeout: false })
    const read = await createRead(sse)
    const dice = new Dice(seed)
    await forEach(Array(250).keys(), async (place) => {
      const own = new Dice(seed + place)
      const stream = await sse.open(`s${place}`)
      const published = publish(stream, own, async () => {
        for (let turns = own.below(3); turns >= 0; turns--) await turn()
      })
      const seen: string[] = []
      let cursor = ''
      for (let leg: Leg | undefined; leg?.status !== 204; cursor = leg.lastEventId) {
        leg = await read(stream.id, cursor, dice.chance(0.2) ? Number.POSITIVE_INFINITY : dice.below(24_000))
        seen.push(...leg.events)
      }
      expect(seen).toEqual(await published)
    })
    await eventually(() => sse.metrics().connections === 0)
    expect(sse.metrics().gaps).toBe(0)
  })
})
