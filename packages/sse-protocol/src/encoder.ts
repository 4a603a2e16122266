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

const newlines = /\r\n|[\r\n]/g
const forbidden = /[\0\r\n]/
const loneSurrogate = /\p{Surrogate}/u

/**
 * Encodes one event as one block of the event stream format (HTML standard §9.2.5, PROTOCOL.md §2.1).
 *
 * @throws ProtocolError `invalid_field` where the type or the id holds a newline or a NUL, the type is empty (§2.2), or any of the three
 * holds half of a surrogate pair.
 * @throws TypeError where one of them is not a string.
 * @example encodeEvent({ type: 'tick', id: 'k3v9-1', data: '{"n":1}' }) // 'event: tick\nid: k3v9-1\ndata: {"n":1}\n\n'
 */
export function encodeEvent({ type, data, id }: EventFrame): string {
  let block = ''
  if (type !== undefined) {
    if (type === '') throw invalid('type', 'not to be empty')
    block = `event: ${singleLine('type', type)}\n`
  }
  if (id !== undefined) block += `id: ${singleLine('id', id)}\n`
  checkText('data', data)
  // JSON text has no raw newline: looking for one is all that the common case pays.
  if (data.indexOf('\n') === -1 && data.indexOf('\r') === -1) return `${block}data: ${data}\n\n`
  return `${block}data: ${data.replace(newlines, '\ndata: ')}\n\n`
}

/** The bytes of an encoded text (UTF-8). */
export function encodeBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Encodes a comment, which readers ignore; each of its lines becomes one (HTML standard §9.2.6). */
export function encodeComment(text: string): string {
  checkText('text', text)
  return `: ${text.replace(newlines, '\n: ')}\n\n`
}

/**
 * Encodes the reconnection time in milliseconds (HTML standard §9.2.6, field `retry`).
 *
 * @throws ProtocolError `invalid_field` where it is not a non-negative integer, which readers would ignore.
 */
export function encodeRetry(milliseconds: number): string {
  if (!Number.isSafeInteger(milliseconds) || milliseconds < 0) {
    throw invalid('retry', 'to be a non-negative integer')
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
  checkText(field, value)
  if (!forbidden.test(value)) return value
  throw invalid(field, `to hold no newline and no NUL, got ${JSON.stringify(value.slice(0, 64))}`)
}

function checkText(field: string, value: string & { isWellFormed?(): boolean }): void {
  if (typeof value !== 'string') throw new TypeError(`Expected \`${field}\` to be a string, got ${typeof value}`)
  // Half of a surrogate pair has no UTF-8: as bytes it would be another character.
  const isWellFormed = value.isWellFormed?.() ?? !loneSurrogate.test(value)
  if (!isWellFormed) throw invalid(field, 'to hold no half of a surrogate pair')
}

function invalid(field: string, expected: string): ProtocolError {
  return new ProtocolError('invalid_field', `Expected \`${field}\` ${expected}`)
}
