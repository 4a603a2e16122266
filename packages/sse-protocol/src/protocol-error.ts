/** What went wrong, for programs. */
export type ProtocolErrorCode =
  /** A type, id or retry that would break a frame or be ignored by readers (PROTOCOL.md §2.2, §2.5). */
  | 'invalid_field'
  /** Data without a JSON text (PROTOCOL.md §2.3). */
  | 'unserialisable_data'
  /** Data that does not satisfy the schema of its type: `type` and `issues` say where. */
  | 'invalid_data'

/** One thing that is wrong with an event's data, in the words of its schema. */
export interface DataIssue {
  readonly message: string
  /** JSON Pointer into the data (RFC 6901). */
  readonly pointer: string
}

const brand = Symbol.for('@x/sse-protocol.ProtocolError')

/** What an error knows beside its code; which of it is there depends on the code. */
export interface ProtocolErrorDetails {
  /** With `invalid_data`: the type of the event. */
  readonly type?: string | undefined
  /** With `invalid_data`: all that is wrong. Empty where the schema threw instead of saying so. */
  readonly issues?: readonly DataIssue[] | undefined
}

/** The one error class of this package: something cannot go on the wire, or should not have come over it as it is. */
export class ProtocolError extends Error implements ProtocolErrorDetails {
  override readonly name = 'ProtocolError'
  declare readonly code: ProtocolErrorCode
  declare readonly type: string | undefined
  declare readonly issues: readonly DataIssue[] | undefined

  constructor(code: ProtocolErrorCode, message: string, details?: ErrorOptions & ProtocolErrorDetails) {
    super(message, details)
    Object.assign(this, details, { code })
    Object.defineProperty(this, brand, { value: true })
  }

  /** Whether `value` is a ProtocolError, also one of another copy of this package. */
  static isInstance(value: unknown): value is ProtocolError {
    return typeof value === 'object' && value !== null && brand in value
  }
}
