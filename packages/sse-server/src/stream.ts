import type { EventOf, FailureReason } from '@x/sse-protocol'

/** Data as it is published: a `timestamp` may be left to the server. */
export type PublishData<Data> = Data extends { timestamp: string }
  ? Omit<Data, 'timestamp'> & { timestamp?: string | undefined }
  : Data

export interface PublishOptions {
  /** Anything with a JSON text, stored beside the event and never sent to a reader. */
  readonly internal?: unknown
}

/**
 * A stream as its one producer holds it. Events are checked in this order, all before one takes a sequence: the stream has not ended,
 * the type is not reserved, the contract names it, the data has a JSON text, it is not too large, the type's schema accepts it as it
 * was given, with its `timestamp`. What is sent is what was given, never the schema's output. Calls take effect in their order, awaited
 * or not.
 */
export interface Stream<Events extends object> {
  readonly id: string
  /** PROTOCOL.md §3.3. */
  readonly epoch: string
  /** Event id of the newest event that the log acknowledged to this producer. */
  readonly head: string
  /** Whether the terminal event was accepted. */
  readonly ended: boolean
  /** Aborted when the run should stop: its reason is an SseServerError `stream_timeout`, `cancelled`, `fenced` or `closing`. */
  readonly signal: AbortSignal

  /**
   * Appends an event and resolves with its event id when the log holds it. A terminal event ends the stream. With a `timestamped`
   * contract an object without `timestamp` is given one.
   *
   * @throws SseServerError `stream_ended`, `reserved_type`, `unknown_type`, `payload_too_large` or `fenced`; ProtocolError
   * `unserialisable_data` or `invalid_data`, with the `issues` of the schema; TypeError where the schema is asynchronous.
   */
  publish<Type extends keyof Events & string>(
    type: Type,
    data: PublishData<Events[Type]>,
    options?: PublishOptions,
  ): Promise<string>

  /**
   * Appends the terminal event.
   *
   * @throws SseServerError `not_terminal` where the contract does not say so of it, and as `publish` does.
   */
  end<Type extends keyof Events & string>(
    type: Type,
    data: PublishData<Events[Type]>,
    options?: PublishOptions,
  ): Promise<string>

  /**
   * Appends the contract's failure events, of which the last is terminal. The message is public. Nothing happens after the end.
   * One that its own schema refuses is appended nevertheless, and the refusal is dispatched as an `error` event of the server.
   */
  fail(reason: FailureReason): Promise<void>

  /** A WritableStream of events, each of which is published. Neither closing nor aborting it ends the stream. */
  writable(): WritableStream<EventOf<Events>>
}
