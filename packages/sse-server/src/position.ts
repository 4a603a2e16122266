import { type EventId, formatEventId, type Gap } from '@x/sse-protocol'
import type { EventLog, LogPage, ReadLimits } from './event-log.js'

/** Where a cursor stands in a stream. */
export interface Position {
  /** The next event has a sequence greater than this. */
  readonly after: number
  /** What is missing before it. */
  readonly gap: Gap | undefined
}

/** A page and where its reader stands. */
export interface LocatedPage extends Position {
  readonly page: LogPage
}

/** Compares a cursor with what the log holds (PROTOCOL.md §5.3). No cursor is the beginning. */
export function locate(
  cursor: EventId | undefined,
  requested: string | null,
  page: Pick<LogPage, 'epoch' | 'oldest' | 'head'>,
): Position {
  const { epoch, oldest, head } = page
  const after = cursor?.sequence ?? 0
  const reason =
    cursor !== undefined && cursor.epoch !== epoch
      ? 'epoch'
      : after > head
        ? 'ahead'
        : after + 1 < oldest
          ? 'evicted'
          : undefined
  if (reason === undefined) return { after, gap: undefined }
  return {
    after: oldest - 1,
    gap: {
      requested,
      oldest: formatEventId(epoch, oldest),
      head: formatEventId(epoch, head),
      missed: reason === 'evicted' ? oldest - 1 - after : null,
      reason,
    },
  }
}

/** Reads the page after a cursor, from wherever the cursor really stands. `undefined`: the log does not hold the stream. */
export async function readAfter(
  log: EventLog,
  streamId: string,
  cursor: EventId | undefined,
  limits: ReadLimits,
): Promise<LocatedPage | undefined> {
  const requested = cursor === undefined ? null : formatEventId(cursor.epoch, cursor.sequence)
  const page = await log.read(streamId, cursor?.sequence ?? 0, limits)
  if (page === undefined) return undefined
  const position = locate(cursor, requested, page)
  // With an evicted cursor the page already begins at the oldest event; otherwise it was read from a wrong place.
  if (position.gap === undefined || position.gap.reason === 'evicted') return { page, ...position }
  const again = await log.read(streamId, position.after, limits)
  return again && { page: again, ...locate(cursor, requested, again) }
}

/** Whether a reader at this position has the whole of an ended stream. */
export function isAtEnd({ page, after }: LocatedPage): boolean {
  return page.ended && after >= page.head
}
