/** Where the client takes its time from; replaceable, so that hours of waiting can be tested in no time. */
export interface Clock {
  /** Milliseconds of a clock that goes on while the machine sleeps. */
  now(): number
  setTimeout(callback: () => void, delay: number): unknown
  clearTimeout(timer: unknown): void
}

/** The platform's own, looked up at each call: a page or a test may replace the globals later. */
export const systemClock: Clock = {
  // Not `performance.now`, which stands still in sleep on some platforms.
  now: () => Date.now(),
  setTimeout: (callback, delay) => setTimeout(callback, delay),
  clearTimeout: (timer) => clearTimeout(timer as number | undefined),
}

/** Platforms keep a delay in 32 bits and fire at once beyond that. */
const longestDelay = 2 ** 31 - 1

/** Calls back after any number of milliseconds, also more than a platform's timer can hold, or never. Returns what cancels it. */
export function startTimer(clock: Clock, delay: number, callback: () => void): () => void {
  let timer: unknown
  const wait = (rest: number): void => {
    timer = clock.setTimeout(
      () => (rest > longestDelay ? wait(rest - longestDelay) : callback()),
      Math.min(rest, longestDelay),
    )
  }
  if (delay < Infinity) wait(delay)
  return () => clock.clearTimeout(timer)
}
