import { formatEventId } from '@x/sse-protocol'
import type { EventLog, LogEntry } from './event-log.js'
import { pageLimits } from './event-page.js'
import { SseServerError } from './server-error.js'
import type { StoredEvent } from './stream.js'

/**
 * All events of a stream, with what was stored beside them.
 *
 * @throws SseServerError `incomplete` where the log has dropped some; `unknown_stream` where it holds none of it.
 */
export async function readStored(log: EventLog, streamId: string): Promise<StoredEvent[]> {
  const stored: StoredEvent[] = []
  let life: string | undefined
  for (;;) {
    const page = await log.read(streamId, stored.length, pageLimits)
    if (page === undefined)
      throw new SseServerError('unknown_stream', 'The log does not hold this stream', { streamId })
    const { epoch, entries, oldest, head } = page
    life ??= epoch
    if (epoch !== life) throw new SseServerError('incomplete', 'The stream was dropped meanwhile', { streamId })
    if (oldest > stored.length + 1) {
      throw new SseServerError('incomplete', `The log holds the events from ${oldest} on only`, { streamId })
    }
    for (const entry of entries) stored.push(storedEvent(epoch, entry))
    if (entries.length === 0 || stored.length >= head) return stored
  }
}

function storedEvent(epoch: string, { sequence, type, data, internal }: LogEntry): StoredEvent {
  const event = { id: formatEventId(epoch, sequence), type, data: JSON.parse(data) as unknown }
  return internal === undefined ? event : { ...event, internal: JSON.parse(internal) as unknown }
}
