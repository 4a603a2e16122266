import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender, Group } from '../discipline.js'
import { observation } from '../measure.js'
import type { StartBroadcaster } from './broadcaster.js'
import { checkText, gather } from './delivery.js'
import { loop } from './loop.js'
import { ownFraming, sseServer } from './sse-server.js'

/** Milliseconds between two events. */
const interval = 20
/** Events of one pass. */
const events = 50

/** The delay from `publish` to a reader that the slowest hundredth of all deliveries has: milliseconds. */
function delay(start: StartBroadcaster, connections: number): Contender {
  return async (scale) => {
    const audience = await gather(start, { connections }, scale)
    const { readers } = audience
    let delays: number[] = []
    const pass = async (): Promise<number> => {
      const before = await audience.received()
      await readers.ask({ ask: 'clock', events })
      const sent: number[] = []
      const begin = performance.now()
      while (sent.length < events) {
        await sleep(Math.max(0, begin + sent.length * interval - performance.now()))
        sent.push(Number(process.hrtime.bigint()))
        await audience.tick(1)
      }
      const received = (await audience.received()) - before
      delays.push(Number(await readers.ask({ ask: 'delay', sent, quantile: 0.99 })) / 1_000_000)
      return received
    }
    const observed = (): number => {
      const mean = delays.reduce((sum, one) => sum + one, 0) / delays.length
      delays = []
      return mean
    }
    const units = audience.connections * events
    return { units, expected: units, pass, observed, check: () => checkText(audience, 1), close: audience.close }
  }
}

export const latency: Group = {
  name: 'delay',
  unit: 'ms to the 99th of 100 readers',
  measure: observation(150),
  cases: [
    {
      name: `1000 connections, an event per ${interval} ms`,
      contenders: { loop: delay(loop(ownFraming), 1_000), 'sse-server': delay(sseServer(), 1_000) },
    },
  ],
  ratios: [
    {
      name: 'sse-server ÷ loop',
      dividend: 'sse-server',
      divisor: 'loop',
      budgets: [{ of: 'each', must: 'be at most', gate: 1 }],
    },
  ],
}
