import { type EventContract, isReservedType, serialize } from '@x/sse-protocol'
import type { NewEntry } from './event-log.js'
import { describe } from './expect-option.js'
import { SseServerError } from './server-error.js'
import { utf8Length } from './utf8-length.js'

/** An event as a producer gives it. */
export interface RawEvent {
  readonly type: string
  readonly data: unknown
  readonly internal: unknown
}

/**
 * Makes an entry of an event that may be published. With `onInvalid` also of one whose data its schema refuses: the error is given to it.
 *
 * @throws SseServerError `reserved_type`, `unknown_type` or `payload_too_large`; ProtocolError `unserialisable_data` or
 * `invalid_data`; TypeError where the schema is asynchronous.
 */
export function checkEvent<Events extends object>(
  streamId: string,
  contract: EventContract<Events, object>,
  maxPayloadBytes: number,
  { type, data, internal }: RawEvent,
  onInvalid?: (error: unknown) => void,
): NewEntry {
  if (typeof type !== 'string') throw new TypeError(`Expected \`type\` to be a text, got ${describe(type)}`)
  if (isReservedType(type)) {
    throw new SseServerError(
      'reserved_type',
      `Expected a type that is not kept for control events, got ${show(type)}`,
      {
        streamId,
        type,
      },
    )
  }
  if (!contract.types.has(type)) {
    const known = [...contract.types].join(', ')
    throw new SseServerError('unknown_type', `Expected a type of the contract (${known}), got ${show(type)}`, {
      streamId,
      type,
    })
  }
  const given = contract.timestamped ? withTimestamp(data) : data
  const text = serialize(given)
  const stored = internal === undefined ? undefined : serialize(internal)
  const bytes = utf8Length(text)
  if (bytes > maxPayloadBytes) {
    throw new SseServerError(
      'payload_too_large',
      `The data of ${type} takes ${bytes} bytes, more than the ${maxPayloadBytes} of \`maxPayloadBytes\``,
      { streamId, type, bytes, maxBytes: maxPayloadBytes },
    )
  }
  // Last, so that a schema is spared what is cyclic or too large, and cannot alter what is sent.
  try {
    contract.validate(type, given)
  } catch (error) {
    if (onInvalid === undefined) throw error
    onInvalid(error)
  }
  return { type, data: text, bytes, internal: stored }
}

function withTimestamp(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given
  const data = isPlain(given) ? given : JSON.parse(serialize(given))
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return data
  return 'timestamp' in data && data.timestamp !== undefined ? data : { ...data, timestamp: new Date().toISOString() }
}

/** Whether a copy of its own members has the same JSON text. */
function isPlain(data: object): boolean {
  const prototype = Object.getPrototypeOf(data)
  return (prototype === Object.prototype || prototype === null) && !('toJSON' in data)
}

function show(type: string): string {
  return JSON.stringify(type.slice(0, 64))
}
