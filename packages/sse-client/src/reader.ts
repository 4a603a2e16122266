import { isReservedType, type ParsedEvent } from '@x/sse-protocol'
import type { Cursor } from './cursor.js'
import type { EventStreamFailure } from './event-stream-error.js'
import type { ReaderContract } from './options.js'
import type { StreamEvent } from './stream-event.js'
import { readGap, type StreamGap } from './stream-gap.js'

/** What one event from the wire means to a client. */
export type Reading =
  | { readonly type: 'nothing' }
  | { readonly type: 'heartbeat'; readonly interval: number }
  | { readonly type: 'gap'; readonly gap: StreamGap }
  | {
      readonly type: 'event'
      readonly event: StreamEvent
      readonly terminal: boolean
      /** What is missing before this event and was not announced. */
      readonly gap: StreamGap | undefined
    }
  | { readonly type: 'failed'; readonly failure: EventStreamFailure }

const nothing: Reading = { type: 'nothing' }

/** Reads one event. The cursor learns from control events here; it moves past an event only when that is delivered. */
export function readEvent(parsed: ParsedEvent, cursor: Cursor, contract: ReaderContract | undefined): Reading {
  const { type } = parsed
  if (isReservedType(type)) return readControl(parsed, cursor)
  const arrival = cursor.examine(parsed)
  if (arrival === false) return nothing
  let data: unknown
  let terminal = false
  try {
    data = JSON.parse(parsed.data)
  } catch (cause) {
    // §2.1: of a known type it is a broken promise. Other servers send plain text, which is then the data.
    if (contract?.types.has(type)) return fail(parsed, 'is not JSON', cause)
    data = parsed.data
  }
  if (contract) {
    try {
      const published = data
      data = contract.validate(type, published)
      // By what was published and not by the schema's output: so the server judged it too.
      terminal = contract.isTerminal(type, published)
    } catch (cause) {
      return fail(parsed, 'is not what the contract promises', cause)
    }
  }
  const id = cursor.sequenced ? (parsed.id ?? cursor.value) : parsed.lastEventId
  return { type: 'event', event: { type, data, id }, terminal, gap: arrival === true ? undefined : arrival }
}

/** PROTOCOL.md §5: about the connection, never delivered as an event. Names of later protocols are ignored (§2.6). */
function readControl({ type, id, data }: ParsedEvent, cursor: Cursor): Reading {
  const value = parseOrNothing(data)
  if (type === 'stream:gap') {
    const gap = readGap(value, cursor.value)
    cursor.jump(gap.oldest)
    return { type: 'gap', gap }
  }
  if (type !== 'heartbeat' || typeof value !== 'object' || value === null || !('interval' in value)) return nothing
  const { interval } = value
  if (typeof interval !== 'number' || !(interval >= 0)) return nothing
  if (id !== undefined) cursor.seed(id)
  return { type: 'heartbeat', interval }
}

function fail({ type, id }: ParsedEvent, fault: string, cause: unknown): Reading {
  return {
    type: 'failed',
    failure: { code: 'failed', message: `The data of a ${type} event ${fault}`, cause, event: { type, id } },
  }
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
