/**
 * Runs something after all that this turn of the event loop still does, promises included, so that what one turn published is one
 * write. Taken from the runtime once, which also keeps it real where a test replaces the timers.
 */
export const afterThisTurn: (callback: () => void) => void =
  typeof setImmediate === 'function' ? setImmediate : (callback) => setTimeout(callback, 0)
