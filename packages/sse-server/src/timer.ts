/** A timer that was started. */
export interface Timer {
  stop(): void
}

/** Beyond this a runtime's own timers fire at once instead of late. */
const longest = 2 ** 31 - 1

const never: Timer = { stop: () => {} }

/** Calls back after any number of milliseconds; `Infinity` is never. It does not keep the process alive. */
export function startTimer(milliseconds: number, callback: () => void): Timer {
  if (milliseconds === Number.POSITIVE_INFINITY) return never
  let handle: ReturnType<typeof setTimeout> | undefined
  let remaining = milliseconds
  const step = (): void => {
    const delay = Math.min(remaining, longest)
    remaining -= delay
    handle = setTimeout(() => (remaining > 0 ? step() : callback()), delay)
    // Only Node's timers hold the process.
    const holder: { unref?: () => void } = handle
    holder.unref?.()
  }
  step()
  return { stop: () => clearTimeout(handle) }
}
