/** Whether a value comes later: any thenable, since a log may bring promises of its own, or of another realm. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && (value as { then?: unknown }).then !== undefined
}
