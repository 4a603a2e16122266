import type { Drop } from './machine.js'
import type { Problem } from './problem.js'
import type { StreamGap } from './stream-gap.js'

/** Why a stream's `done` rejects, for programs. */
export type EventStreamErrorCode =
  /** The server refused: `status` and, where it sent one, its `problem` document say why. */
  | 'rejected'
  /** Too many connections in a row failed: `attempts` of them, the last by `drop`. */
  | 'exhausted'
  /** The signal was aborted, `cause` is its reason; or a `for await` was running when `close()` was called. */
  | 'aborted'
  /** Events are lost for good: `gap` says which (PROTOCOL.md §4.5, §5.3). */
  | 'gap'
  /** The connection was lost, and repeating its request could start the work a second time. */
  | 'unresumable'
  /** What came is not what the contract promises, or the request could not be made: `cause` says why. */
  | 'failed'

/** All that is known about a failure, as a value. */
export interface EventStreamFailure {
  readonly code: EventStreamErrorCode
  readonly message: string
  readonly cause?: unknown
  readonly status?: number | undefined
  readonly problem?: Problem | undefined
  readonly retryAfter?: number | undefined
  readonly gap?: StreamGap | undefined
  readonly drop?: Drop | undefined
  readonly attempts?: number | undefined
  readonly event?: { readonly type: string; readonly id: string | undefined } | undefined
}

const brand = Symbol.for('@x/sse-client.EventStreamError')

/** The one error class of this package: a stream that did not end with its terminal event. */
export class EventStreamError extends Error {
  declare readonly code: EventStreamErrorCode
  /** With `rejected`, and with `gap` for a stream that is gone: the status of the answer. */
  declare readonly status: number | undefined
  /** The answer's problem document (RFC 9457), where it had one. */
  declare readonly problem: Problem | undefined
  /** Milliseconds to wait, where the refusal said so. */
  declare readonly retryAfter: number | undefined
  /** With `gap`: what is missing. */
  declare readonly gap: StreamGap | undefined
  /** With `exhausted` and `unresumable`: how the last connection was lost. */
  declare readonly drop: Drop | undefined
  /** With `exhausted`: how many connections failed in a row. */
  declare readonly attempts: number | undefined
  /**
   * With `failed` by an event: which one, before which the cursor stays. Where a schema refused its data, `cause` is the ProtocolError
   * `invalid_data`, with `issues`.
   */
  declare readonly event: { readonly type: string; readonly id: string | undefined } | undefined

  constructor(failure: EventStreamFailure) {
    super(failure.message)
    Object.assign(this, failure, { name: 'EventStreamError', [brand]: true })
  }

  /** Whether `value` is an EventStreamError, also one of another copy of this package. */
  static isInstance(value: unknown): value is EventStreamError {
    return Object(value)[brand] === true
  }
}
