/** Why a connection ended. */
export type CloseReason =
  /** The stream ended, and the reader was given all of it. */
  | 'ended'
  /** The client went away. */
  | 'disconnected'
  /** The client took nothing for `writeTimeout`. */
  | 'write_timeout'
  /** The server shut down. */
  | 'closing'
  /** The log dropped the stream. */
  | 'dropped'
  /** The log could not be read. */
  | 'log_error'

/** Why a request got no place. */
export type RefuseReason = 'full' | 'client_full' | 'closing'

/** What a server has done so far; it only grows. */
export interface Counters {
  /** Connections that were opened. */
  opened: number
  readonly closed: Record<CloseReason, number>
  readonly refused: Record<RefuseReason, number>
  /** Events that the log acknowledged. */
  published: number
  /** Gaps that readers were told of. */
  gaps: number
  /** Heartbeats after the opening ones. */
  heartbeats: number
  /** Pages of JSON. */
  pages: number
}

export function createCounters(): Counters {
  return {
    opened: 0,
    closed: { ended: 0, disconnected: 0, write_timeout: 0, closing: 0, dropped: 0, log_error: 0 },
    refused: { full: 0, client_full: 0, closing: 0 },
    published: 0,
    gaps: 0,
    heartbeats: 0,
    pages: 0,
  }
}
