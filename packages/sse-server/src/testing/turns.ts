// Taken from the runtime once, so that it stays real where a test replaces the timers.
const nextTurn: (callback: () => void) => void =
  typeof setImmediate === 'function' ? setImmediate : (callback) => setTimeout(callback, 0)

/** Calls back after some turns of the event loop, at least one. */
export function afterTurns(turns: number, callback: () => void): void {
  nextTurn(() => (turns > 1 ? afterTurns(turns - 1, callback) : callback()))
}

/** Resolves after some turns of the event loop; with 0 in this one. */
export function passTurns(turns: number): Promise<void> {
  return turns > 0 ? new Promise((resolve) => afterTurns(turns, resolve)) : Promise.resolve()
}
