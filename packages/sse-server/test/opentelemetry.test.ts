import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { expect, it, onTestFinished } from 'vitest'
import { MemoryEventLog } from '../src/index.js'
import { measureSse } from '../src/opentelemetry.js'
import { createSse, eventually, httpHost, isTick, Reader } from './harness.js'

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
        dataPoints.map(({ attributes, value }) => [
          [descriptor.name, attributes.reason].filter(Boolean).join(' '),
          typeof value === 'number' ? value : (value as { count: number }).count,
        ]),
      ),
    )
  }
  return { meterProvider, numbers }
}

it('reports connections, replays, refusals, gaps and the numbers of the server', async () => {
  const sse = createSse({ maxConnections: 1, log: new MemoryEventLog({ maxEvents: 1 }) })
  const { meterProvider, numbers } = collect()
  const stop = measureSse(sse, { meterProvider })
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
  await reader.cancel()
  await eventually(() => sse.metrics().connections === 0)
  expect(await numbers()).toMatchObject({ 'sse.connections': 0, 'sse.connection.duration disconnected': 1 })
  stop()
  await stream.publish('tick', { n: 4 })
  expect((await numbers())['sse.events.published']).not.toBe(4)
})
