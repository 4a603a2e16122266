import { type EventId, encodeHeartbeat, encodeRetry, formatEventId } from '@x/sse-protocol'
import { encode } from './frames.js'
import { jitter } from './random.js'

/** What a heartbeat tells. */
export interface Beat {
  /** Milliseconds until the next one; 0: there is none. */
  readonly interval: number
  readonly epoch: string
  /** Sequence of the newest event. */
  readonly head: number
}

/** A heartbeat between events. It has no id, so a reader's cursor stays (PROTOCOL.md §5.2). */
export function heartbeatFrame(beat: Beat): Uint8Array {
  return encode(encodeHeartbeat(payloadOf(beat)))
}

/** What every event stream begins with: when to come back, and a heartbeat whose id is the cursor from which it goes on (PROTOCOL.md §4.4). */
export function openingFrame(retry: number, beat: Beat, cursor: EventId): Uint8Array {
  return encode(encodeRetry(retry) + encodeHeartbeat(payloadOf(beat), formatEventId(cursor.epoch, cursor.sequence)))
}

/** Tells a reader to come back at once. The next connection's opening tells it another time again. */
export const comeBackAtOnceFrame = encode(encodeRetry(100))

/** Tells a reader to come back a little later, not at the same moment as all others. */
export function comeBackFrame(retry: number): Uint8Array {
  return encode(encodeRetry(jitter(Math.max(retry, 1_000))))
}

function payloadOf({ interval, epoch, head }: Beat): { timestamp: string; interval: number; head: string } {
  return { timestamp: new Date().toISOString(), interval, head: formatEventId(epoch, head) }
}
