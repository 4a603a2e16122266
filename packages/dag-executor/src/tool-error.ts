const brand = Symbol.for('@x/dag-executor.ToolError')

/** Codes of the failures that the executor itself finds. A tool's own ToolError has any code it likes. */
export type TaskFailureCode =
  /** The arguments do not match the tool's schema. */
  | 'invalid_arguments'
  /** An output has no value where a reference points. */
  | 'unresolved_reference'
  /** An attempt was out of its time. */
  | 'timeout'
  /** The task was running when the execution was cancelled, or stopped by `fail-fast`. */
  | 'cancelled'
  /** As `cancelled`, but the tool had not come back when the grace was over. */
  | 'abandoned'
  /** There is a journal, and the output has no JSON text: a BigInt, a function, a cycle. */
  | 'unserialisable_output'
  /** The tool threw something that is no ToolError. */
  | 'task_failed'

/**
 * A failure whose message is meant for the public: a tool throws it, and the message appears in events as it is. Any other
 * thrown value is private (PROTOCOL.md §8.6).
 *
 * @example throw new ToolError('not_found', 'There is no such page.', { cause: response })
 */
export class ToolError extends Error {
  override readonly name = 'ToolError'
  /** For programs. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    Object.defineProperty(this, brand, { value: true })
  }

  /** Whether `value` is a ToolError, also one of another copy of this package. Never throws, whatever the value. */
  static isInstance(value: unknown): value is ToolError {
    try {
      return typeof value === 'object' && value !== null && brand in value
    } catch {
      // A Proxy may throw on any question; it is then not one of ours.
      return false
    }
  }
}
