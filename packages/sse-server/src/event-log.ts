/** An answer that may be there at once. A log in memory answers without a promise, which is the fast path. */
export type MaybePromise<T> = T | Promise<T>

/** An event that is to be appended. */
export interface NewEntry {
  readonly type: string
  /** One JSON text. */
  readonly data: string
  /** Length of `data` in bytes of UTF-8. */
  readonly bytes: number
  /** A JSON text that is stored beside the event and never sent to a reader. */
  readonly internal?: string | undefined
}

/** An event that the log holds. */
export interface LogEntry extends NewEntry {
  readonly sequence: number
  /**
   * The event as it goes on the wire, kept here by the server when it is first sent. A log that gives out the same object each time
   * has every event encoded once.
   */
  frame?: Uint8Array | undefined
}

/** What a producer gets that takes a stream over. */
export interface OpenedStream {
  /** PROTOCOL.md §3.3. */
  readonly epoch: string
  /** Greater than every fence that this log gave out for the stream before, also before a `delete`. */
  readonly fence: number
  /** Sequence of the newest event; 0 where there is none. */
  readonly head: number
  readonly ended: boolean
}

/** Events that go into the log together, or not at all. */
export interface Append {
  readonly fence: number
  /** Grows with each append under one fence. A repeated number is the same append again and takes no second place. */
  readonly producerNumber: number
  /** At least one. */
  readonly entries: readonly NewEntry[]
  /** The last entry ends the stream. */
  readonly end?: boolean | undefined
}

/** Where the events of an append are. */
export interface Appended {
  readonly epoch: string
  /** Sequence of the first of them; the others follow without a hole. */
  readonly first: number
}

/** How much one read may return. */
export interface ReadLimits {
  /** With 0 only the state of the stream is asked for. */
  readonly maxEvents: number
  /** Bounds the sum of `bytes`; the first event comes even where it alone is larger. */
  readonly maxBytes: number
}

/** A run of events and the state of the stream at that moment. */
export interface LogPage {
  readonly epoch: string
  /** Without holes; the first is the oldest held event after the asked place. */
  readonly entries: readonly LogEntry[]
  /** Sequence of the oldest held event; `head + 1` where none is held. */
  readonly oldest: number
  /** Sequence of the newest event; 0 where there was none yet. */
  readonly head: number
  readonly ended: boolean
}

/** Where streams live. Every method but `subscribe` may answer at once or by a promise. */
export interface EventLog {
  /**
   * Creates the stream where it is new, and makes every earlier fence invalid.
   *
   * @throws SseServerError `log_full`.
   */
  open(streamId: string): MaybePromise<OpenedStream>

  /**
   * Commits events at the head, in one piece. Their sequences are taken at this moment.
   *
   * @throws SseServerError `fenced`, `stream_ended`, `unknown_stream`, `unknown_append` or `log_full`.
   */
  append(streamId: string, append: Append): MaybePromise<Appended>

  /** Reads events with a sequence greater than `after`. `undefined`: the log does not hold the stream. */
  read(streamId: string, after: number, limits: ReadLimits): MaybePromise<LogPage | undefined>

  /**
   * Calls `wake` when a stream may have changed. It is a hint to read again: it may come late, twice, for nothing or, seldom, not at
   * all. Returns the function that stops it.
   */
  subscribe(streamId: string, wake: () => void): () => void

  /** Drops the events with a sequence below `oldest`, but never the newest event. */
  trim(streamId: string, oldest: number): MaybePromise<void>

  /** Drops the stream. False: it was not there. */
  delete(streamId: string): MaybePromise<boolean>

  /** Gives up timers and connections. */
  close?(): MaybePromise<void>
}
