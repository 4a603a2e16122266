/** One event as a reader gets it (HTML standard §9.2.6, "dispatch the event"). */
export interface ParsedEvent {
  /** `message` where the block named none. */
  readonly type: string
  readonly data: string
  /** The id in this event's own block; absent where it had none. */
  readonly id?: string
  /** The last event id after this event: its own, or the one before it. */
  readonly lastEventId: string
}

/** What the end of a stream has cut off. Never an event: the next connection brings it whole. */
export interface IncompleteTail {
  /** Where the unfinished block begins, in UTF-16 code units of the decoded stream. */
  readonly offset: number
  /** How much of it has come, in UTF-16 code units. */
  readonly length: number
}
