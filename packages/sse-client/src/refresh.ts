const running = new WeakMap<() => unknown, Promise<unknown>>()

/** A call that takes too long is forgotten, so that it is not waited for for ever. */
export function forgetRefresh(refresh: () => unknown): void {
  running.delete(refresh)
}

/** Calls a function that renews credentials, unless a call is running: then waits for that one, whichever client made it. */
export function refreshOnce(refresh: () => unknown): Promise<unknown> {
  let call = running.get(refresh)
  if (!call) {
    call = Promise.resolve()
      .then(refresh)
      .finally(() => running.delete(refresh))
    running.set(refresh, call)
  }
  return call
}
