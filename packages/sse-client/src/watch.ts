import { type Clock, startTimer } from './clock.js'

/** Milliseconds between two looks at the clock where nothing is due. */
const longestLook = 15_000

/** A timer that is later than this was not late: the machine slept. Browsers keep timers of hidden tabs to one in a minute. */
const asleep = 75_000

/** Looks after a connection: says when something took too long, and when the machine slept (the clock jumped). */
export interface Watch {
  /** Calls back once `limit` milliseconds have passed without a `touch`; 0: never. Replaces what was waited for before. */
  expect(limit: number, onLate: () => void): void
  /** Something came. */
  touch(): void
  /** Nobody looks while `true`: what does not come then is the reader's own doing. */
  paused: boolean
  stop(): void
}

export function startWatch(clock: Clock, onWake: () => void): Watch {
  let limit = 0
  let touched = 0
  let callBack = (): void => {}
  let cancel = (): void => {}
  let isStopped = false
  const look = (): void => {
    cancel()
    if (isStopped) return
    const now = clock.now()
    const delay = limit ? Math.min(Math.max(1, touched + limit - now), longestLook) : longestLook
    cancel = startTimer(clock, delay, () => {
      const late = clock.now() - now - delay
      // A clock that was set back makes nothing late.
      // Nor is anything late that nobody could see come: after sleep the connection, if it is kept, has its whole time again.
      touched = watch.paused || late > asleep ? clock.now() : Math.min(touched, clock.now())
      look()
      if (late > asleep) onWake()
      else if (limit && clock.now() - touched >= limit) {
        limit = 0
        callBack()
      }
    })
  }
  const watch: Watch = {
    paused: false,
    expect(newLimit, onLate) {
      limit = newLimit === Infinity ? 0 : newLimit
      callBack = onLate
      watch.touch()
      look()
    },
    touch() {
      touched = clock.now()
    },
    stop() {
      isStopped = true
      cancel()
    },
  }
  return watch
}
