const listeners = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Has a function called when a signal is aborted, until the returned function is called. However many listen to one signal, it has one listener:
 * platforms take more than a few for a leak, but one signal for all executions of a process is nothing unusual.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const those = listeners.get(signal) ?? listenTo(signal)
  those.add(listener)
  return () => {
    if (those.delete(listener) && those.size === 0) forget(signal)
  }
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const those = new Set<() => void>()
  listeners.set(signal, those)
  signal.addEventListener('abort', tell)
  return those
}

function forget(signal: AbortSignal): void {
  listeners.delete(signal)
  signal.removeEventListener('abort', tell)
}

function tell(this: AbortSignal): void {
  for (const listener of listeners.get(this) ?? []) listener()
}
