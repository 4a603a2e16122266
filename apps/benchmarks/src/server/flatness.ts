import type { Contender, Group } from '../discipline.js'
import { cpuPerUnit } from '../measure.js'
import { delivery } from './delivery.js'
import { type Settings, sseServer } from './sse-server.js'

/** Few, so that what the log costs is not lost in what the sockets cost. */
const connections = 10

/** The log is full, so that each event that comes drops one. */
const full = (events: number): Contender =>
  contender({ log: { maxEvents: events, maxBytes: 2 ** 30, maxTotalBytes: 2 ** 31 }, held: events })

function contender(settings: Settings): Contender {
  return delivery(sseServer(settings), { connections, held: settings.held ?? 0 })
}

const ratio = (dividend: string, divisor: string): Group['ratios'][number] => ({
  name: `${dividend} ÷ ${divisor}`,
  dividend,
  divisor,
  budgets: [{ of: 'each', must: 'be at most', gate: 1.15 }],
})

export const logLength: Group = {
  name: 'log length',
  unit: 'CPU ns per event and connection',
  measure: cpuPerUnit,
  cases: [
    {
      name: `one event per tick, ${connections} connections`,
      contenders: { '100 events': full(100), '10,000 events': full(10_000), '100,000 events': full(100_000) },
    },
  ],
  ratios: [ratio('10,000 events', '100 events'), ratio('100,000 events', '100 events')],
}

export const endedStreams: Group = {
  name: 'ended streams',
  unit: 'CPU ns per event and connection',
  measure: cpuPerUnit,
  cases: [
    {
      name: `one event per tick, ${connections} connections`,
      contenders: { none: contender({}), '10,000 ended': contender({ ended: 10_000 }) },
    },
  ],
  ratios: [ratio('10,000 ended', 'none')],
}
