/** An answer that may be there at once. A log in memory answers without a promise, which is the fast path. */
export type MaybePromise<T> = T | Promise<T>

/** An event that is to be appended. */
export interface NewEntry {
  /** Not empty, on one line, and well-formed (PROTOCOL.md §2.2). */
  readonly type: string
  /** One JSON text as `JSON.stringify` writes them: half of a surrogate pair is an escape in it, so that UTF-8 can hold all of it. */
  readonly data: string
  /** Length of `data` in bytes of UTF-8. */
  readonly bytes: number
  /** A JSON text like `data` that is stored beside the event and never sent to a reader. It may be longer than any event. */
  readonly internal?: string | undefined
}

/** An event that the log holds, every text of it as it was appended; without `internal` where there was none. */
export interface LogEntry extends NewEntry {
  /** From 1, without holes in one epoch (PROTOCOL.md §3.2). */
  readonly sequence: number
  /**
   * The event as it goes on the wire, kept here by the server when it is first sent. A log that gives out the same object each time
   * has every event encoded once.
   */
  frame?: Uint8Array | undefined
}

/** What a producer gets that takes a stream over. */
export interface OpenedStream {
  /** Digits and lower-case letters, 8 to 47 of them (PROTOCOL.md §3.1, §3.3). Another one after a `delete`, and no other stream's. */
  readonly epoch: string
  /** A positive integer, greater than every fence that this log gave out for the stream before, also before a `delete`. */
  readonly fence: number
  /** Sequence of the newest event; 0 where there is none. */
  readonly head: number
  readonly ended: boolean
}

/** Events that go into the log together, or not at all. */
export interface Append {
  /** What `open` gave. One that is lower than that of the newest `open` is refused. */
  readonly fence: number
  /**
   * A positive integer that grows with each append under one fence; it may leave numbers out. A repeated number is the same append again,
   * whatever it brings: it takes no second place and answers the first one, also where other appends or the end came between, or where
   * the first is still under way. Once no event of it is held it may also be refused as `unknown_append`, as is a number that did not
   * arrive before a greater one.
   */
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

/** How much one read may return; `Infinity` is any amount. A log may give less, but one event where there is one. */
export interface ReadLimits {
  /** With 0 only the state of the stream is asked for. */
  readonly maxEvents: number
  /** Bounds the sum of `bytes`; the first event comes even where it alone is larger. */
  readonly maxBytes: number
}

/** A run of events and the state of the stream, both of one moment. */
export interface LogPage {
  readonly epoch: string
  /** Without holes; the first is the oldest held event after the asked place. None where that is the head or beyond it. */
  readonly entries: readonly LogEntry[]
  /** Sequence of the oldest held event; `head + 1` where none is held. */
  readonly oldest: number
  /** Sequence of the newest event; 0 where there was none yet. */
  readonly head: number
  readonly ended: boolean
}

/**
 * Where streams live. Every method but `subscribe` may answer, or fail, at once or by a promise. Any well-formed text of 1 to 256
 * characters is the id of a stream, and no two of them are the same. The contract suite `@x/sse-server/testing` checks what is said here,
 * `log_full` and `close` aside.
 */
export interface EventLog {
  /**
   * Creates the stream where it is new, and makes every earlier fence invalid. It changes nothing else, also where the stream has ended.
   * Where several are at once, the greatest fence is the valid one.
   *
   * @throws SseServerError `log_full`.
   */
  open(streamId: string): MaybePromise<OpenedStream>

  /**
   * Commits events at the head, in one piece: no read sees some of them without the others. Their sequences are taken at this moment.
   * Every read that begins after the answer sees them. What is refused stores nothing; what fails otherwise may have been committed,
   * and can be repeated under its number. The reasons to refuse are looked at in this order: the stream is unknown, the fence, the
   * number (one that was committed is answered), the end, the room.
   *
   * @throws SseServerError `fenced`, `stream_ended`, `unknown_stream`, `unknown_append` or `log_full`.
   */
  append(streamId: string, append: Append): MaybePromise<Appended>

  /**
   * Reads events with a sequence greater than `after`, a whole number from 0 to 2^53 − 1. `undefined`: the log does not hold the stream.
   * It changes nothing.
   */
  read(streamId: string, after: number, limits: ReadLimits): MaybePromise<LogPage | undefined>

  /**
   * Calls `wake` when a stream may have changed: it was created, appended to or deleted, and a read shows it. It is a hint to read again: it
   * may come late, twice, for nothing or, seldom, not at all. The subscription is to the name, whether or not there is such a stream.
   * `wake` does not throw; it may be called while another method runs, and may itself use the log, subscribe and unsubscribe.
   * Returns the function that stops it, after which it is not called again; each call of `subscribe` is to be stopped by its own.
   */
  subscribe(streamId: string, wake: () => void): () => void

  /** Drops the events with a sequence below `oldest`, but never the newest event. Nothing happens where there is no such stream. */
  trim(streamId: string, oldest: number): MaybePromise<void>

  /** Drops the stream, whether it has ended or not. False: it was not there. */
  delete(streamId: string): MaybePromise<boolean>

  /** Gives up timers and connections. */
  close?(): MaybePromise<void>
}
