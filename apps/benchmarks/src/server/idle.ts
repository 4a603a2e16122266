import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender, Group } from '../discipline.js'
import { heapPerUnit, observation } from '../measure.js'
import type { StartBroadcaster } from './broadcaster.js'
import { untilReaders } from './delivery.js'
import { mark } from './event.js'
import { loop } from './loop.js'
import { betterSse } from './peers.js'
import { Readers } from './readers.js'
import { ownFraming, sseServer } from './sse-server.js'

const stream = 's0'

/** A pass opens so many connections more. */
function idle(start: StartBroadcaster, connections: number): Contender {
  return async (scale) => {
    const units = Math.ceil(connections * scale)
    const broadcaster = await start([stream])
    const readers = new Readers()
    const { port } = broadcaster
    const pass = async (): Promise<number> => {
      const before = broadcaster.readers
      await readers.ask({ ask: 'connect', port, count: units, streams: [stream], mark, isNumbered: true })
      await untilReaders(broadcaster, before + units)
      return broadcaster.readers - before
    }
    const close = (): void => {
      readers.close()
      broadcaster.close()
    }
    return { units, expected: units, pass, check: () => {}, close }
  }
}

export const heap: Group = {
  name: 'idle connection',
  unit: 'bytes of heap',
  measure: heapPerUnit,
  cases: [
    {
      name: '1000 connections',
      contenders: {
        'bare response': idle(loop(ownFraming), 1_000),
        'sse-server': idle(sseServer(), 1_000),
        'better-sse': idle(betterSse, 1_000),
      },
    },
  ],
  ratios: [
    {
      name: 'sse-server ÷ bare response',
      dividend: 'sse-server',
      divisor: 'bare response',
      budgets: [{ of: 'each', must: 'be at most', gate: 1.3 }],
    },
    { name: 'better-sse ÷ bare response', dividend: 'better-sse', divisor: 'bare response', budgets: [] },
  ],
}

/** Milliseconds between heartbeats by default, and here: so a measurement takes a third of the time. */
const interval = { usual: 15_000, here: 5_000 }

/** Percent of a core for heartbeats at their usual interval. */
function heartbeats(connections: number): Contender {
  return async (scale) => {
    const heartbeatInterval = interval.here * scale
    const count = Math.ceil(connections * scale)
    const broadcaster = await sseServer({ heartbeatInterval })([stream])
    const readers = new Readers()
    const { port } = broadcaster
    // Each heartbeat has one brace, and so has the one that a stream begins with.
    await readers.ask({ ask: 'connect', port, count, streams: [stream], mark: '{', isNumbered: false })
    await untilReaders(broadcaster, count)
    let microseconds = 0
    let beats = 0
    const pass = async (): Promise<number> => {
      const before = broadcaster.heartbeats
      const start = process.cpuUsage()
      await sleep(heartbeatInterval)
      const { user, system } = process.cpuUsage(start)
      microseconds += user + system
      const sent = broadcaster.heartbeats
      beats += sent - before
      await readers.ask({ ask: 'receive', total: count + sent })
      return count
    }
    const observed = (): number => {
      const percent = ((microseconds / beats) * count * 100) / (interval.usual * 1_000)
      microseconds = 0
      beats = 0
      return percent
    }
    const close = (): void => {
      readers.close()
      broadcaster.close()
    }
    return { units: count, expected: count, pass, observed, check: () => {}, close }
  }
}

export const heartbeat: Group = {
  name: 'heartbeats',
  unit: '% of a core',
  measure: observation(1_000),
  cases: [{ name: '10000 idle connections', contenders: { 'sse-server': heartbeats(10_000) } }],
  ratios: [
    {
      name: '% of a core',
      dividend: 'sse-server',
      divisor: 1,
      budgets: [{ of: 'each', must: 'be at most', gate: 3 }],
    },
  ],
}
