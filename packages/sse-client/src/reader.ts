import { isReservedType, type ParsedEvent } from '@x/sse-protocol'
import type { Cursor } from './cursor.js'
import type { EventStreamFailure } from './event-stream-error.js'
import type { ReaderContract } from './options.js'
import type { StreamEvent } from './stream-event.js'
import { readGap, type StreamGap } from './stream-gap.js'

/** Whom a reader tells what the events mean. */
export interface ReaderHooks {
  heartbeat(interval: number): void
  /** Events are missing. Returns whether to read on. */
  gap(gap: StreamGap): boolean
  event(event: StreamEvent, isTerminal: boolean): void
  fail(failure: EventStreamFailure): void
}

/** Reads one event. The cursor learns from control events, and moves past an event right before that is told. */
export function readEvent(
  parsed: ParsedEvent,
  cursor: Cursor,
  contract: ReaderContract | undefined,
  hooks: ReaderHooks,
): void {
  const { type, id } = parsed
  // Names of later protocols are ignored (§2.6); those of other servers are names like any other.
  if (isReservedType(type) && (readControl(parsed, cursor, hooks) || cursor.isSequenced)) return
  const arrival = cursor.examine(parsed)
  if (!arrival) return
  let data: unknown
  let isTerminal = false
  try {
    try {
      data = JSON.parse(parsed.data)
    } catch (cause) {
      // §2.1: of a known type it is a broken promise. Other servers send plain text, which is then the data.
      if (contract?.types.has(type)) throw cause
      data = parsed.data
    }
    if (contract) {
      const published = data
      data = contract.validate(type, published)
      // By what was published and not by the schema's output: so the server judged it too.
      isTerminal = contract.isTerminal(type, published)
    }
  } catch (cause) {
    const message = `The data of the event ${type} is not what the contract promises`
    hooks.fail({ code: 'failed', message, cause, event: { type, id } })
    return
  }
  // Where the gap is the end, the event is not delivered, and the cursor stays before it.
  if (arrival !== true && !hooks.gap(arrival)) return
  cursor.move(parsed)
  hooks.event({ type, data, id: cursor.value }, isTerminal)
}

/** PROTOCOL.md §5: about the connection, never delivered as an event. Returns whether it is that. */
function readControl({ type, id = '', data }: ParsedEvent, cursor: Cursor, hooks: ReaderHooks): boolean {
  let value: Record<string, unknown> = {}
  try {
    value = Object(JSON.parse(data))
  } catch {}
  const { interval, head } = value
  if (type === 'stream:gap') {
    const gap = readGap(value, cursor.value)
    cursor.jump(gap)
    hooks.gap(gap)
    return true
  }
  if (type !== 'heartbeat' || typeof head !== 'string' || typeof interval !== 'number' || !(interval >= 0)) return false
  if (id) cursor.speak()
  // The opening heartbeat's id is the cursor; a reader without one is at the beginning (§3.4), whatever the server says.
  if (!cursor.value && id.endsWith('-0')) cursor.seed(id)
  hooks.heartbeat(interval)
  return true
}
