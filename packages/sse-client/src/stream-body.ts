import { EventStreamParser, type LimitError, type ParsedEvent } from '@x/sse-protocol'
import type { Clock } from './clock.js'
import type { ConnectionHooks } from './connection.js'
import type { Input } from './machine.js'
import { findRhythm } from './rhythm.js'
import type { Watch } from './watch.js'

export interface StreamBodyOptions {
  readonly clock: Clock
  readonly maxEventBytes: number
  /** Of a line, whatever it is. */
  readonly maxBytes: number
  readonly connectTimeout: number
  /** Whether the server speaks first (PROTOCOL.md §4.4), so that `connectTimeout` holds for the first byte too. */
  readonly events?: unknown
}

/** The connection that the body belongs to. */
export interface BodyOwner {
  readonly watch: Watch
  tell(input: Input): void
  /** Hands events on, as fast as they are taken. Returns whether there is anybody left who wants more. */
  deliver(events: readonly ParsedEvent[]): Promise<boolean>
}

/** Reads the body of an event stream to its end, or to what is too large in it, which it returns; the events before that were delivered. */
export async function readStream(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { clock, maxEventBytes, maxBytes, connectTimeout, events }: StreamBodyOptions,
  hooks: ConnectionHooks,
  { watch, tell, deliver }: BodyOwner,
): Promise<LimitError | undefined> {
  const parser = new EventStreamParser({
    maxEventBytes,
    maxLineBytes: maxBytes,
    onRetry: (reconnectionTime) => tell({ type: 'retry', reconnectionTime }),
    onComment: findRhythm(clock, hooks.learn),
  })
  parser.reset({ lastEventId: hooks.cursor() })
  const lose = (reason: 'mute' | 'silence') => (): void => tell({ type: 'dropped', drop: { reason } })
  let silence = hooks.silence()
  if (events && connectTimeout) watch.expect(connectTimeout, lose('mute'))
  else watch.expect(silence, lose('silence'))
  for (let isFirst = true; ; isFirst = false) {
    const { done, value } = await reader.read()
    if (done) return undefined
    watch.touch()
    if (isFirst) tell({ type: 'heard' })
    let parsed: readonly ParsedEvent[]
    let excess: LimitError | undefined
    try {
      parsed = parser.push(value)
    } catch (error) {
      // What is no limit is no stream of bytes.
      if (!('events' in (error as object))) throw error
      excess = error as LimitError
      parsed = excess.events
    }
    if (!(await deliver(parsed))) return undefined
    hooks.settle(parser.lastEventId)
    if (excess) return excess
    if (isFirst || silence !== hooks.silence()) {
      silence = hooks.silence()
      watch.expect(silence, lose('silence'))
    }
  }
}
