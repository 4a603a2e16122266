import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { expect, it, onTestFinished } from 'vitest'
import { MemoryEventLog } from '../src/index.js'
import { measureSse } from '../src/opentelemetry.js'
import { createSse, eventually, fetchHost, httpHost, isTick, Reader } from './harness.js'

/** A provider of the real SDK, and what it collects: each number by its name and reason. */
function collect() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 31 - 1 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  onTestFinished(() => meterProvider.shutdown())
  const numbers = async (): Promise<Record<string, number>> => {
    exporter.reset()
    await reader.forceFlush()
    const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
    return Object.fromEntries(
      metrics.flatMap(({ descriptor, dataPoints }) =>
        dataPoints.flatMap(({ attributes, value }) => {
          const name = [descriptor.name, attributes.reason].filter(Boolean).join(' ')
          if (typeof value === 'number') return [[name, value]]
          const { count, sum } = value as { count: number; sum: number }
          return [
            [name, count],
            [`${name} sum`, sum],
          ]
        }),
      ),
    )
  }
  return { meterProvider, numbers }
}

it('reports connections, replays, refusals, gaps and the numbers of the server', async () => {
  const sse = createSse({ maxConnections: 1, log: new MemoryEventLog({ maxEvents: 1 }) })
  const { meterProvider, numbers } = collect()
  const stop = measureSse(sse, { meterProvider })
  const durations: number[] = []
  sse.addEventListener('close', ({ durationMs }) => void durations.push(durationMs))
  const stream = await sse.open('s')
  for (const n of [1, 2, 3]) await stream.publish('tick', { n })
  const host = await httpHost(sse)
  const reader = new Reader(await host.ask('s'))
  await reader.until(isTick(3))
  await (await host.ask('s')).text()
  expect(await numbers()).toMatchObject({
    'sse.connections': 1,
    'sse.streams': 1,
    'sse.lag.max': 0,
    'sse.pending': 0,
    'sse.events.published': 3,
    'sse.events.delivered': 1,
    'sse.connection.replay': 1,
    'sse.gaps evicted': 1,
    'sse.refusals full': 1,
  })
  await (await host.ask('s', { headers: { Accept: 'application/json' } })).text()
  await reader.cancel()
  await eventually(() => sse.metrics().connections === 0)
  const last = await numbers()
  expect(last).toMatchObject({
    'sse.connections': 0,
    'sse.pages': 1,
    'sse.heartbeats': 0,
    'sse.connection.duration disconnected': 1,
  })
  expect(last['sse.connection.duration disconnected sum']).toBeCloseTo(durations[0]! / 1_000)
  stop()
  const held = new Reader(await host.ask('s'))
  await (await host.ask('s')).text()
  await held.cancel()
  await eventually(() => sse.metrics().closed.disconnected === 2)
  const { 'sse.connections': _, ...counted } = await numbers()
  expect(counted).toMatchObject({
    'sse.refusals full': 1,
    'sse.connection.duration disconnected': 1,
    'sse.connection.replay': 1,
    'sse.gaps evicted': 1,
  })
})

it('reports what waits for a reader in bytes, and how far it is behind in events', async () => {
  const sse = createSse()
  const { meterProvider, numbers } = collect()
  measureSse(sse, { meterProvider })
  const stream = await sse.open('s')
  const stalled = await (await fetchHost(sse)).ask('s')
  const fast = new Reader(await (await fetchHost(sse)).ask('s'))
  for (const n of [1, 2, 3]) {
    await stream.publish('tick', { n })
    await fast.until(isTick(n))
  }
  const { 'sse.lag.max': lag, 'sse.pending': pending } = await numbers()
  expect(lag).toBe(3)
  expect(pending).toBeGreaterThan(100)
  await fast.cancel()
  await stalled.body!.cancel()
})
