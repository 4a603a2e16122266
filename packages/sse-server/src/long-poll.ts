import type { EventId } from '@x/sse-protocol'
import { pageLimits } from './event-page.js'
import type { Exchange } from './exchange.js'
import { isAtEnd, type LocatedPage, readAfter } from './position.js'
import { finishLive, type Live, type ServerCore } from './server-core.js'
import { startTimer } from './timer.js'

/** Whether an answer would hold no event and is not the last one, so that it may be held back (PROTOCOL.md §7.3). */
export function isWorthWaiting(located: LocatedPage): boolean {
  return located.page.entries.length === 0 && !isAtEnd(located)
}

/**
 * Waits until there is something to answer, the time is over, the client is gone or the server closes, and reads again. `undefined`: the
 * log no longer holds the stream.
 */
export async function waitForPage(
  core: ServerCore,
  exchange: Exchange,
  streamId: string,
  cursor: EventId | undefined,
  milliseconds: number,
): Promise<LocatedPage | undefined> {
  let isOver = false
  let isStale = true
  let resume: (() => void) | undefined
  const look = (): void => {
    isStale = true
    resume?.()
  }
  const stop = (): void => {
    isOver = true
    look()
  }
  const live: Live = {
    drain: stop,
    destroy: () => {
      stop()
      // The log may never answer the read under way.
      finishLive(core, live)
    },
  }
  // Joined before the first read, or an event between the two would wake nobody.
  const reading = { wake: look }
  core.readers.join(streamId, reading)
  const timer = startTimer(milliseconds, stop)
  core.live.add(live)
  exchange.onGone(stop)
  try {
    for (;;) {
      if (!isStale) {
        await new Promise<void>((resolve) => {
          resume = resolve
        })
      }
      isStale = false
      // Read before the flag of the end: at the end of the time one more look is due, should a wake-up have been lost.
      const isLast = isOver
      const located = await readAfter(core.log, streamId, cursor, pageLimits)
      if (located === undefined || isLast || !isWorthWaiting(located)) return located
    }
  } finally {
    timer.stop()
    core.readers.leave(streamId, reading)
    finishLive(core, live)
  }
}
