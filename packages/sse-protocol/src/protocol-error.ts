/** What went wrong, for programs. */
export type ProtocolErrorCode =
  /** A type, id or retry that would break a frame or be ignored by readers (PROTOCOL.md §2.2, §2.5). */
  | 'invalid_field'
  /** Data without a JSON text (PROTOCOL.md §2.3). */
  | 'unserialisable_data'

const brand = Symbol.for('@x/sse-protocol.ProtocolError')

/** The one error class of this package: what the encoder was given cannot go on the wire. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode

  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    Object.defineProperty(this, brand, { value: true })
  }

  /** Whether `value` is a ProtocolError, also one of another copy of this package. */
  static isInstance(value: unknown): value is ProtocolError {
    return typeof value === 'object' && value !== null && brand in value
  }
}
