/** What platforms take: a longer delay would fire at once. */
const maxTimerMs = 2 ** 31 - 1

/** Calls back once after any number of milliseconds, `Infinity` included, unless the returned function is called before. */
export function startTimer(delayMs: number, callback: () => void): () => void {
  if (delayMs === Number.POSITIVE_INFINITY) return () => undefined
  let timer: ReturnType<typeof setTimeout>
  const wait = (left: number): void => {
    timer = left > maxTimerMs ? setTimeout(() => wait(left - maxTimerMs), maxTimerMs) : setTimeout(callback, left)
  }
  wait(delayMs)
  return () => clearTimeout(timer)
}
