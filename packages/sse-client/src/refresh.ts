const running = new WeakMap<() => unknown, Promise<unknown>>()

/** A call that takes too long is forgotten, so that it is not waited for for ever. */
export function forgetRefresh(refresh: () => unknown, call: Promise<unknown> | undefined): void {
  if (running.get(refresh) === call) running.delete(refresh)
}

/** Calls a function that renews credentials, unless a call is running: then waits for that one, whichever client made it. */
export function refreshOnce(refresh: () => unknown): Promise<unknown> {
  const before = running.get(refresh)
  if (before) return before
  const call: Promise<unknown> = Promise.resolve()
    .then(refresh)
    .finally(() => forgetRefresh(refresh, call))
  running.set(refresh, call)
  return call
}
