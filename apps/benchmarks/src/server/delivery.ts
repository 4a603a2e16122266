import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender } from '../discipline.js'
import type { Broadcaster, StartBroadcaster } from './broadcaster.js'
import { mark, tickOf } from './event.js'
import { Readers } from './readers.js'

export interface DeliverySetup {
  /** Connections in all, evenly over the streams. */
  readonly connections: number
  /** @default 1 */
  readonly streams?: number
  /** Events published in one turn of the event loop, on each stream. @default 1 */
  readonly perTick?: number
  /** The version of HTTP that readers ask with: at 1.0 a body always ends with its connection. @default '1.1' */
  readonly version?: '1.0' | '1.1'
  /** Events on each stream before the readers come. They get them too. @default 0 */
  readonly held?: number
}

/** Frames that one pass delivers, about: enough that the wait for the readers at its end hardly counts, and few enough for the sockets' buffers. */
const perPass = 10_000

/** A broadcaster with connected readers. */
export interface Audience {
  readonly broadcaster: Broadcaster
  readonly readers: Readers
  readonly streams: readonly string[]
  readonly connections: number
  /** Publishes a number of events on each stream in one turn of the event loop, and lets the turn pass. */
  tick(events: number): Promise<void>
  /** Waits until every connection has every event of its stream; returns their number in all. */
  received(): Promise<number>
  close(): void
}

/** The cost of events from `publish` to the sockets. */
export function delivery(start: StartBroadcaster, setup: DeliverySetup): Contender {
  return async (scale) => {
    const audience = await gather(start, setup, scale)
    const { perTick = 1 } = setup
    const ticks = Math.ceil((perPass * scale) / audience.connections / perTick)
    const units = audience.connections * ticks * perTick
    const pass = async (): Promise<number> => {
      const before = await audience.received()
      for (let tick = 0; tick < ticks; tick += 1) await audience.tick(perTick)
      return (await audience.received()) - before
    }
    return { units, expected: units, pass, check: () => checkText(audience, perTick), close: () => audience.close() }
  }
}

export async function gather(start: StartBroadcaster, setup: DeliverySetup, scale: number): Promise<Audience> {
  const { version, held = 0 } = setup
  const names = Array.from({ length: Math.ceil((setup.streams ?? 1) * scale) }, (_, index) => `s${index}`)
  const connections = names.length * Math.max(1, Math.round((setup.connections * scale) / names.length))
  const broadcaster = await start(names)
  const readers = new Readers()
  await readers.ask({
    ask: 'connect',
    port: broadcaster.port,
    count: connections,
    streams: names,
    version,
    mark,
    isNumbered: true,
  })
  await untilReaders(broadcaster, connections)
  let published = held
  return {
    broadcaster,
    readers,
    streams: names,
    connections,
    tick: async (events) => {
      let taken: unknown
      for (let event = 0; event < events; event += 1) {
        const data = tickOf(published)
        for (const name of names) taken = broadcaster.publish(name, data)
        published += 1
      }
      // Whoever takes events by promises takes them in their order.
      await taken
      await turn()
      await turn()
    },
    received: async () => Number(await readers.ask({ ask: 'receive', total: connections * published })),
    close: () => {
      readers.close()
      broadcaster.close()
    },
  }
}

/** Waits until the server has noticed so many. */
export async function untilReaders(broadcaster: Broadcaster, count: number): Promise<void> {
  const start = performance.now()
  while (broadcaster.readers !== count) {
    if (performance.now() - start > 20_000) throw new Error(`Expected ${count} readers, got ${broadcaster.readers}`)
    await sleep(1)
  }
}

/** The text of one connection has the data of each event, once and in order. */
export async function checkText({ readers, tick, received }: Audience, perTick: number): Promise<void> {
  await received()
  await readers.ask({ ask: 'keep' })
  const count = 2 * perTick
  await tick(perTick)
  await tick(perTick)
  const total = await received()
  const lines = String(await readers.ask({ ask: 'text' })).matchAll(/^data: ?(.*"mark".*?)\r?$/gm)
  const found = Array.from(lines, ([, json]) => json)
  const first = Number(found[0]?.match(/"mark":"(\d)/)?.[1])
  const expected = Array.from({ length: count }, (_, index) => JSON.stringify(tickOf(first + index)))
  if (found.join('\n') !== expected.join('\n')) {
    throw new Error(
      `Expected ${count} events of ${total} frames to be\n${expected.join('\n')}\ngot\n${found.join('\n')}`,
    )
  }
}

/** What the runtime calls one turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
