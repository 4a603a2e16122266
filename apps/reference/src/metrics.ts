import type { SessionEventMap } from '@x/sse-protocol'
import type { SseServer } from '@x/sse-server'
import { Counter, Gauge, Registry } from 'prom-client'
import type { OutputStore } from './output-store.js'
import type { RunLimit } from './run.js'

export interface MetricsSources {
  readonly sse: SseServer<SessionEventMap>
  readonly runs: RunLimit
  readonly store: OutputStore
}

/** The server's numbers in Prometheus text, read when they are asked for. */
export function createMetrics({ sse, runs, store }: MetricsSources): Registry {
  const registry = new Registry()
  const registers = [registry]

  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  gauge('sse_connections', 'Open event streams and waiting long polls', () => sse.metrics().connections)
  gauge('sse_streams', 'Streams whose run has not ended', () => sse.metrics().streams)
  gauge('sse_lag_max_events', 'The most events that a reader is behind', () => sse.metrics().maxLag)
  gauge('sse_pending_bytes', 'Bytes written to event streams and not yet sent', () => sse.metrics().bytesPending)
  gauge('runs', 'Scans and workflows at work', () => runs.running)
  gauge('output_store_bytes', 'Bytes of whole outputs that are kept', () => store.bytes)

  // The numbers are counted elsewhere and only grow: each read starts from nothing.
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  counter('sse_events_published_total', 'Events that the log has taken', () => sse.metrics().published)
  counter('sse_events_delivered_total', 'Events written to event streams', () => sse.metrics().delivered)
  counter('sse_connections_opened_total', 'Event streams opened', () => sse.metrics().opened)
  counter('sse_gaps_total', 'Gaps announced', () => sse.metrics().gaps)
  counter('sse_heartbeats_total', 'Heartbeats sent, the opening ones aside', () => sse.metrics().heartbeats)
  counter('sse_heartbeats_skipped_total', 'Heartbeats left out', () => sse.metrics().heartbeatsSkipped)
  counter('sse_errors_total', 'Errors that no caller could be given', () => sse.metrics().errors)
  counter('sse_pages_total', 'Pages of JSON sent', () => sse.metrics().pages)

  const byReason = (name: string, help: string, read: () => Readonly<Record<string, number>>) =>
    new Counter({
      name,
      help,
      labelNames: ['reason'],
      registers,
      collect() {
        this.reset()
        for (const [reason, count] of Object.entries(read())) this.inc({ reason }, count)
      },
    })
  byReason('sse_connections_closed_total', 'Event streams closed', () => sse.metrics().closed)
  byReason('sse_connections_refused_total', 'Event streams refused', () => sse.metrics().refused)
  return registry
}
