/** A parsed event id: a place in one epoch of a stream (PROTOCOL.md §3). */
export interface EventId {
  /** One life of the stream: digits and lower-case letters. */
  readonly epoch: string
  /** Contiguous from 1; 0 is the place before the first event. */
  readonly sequence: number
}

const maxLength = 64
const pattern = /^([0-9a-z]+)-(0|[1-9][0-9]{0,15})$/

/** The event id `<epoch>-<sequence>` as text (PROTOCOL.md §3.1). */
export function formatEventId(epoch: string, sequence: number): string {
  return `${epoch}-${sequence}`
}

/** Reads an event id; `undefined` where the text is none (PROTOCOL.md §3.1, §3.2). Long input costs no more than short. */
export function parseEventId(text: string): EventId | undefined {
  if (text.length > maxLength) return undefined
  const match = pattern.exec(text)
  if (!match) return undefined
  const sequence = Number(match[2])
  return Number.isSafeInteger(sequence) ? { epoch: match[1]!, sequence } : undefined
}

/** Negative, zero or positive as `a` is before, at or after `b`; `undefined` across epochs, which have no order (§3.5). */
export function compareEventIds(a: EventId, b: EventId): number | undefined {
  return a.epoch === b.epoch ? a.sequence - b.sequence : undefined
}
