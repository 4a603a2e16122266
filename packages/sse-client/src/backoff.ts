export interface BackoffInput {
  /** Connections that failed in a row, from 1. */
  readonly failures: number
  /** The server's `retry`, or the default, in milliseconds. */
  readonly reconnectionTime: number
  /** Longest reconnection time and longest backoff, in milliseconds. */
  readonly max: number
  /** What a `Retry-After` header asks for, in milliseconds. */
  readonly retryAfter?: number | undefined
  /** From 0 up to, not including, 1. */
  readonly jitter: number
}

/** Without this, a server's `retry: 0` would make the doubling stay at 0. */
const smallestStep = 1_000

/**
 * How long to wait before the next connection, in milliseconds.
 *
 * The server's times are a floor ("wait a delay equal to the reconnection time", HTML standard §9.2.3). On top comes jitter: at most
 * half of the reconnection time after one drop, then full jitter below a ceiling that doubles with each failure. The first
 * wait has jitter too, because a server that restarts drops all its readers in the same moment.
 */
export function reconnectDelay({ failures, reconnectionTime, max, retryAfter = 0, jitter }: BackoffInput): number {
  const floor = Math.min(reconnectionTime, max)
  const ceiling = Math.min(max, Math.max(floor, smallestStep) * 2 ** (failures - 1))
  const spread = failures === 1 ? floor / 2 : Math.max(floor / 2, ceiling - floor)
  // A random number that is none must not make the wait endless.
  return Math.round(Math.max(floor, retryAfter) + (jitter * spread || 0))
}
