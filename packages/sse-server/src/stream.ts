import type { EventOf, FailureReason } from '@x/sse-protocol'
import type { TextChunk, TextSource } from './text-pipe.js'

/** Data as it is published: a `timestamp` may be left to the server. */
export type PublishData<Data> = Data extends { timestamp: string }
  ? Omit<Data, 'timestamp'> & { timestamp?: string | undefined }
  : Data

/** An event as it is published with others. */
export type PublishEvent<Events extends object> = {
  [Type in keyof Events & string]: { type: Type; data: PublishData<Events[Type]>; internal?: unknown }
}[keyof Events & string]

/** An event as the log keeps it. */
export interface StoredEvent {
  readonly id: string
  readonly type: string
  readonly data: unknown
  /** What was stored beside it; left out where nothing was. */
  readonly internal?: unknown
}

/** The types whose data is a piece of a text. */
type TextType<Events extends object> = {
  [Type in keyof Events & string]: TextChunk extends PublishData<Events[Type]> ? Type : never
}[keyof Events & string]

export interface PipeTextOptions<Events extends object> {
  /**
   * The type of the chunks' events; its data is `{text, index, offset}` (PROTOCOL.md §8.2).
   * @default 'agent:chunk'
   */
  readonly type?: TextType<Events> | undefined
  /**
   * Where the text goes on, for a stream that was taken over. Only the first call counts it.
   * @default { index: 0, offset: 0 }
   */
  readonly from?: Pick<TextChunk, 'index' | 'offset'> | undefined
}

/** Where the contract has no `agent:chunk`, the type has to be said. */
export type PipeTextArguments<Events extends object> =
  'agent:chunk' extends TextType<Events>
    ? [options?: PipeTextOptions<Events>]
    : [options: PipeTextOptions<Events> & { readonly type: TextType<Events> }]

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
  /**
   * Aborted when the run should stop: its reason is an SseServerError `stream_timeout`, `cancelled`, `fenced` or `closing`, and for a
   * generator also `disconnected`.
   */
  readonly signal: AbortSignal

  /**
   * Appends an event and resolves with its event id when the log holds it. A terminal event ends the stream. With a `timestamped`
   * contract an object without `timestamp` is given one.
   *
   * @throws SseServerError `stream_ended`, `reserved_type`, `unknown_type`, `payload_too_large`, `fenced`, `log_full`, `unknown_stream` where the
   * log has dropped the stream, or `closing` where the log went with its server; ProtocolError
   * `unserialisable_data` or `invalid_data`, with the `issues` of the schema; TypeError where the schema is asynchronous.
   */
  publish<Type extends keyof Events & string>(
    type: Type,
    data: PublishData<Events[Type]>,
    options?: PublishOptions,
  ): Promise<string>

  /**
   * Appends several events, together or not at all, and resolves with the id of the last one when the log holds them. Only the last one may be
   * terminal; an empty list is nothing.
   *
   * @throws As `publish` does, with nothing appended; SseServerError `stream_ended` where an event would follow the terminal one.
   */
  publishAll(events: readonly PublishEvent<Events>[]): Promise<string>

  /**
   * Publishes a text as it comes, in chunks that readers put together again (PROTOCOL.md §8.2), and resolves with the whole of it. One call
   * goes on where the one before ended. Long pieces are cut, short ones wait for each other while the log is busy; where it falls far
   * behind, the source waits.
   *
   * @throws What the source throws, and as `publish` does; the signal's reason, once that aborts: the source is then closed. A text that is
   * there already, as an array of it, is published in any case.
   * @example const text = await stream.pipeText(streamText({ model, prompt, abortSignal: stream.signal }).textStream)
   */
  pipeText(source: TextSource, ...options: PipeTextArguments<Events>): Promise<string>

  /**
   * All events of the stream, with what was stored beside them: for a producer that goes on where another one stopped.
   *
   * @throws SseServerError `incomplete` where the log has dropped some; `unknown_stream` where it holds none of it.
   */
  entries(): Promise<StoredEvent[]>

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
