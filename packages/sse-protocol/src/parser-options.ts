import type { ParsedEvent } from './parsed-event.js'

export interface EventStreamParserOptions {
  /** Called with the text of each comment, without the colon and one space after it. */
  readonly onComment?: ((text: string) => void) | undefined
  /** Called with each valid reconnection time, in milliseconds. */
  readonly onRetry?: ((milliseconds: number) => void) | undefined
  /**
   * Longest line, in bytes of UTF-8 without the line's end. `Infinity`: unlimited.
   * @default 25_165_824
   */
  readonly maxLineBytes?: number | undefined
  /**
   * Largest event: its data, type and id together, in bytes of UTF-8. `Infinity`: unlimited.
   * @default 25_165_824
   */
  readonly maxEventBytes?: number | undefined
  /**
   * Called at a limit, to decide: with `error`, or where there is no such function, `push` throws the reason. With `skip-event` the whole
   * block, up to the next empty line, is dropped; its id does not become the last event id. Where the function throws, that is what
   * `push` throws, and the next one the reason.
   */
  readonly onLimit?: ((reason: LimitError) => 'error' | 'skip-event') | undefined
}

/** A line or an event that the parser's limits do not allow. */
export interface LimitError extends RangeError {
  readonly code: 'line_too_long' | 'event_too_large'
  /** Where the line, or the event's block, begins, in UTF-16 code units of the decoded stream. */
  readonly offset: number
  /** The limit, in bytes. */
  readonly limit: number
  /** The events of the same push that were complete before. */
  readonly events: readonly ParsedEvent[]
}
