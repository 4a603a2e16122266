import type { SessionEventMap } from '@x/sse-protocol'
import type { SseServer } from '@x/sse-server'
import { Gauge, Registry } from 'prom-client'
import type { RunLimit } from './run.js'

/** The server's numbers in Prometheus text, read when they are asked for. */
export function createMetrics(sse: SseServer<SessionEventMap>, runs: RunLimit): Registry {
  const registry = new Registry()
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  gauge('sse_connections', 'Open event streams and waiting long polls', () => sse.metrics().connections)
  gauge('sse_streams', 'Streams whose run has not ended', () => sse.metrics().streams)
  gauge('sse_events_published_total', 'Events that the log has taken', () => sse.metrics().published)
  gauge('runs', 'Scans and workflows at work', () => runs.running)
  return registry
}
