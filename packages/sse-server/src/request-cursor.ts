import { type EventId, parseEventId } from '@x/sse-protocol'
import type { Exchange } from './exchange.js'
import type { Problem } from './problem.js'

/** A request that cannot be read, and why. */
export interface MalformedCursor {
  readonly problem: Problem
}

/** Reads the cursor of a request: its `Last-Event-ID` header, else `?lastEventId=` (PROTOCOL.md §4.1, §4.2). Empty is none. */
export function readCursor(exchange: Exchange): EventId | MalformedCursor | undefined {
  const header = exchange.header('last-event-id') || undefined
  const text = header ?? exchange.query('lastEventId')
  if (text === undefined || text === '') return undefined
  const cursor = parseEventId(text)
  if (cursor !== undefined) return cursor
  const place = header === undefined ? 'the query parameter lastEventId' : 'the header Last-Event-ID'
  const shown = text.length > 64 ? `${text.length} characters` : JSON.stringify(text)
  return {
    problem: {
      status: 400,
      code: 'malformed_cursor',
      detail: `Expected an event id of the form <epoch>-<sequence> in ${place}, got ${shown}`,
    },
  }
}
