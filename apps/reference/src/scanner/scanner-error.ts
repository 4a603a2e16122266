/** What went wrong, for programs. */
export type ScannerErrorCode =
  /** An option has a value it cannot have. */
  | 'invalid_options'
  /** The governance rules are not what they must be. */
  | 'invalid_rules'

const brand = Symbol.for('@x/reference.ScannerError')

/** Misuse of the scanner by its host, found at once. Its message is for the operator and may name paths. */
export class ScannerError extends Error {
  override readonly name = 'ScannerError'
  readonly code: ScannerErrorCode

  constructor(code: ScannerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    Object.defineProperty(this, brand, { value: true })
  }

  /** Whether `value` is a ScannerError, also one of another copy of this module. */
  static isInstance(value: unknown): value is ScannerError {
    return typeof value === 'object' && value !== null && brand in value
  }
}
