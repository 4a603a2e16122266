/** Calls back in another turn of the event loop, unless the returned function is called before. */
export function inAnotherTurn(callback: () => void): () => void {
  if (typeof setImmediate === 'function') {
    const immediate = setImmediate(callback)
    return () => clearImmediate(immediate)
  }
  const timer = setTimeout(callback, 0)
  return () => clearTimeout(timer)
}

/** Resolves in another turn of the event loop. */
export function anotherTurn(): Promise<void> {
  return new Promise((resolve) => void inAnotherTurn(resolve))
}
