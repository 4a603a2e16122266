/** Why a connection ended. */
export type CloseReason =
  /** The stream ended, and the reader was given all of it. */
  | 'ended'
  /** The client went away. */
  | 'disconnected'
  /** The client did not take what was written within `writeTimeout`. */
  | 'write_timeout'
  /** The server shut down. */
  | 'closing'
  /** The connection was older than `connectionMaxAge`. */
  | 'max_age'
  /** The log dropped the stream. */
  | 'dropped'
  /** `authorize` allowed it no longer. */
  | 'forbidden'
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
  /** Events that were written to connections, each counted for each. */
  delivered: number
  /** Gaps that readers were told of. */
  gaps: number
  /** Heartbeats after the opening ones. */
  heartbeats: number
  /** Heartbeats that were left out, since their connection was backed up. */
  heartbeatsSkipped: number
  /** Pages of JSON. */
  pages: number
  /** `error` events. */
  errors: number
}

export function createCounters(): Counters {
  return {
    opened: 0,
    closed: {
      ended: 0,
      disconnected: 0,
      write_timeout: 0,
      closing: 0,
      max_age: 0,
      dropped: 0,
      forbidden: 0,
      log_error: 0,
    },
    refused: { full: 0, client_full: 0, closing: 0 },
    published: 0,
    delivered: 0,
    gaps: 0,
    heartbeats: 0,
    heartbeatsSkipped: 0,
    pages: 0,
    errors: 0,
  }
}
