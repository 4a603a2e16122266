import { type MeterProvider, metrics } from '@opentelemetry/api'
import type { ConnectionCloseEvent, ConnectionOpenEvent, GapEvent, RefuseEvent } from './server-events.js'
import type { SseServer, SseServerMetrics } from './sse-server.js'

export interface MeasureOptions {
  /** @default the global one */
  readonly meterProvider?: MeterProvider | undefined
}

/** What of the numbers of a server goes up and down. */
const gauges = {
  'sse.connections': ['connections', '{connection}', 'Event streams, and long polls while they wait'],
  'sse.streams': ['streams', '{stream}', 'Streams with a producer here that have not ended'],
  'sse.lag.max': ['maxLag', '{event}', 'The most events that a reader is behind'],
  'sse.pending': ['bytesPending', 'By', 'Written to event streams, and not yet sent'],
} as const

/** What only grows. */
const counters = {
  'sse.events.published': ['published', '{event}', 'Events that the log acknowledged'],
  'sse.events.delivered': ['delivered', '{event}', 'Events that were written to connections'],
  'sse.heartbeats': ['heartbeats', '{heartbeat}', 'Heartbeats after the opening ones'],
  'sse.heartbeats.skipped': [
    'heartbeatsSkipped',
    '{heartbeat}',
    'Heartbeats left out for connections that were backed up',
  ],
  'sse.errors': ['errors', '{error}', 'Errors that no caller could be given'],
  'sse.pages': ['pages', '{page}', 'Pages of JSON'],
} as const

/**
 * Reports the numbers of a server to OpenTelemetry: its `metrics()` when they are collected; connections by their durations, replays and
 * reasons as they end, and refusals and gaps. Stream ids are no attributes, since there are too many of them. Returns what stops it.
 *
 * The provider has to be there already: before a global one is set, there is nobody to report to.
 *
 * @example const stop = measureSse(sse)
 */
export function measureSse<Events extends object>(sse: SseServer<Events>, options: MeasureOptions = {}): () => void {
  const meter = (options.meterProvider ?? metrics).getMeter('@x/sse-server')
  const observables = [
    ...Object.entries(gauges).map(([name, [key, unit, description]]) => ({
      key,
      instrument: meter.createObservableGauge(name, { unit, description }),
    })),
    ...Object.entries(counters).map(([name, [key, unit, description]]) => ({
      key,
      instrument: meter.createObservableCounter(name, { unit, description }),
    })),
  ]
  const instruments = observables.map(({ instrument }) => instrument)
  const observe: Parameters<typeof meter.addBatchObservableCallback>[0] = (result) => {
    const numbers: SseServerMetrics = sse.metrics()
    for (const { key, instrument } of observables) result.observe(instrument, numbers[key])
  }
  meter.addBatchObservableCallback(observe, instruments)

  const durations = meter.createHistogram('sse.connection.duration', {
    unit: 's',
    description: 'How long event streams lasted, by the reason of their end',
  })
  const replays = meter.createHistogram('sse.connection.replay', {
    unit: '{event}',
    description: 'Events that readers were sent when they connected',
  })
  const refusals = meter.createCounter('sse.refusals', { unit: '{request}', description: 'Requests that got no place' })
  const gaps = meter.createCounter('sse.gaps', { unit: '{gap}', description: 'Gaps that readers were told of' })
  const onOpen = ({ replay }: ConnectionOpenEvent): void => replays.record(replay)
  const onClose = ({ reason, durationMs }: ConnectionCloseEvent): void =>
    durations.record(durationMs / 1_000, { reason })
  const onRefuse = ({ reason }: RefuseEvent): void => refusals.add(1, { reason })
  const onGap = ({ gap: { reason } }: GapEvent): void => gaps.add(1, { reason })
  sse.addEventListener('open', onOpen)
  sse.addEventListener('close', onClose)
  sse.addEventListener('refuse', onRefuse)
  sse.addEventListener('gap', onGap)
  return () => {
    meter.removeBatchObservableCallback(observe, instruments)
    sse.removeEventListener('open', onOpen)
    sse.removeEventListener('close', onClose)
    sse.removeEventListener('refuse', onRefuse)
    sse.removeEventListener('gap', onGap)
  }
}
