/** A fault of the person who gave the command: told in one line, which never holds a header or a password. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
