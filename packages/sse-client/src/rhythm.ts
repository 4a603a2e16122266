import type { Clock } from './clock.js'

/** Comments at a shorter distance, in milliseconds, are no heartbeat but news. */
const shortest = 5_000

/** Returns what to call at each comment. Tells the distance of comments, in milliseconds, once it was the same twice in a row. */
export function findRhythm(clock: Clock, tell: (distance: number) => void): () => void {
  let at: number
  let before: number
  return () => {
    const now = clock.now()
    const distance = now - at
    if (distance >= shortest && Math.abs(distance - before) < distance / 4) tell(distance)
    at = now
    before = distance
  }
}
