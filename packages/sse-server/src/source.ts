import type { EventLog, LogPage, MaybePromise } from './event-log.js'
import type { Progress } from './progress.js'
import type { Readers } from './readers.js'

/** One stream, as one reader may read it. */
export interface Source {
  readonly streamId: string
  readonly log: EventLog
  /** Of that log. */
  readonly readers: Readers
  /** Whether the reader may still read the stream. Must not throw. */
  isAllowed(): MaybePromise<boolean>
}

/** `undefined`: the log does not hold the stream. */
export type PageAnswer = LogPage | 'forbidden' | undefined

/** How much is read at a time, and so the most that waits for a slow reader, one event aside. */
const limits = { maxEvents: 1_000, maxBytes: 65_536 }

/**
 * Reads the page after a place. The first page of a connection was asked for when it was admitted, and what comes at the head is new; each
 * page between is a replay, for which the permission is asked again.
 */
export function readPage(source: Source, { isBehind, sequence }: Progress): MaybePromise<PageAnswer> {
  const { log, streamId } = source
  const allowed = !isBehind || source.isAllowed()
  if (allowed === true) return log.read(streamId, sequence, limits)
  if (allowed === false) return 'forbidden'
  return allowed.then((is) => (is ? log.read(streamId, sequence, limits) : 'forbidden'))
}
