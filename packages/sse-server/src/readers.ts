import type { EventLog } from './event-log.js'
import { PageEncoder } from './frames.js'

/**
 * Runs something after all that this turn of the event loop still does, promises included, so that what one turn published is one
 * write. Taken from the runtime once, which also keeps it real where a test replaces the timers.
 */
const afterThisTurn: (callback: () => void) => void =
  typeof setImmediate === 'function' ? setImmediate : (callback) => setTimeout(callback, 0)

/** What all connections of one stream share: one subscription to the log, one wake-up per turn, and the encoder. */
export interface Channel {
  readonly encoder: PageEncoder
  leave(): void
}

interface Shared {
  readonly encoder: PageEncoder
  readonly wakes: Set<() => void>
  readonly unsubscribe: () => void
}

/** The readers of all streams. */
export class Readers {
  readonly #log: EventLog
  readonly #streams = new Map<string, Shared>()

  constructor(log: EventLog) {
    this.#log = log
  }

  /** From now on `wake` is called after each turn in which the stream may have changed, until `leave`. */
  join(streamId: string, wake: () => void): Channel {
    let shared = this.#streams.get(streamId)
    if (shared === undefined) {
      shared = this.#share(streamId)
      this.#streams.set(streamId, shared)
    }
    const { encoder, wakes, unsubscribe } = shared
    wakes.add(wake)
    return {
      encoder,
      leave: () => {
        if (!wakes.delete(wake) || wakes.size > 0) return
        unsubscribe()
        this.#streams.delete(streamId)
      },
    }
  }

  #share(streamId: string): Shared {
    const wakes = new Set<() => void>()
    let isDue = false
    const unsubscribe = this.#log.subscribe(streamId, () => {
      if (isDue) return
      isDue = true
      afterThisTurn(() => {
        isDue = false
        for (const wake of wakes) wake()
      })
    })
    return { encoder: new PageEncoder(), wakes, unsubscribe }
  }
}
