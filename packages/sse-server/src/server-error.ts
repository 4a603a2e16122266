/** What went wrong, for programs. */
export type SseServerErrorCode =
  /** The stream's time is over (`streamTimeout`). A reason of `stream.signal`. */
  | 'stream_timeout'
  /** The run was cancelled. A reason of `stream.signal`. */
  | 'cancelled'
  /** Another producer took the stream over. A reason of `stream.signal`. */
  | 'fenced'
  /** The server shuts down. A reason of `stream.signal`. */
  | 'closing'
  /** The one reader of a generator left. A reason of its signal. */
  | 'disconnected'
  /** The stream has its terminal event (PROTOCOL.md §6.1). */
  | 'stream_ended'
  /** The log has dropped events that are asked for. */
  | 'incomplete'
  /** The log does not hold the stream. */
  | 'unknown_stream'
  /** The type is kept for control events (PROTOCOL.md §2.5). */
  | 'reserved_type'
  /** The contract does not name the type. */
  | 'unknown_type'
  /** `end()` was given an event that is not terminal by the contract. */
  | 'not_terminal'
  /** The contract names a type that no frame can hold, or its failure events do not end the stream. */
  | 'invalid_contract'
  /** The data is longer than `maxPayloadBytes` (PROTOCOL.md §2.4). */
  | 'payload_too_large'
  /** An append repeats a producer number whose events the log no longer holds. */
  | 'unknown_append'
  /** The log is full of events that it may not drop. */
  | 'log_full'

/** The facts of a failure, as far as they apply. */
export interface SseServerErrorDetails {
  readonly streamId?: string | undefined
  /** The event type. */
  readonly type?: string | undefined
  /** Size of the data in bytes of UTF-8. */
  readonly bytes?: number | undefined
  /** The limit that `bytes` is over. */
  readonly maxBytes?: number | undefined
  readonly cause?: unknown
}

const brand = Symbol.for('@x/sse-server.SseServerError')

/** The one error class of this package. */
export class SseServerError extends Error {
  override readonly name = 'SseServerError'
  readonly code: SseServerErrorCode
  readonly streamId: string | undefined
  readonly type: string | undefined
  readonly bytes: number | undefined
  readonly maxBytes: number | undefined

  constructor(code: SseServerErrorCode, message: string, details: SseServerErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.streamId = details.streamId
    this.type = details.type
    this.bytes = details.bytes
    this.maxBytes = details.maxBytes
    Object.defineProperty(this, brand, { value: true })
  }

  /** Whether `value` is an SseServerError, also one of another copy of this package. */
  static isInstance(value: unknown): value is SseServerError {
    return typeof value === 'object' && value !== null && brand in value
  }
}
