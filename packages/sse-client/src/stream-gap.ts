import type { Gap } from '@x/sse-protocol'

/** Events that this reader did not get and will not get (PROTOCOL.md §5.3). */
export interface StreamGap {
  /** The reader's cursor; `null` where it had none. */
  readonly requested: string | null
  /** Event id of the next event that the reader will get; `null` where there will be none. */
  readonly oldest: string | null
  /** Event id of the newest event in the log; `null` where the server did not say. */
  readonly head: string | null
  /** How many events are missing; `null` where nobody can know. */
  readonly missed: number | null
  /**
   * As the server says: with `evicted` the reader keeps its state; with `epoch` and `ahead` it discards it.
   * As the client found out: `skipped`, the sequence jumped and the middle is missing; `gone`, the server no longer knows
   * the stream at all (§4.5).
   */
  readonly reason: Gap['reason'] | 'skipped' | 'gone'
}

/** Reads the data of a `stream:gap` event. Whatever of it cannot be read, a gap is a gap and must be told. */
export function readGap(gap: Record<string, unknown>, cursor: string): StreamGap {
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
  const { missed, reason } = gap
  return {
    requested: text(gap.requested) ?? (cursor || null),
    oldest: text(gap.oldest),
    head: text(gap.head),
    missed: typeof missed === 'number' ? missed : null,
    // A reason of a later protocol reads as the one that asks most of the reader.
    reason: reason === 'evicted' || reason === 'ahead' ? reason : 'epoch',
  }
}
