import type { Gap, Heartbeat } from './control-events.js'
import { ProtocolError } from './protocol-error.js'
import { serialize } from './serialize.js'

/** One event as it goes on the wire. */
export interface EventFrame {
  /** Left out for the default type, `message`. */
  readonly type?: string | undefined
  /** Any text; newlines of all three kinds become separate `data:` lines. */
  readonly data: string
  /** Left out for an event that does not move the cursor. An empty id clears it. */
  readonly id?: string | undefined
}

const newline = /\r\n|[\r\n]/
const newlines = /\r\n|[\r\n]/g
const forbidden = /[\0\r\n]/

/**
 * Encodes one event as one block of the event stream format (HTML standard §9.2.5, PROTOCOL.md §2.1).
 *
 * @throws ProtocolError `invalid_field` where the type or the id holds a newline or a NUL, or the type is empty (§2.2).
 * @example encodeEvent({ type: 'tick', id: 'k3v9-1', data: '{"n":1}' }) // 'event: tick\nid: k3v9-1\ndata: {"n":1}\n\n'
 */
export function encodeEvent({ type, data, id }: EventFrame): string {
  let block = ''
  if (type !== undefined) {
    if (type === '') throw new ProtocolError('invalid_field', 'Expected a non-empty `type`, or none for `message`')
    block = `event: ${singleLine('type', type)}\n`
  }
  if (id !== undefined) block += `id: ${singleLine('id', id)}\n`
  // JSON text has no raw newline, so the common case is one test and no copy.
  return newline.test(data) ? `${block}data: ${data.replace(newlines, '\ndata: ')}\n\n` : `${block}data: ${data}\n\n`
}

/** Encodes a comment, which readers ignore; each of its lines becomes one (HTML standard §9.2.6). */
export function encodeComment(text: string): string {
  return `: ${text.replace(newlines, '\n: ')}\n\n`
}

/**
 * Encodes the reconnection time in milliseconds (HTML standard §9.2.6, field `retry`).
 *
 * @throws ProtocolError `invalid_field` where it is not a non-negative integer, which readers would ignore.
 */
export function encodeRetry(milliseconds: number): string {
  if (!Number.isSafeInteger(milliseconds) || milliseconds < 0) {
    throw new ProtocolError('invalid_field', `Expected \`retry\` to be a non-negative integer, got ${milliseconds}`)
  }
  return `retry: ${milliseconds}\n\n`
}

/** Encodes a heartbeat; only the opening one of a connection has an id, the reader's cursor (PROTOCOL.md §5.2). */
export function encodeHeartbeat(heartbeat: Heartbeat, cursor?: string): string {
  return encodeEvent({ type: 'heartbeat', id: cursor, data: serialize(heartbeat) })
}

/** Encodes a gap, which has no id (PROTOCOL.md §5.3). */
export function encodeGap(gap: Gap): string {
  return encodeEvent({ type: 'stream:gap', data: serialize(gap) })
}

function singleLine(field: string, value: string): string {
  if (forbidden.test(value)) {
    throw new ProtocolError(
      'invalid_field',
      `Expected \`${field}\` to hold no newline and no NUL, got ${JSON.stringify(value.slice(0, 64))}`,
    )
  }
  return value
}
