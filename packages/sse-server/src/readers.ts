import { afterThisTurn } from './after-this-turn.js'
import type { EventLog } from './event-log.js'
import { PageEncoder } from './frames.js'

/** What all connections of one stream share: one subscription to the log, one wake-up per turn, the encoder, and what was seen last. */
class SharedReader {
  readonly encoder = new PageEncoder()
  readonly wakes = new Set<() => void>()
  epoch = ''
  head = 0
  readonly #unsubscribe: () => void
  #isDue = false

  constructor(log: EventLog, streamId: string) {
    this.#unsubscribe = log.subscribe(streamId, () => {
      if (this.#isDue) return
      this.#isDue = true
      afterThisTurn(() => {
        this.#isDue = false
        for (const wake of this.wakes) wake()
      })
    })
  }

  close(): void {
    this.#unsubscribe()
  }
}

/** A connection's part in what the readers of its stream share. */
export interface Channel {
  readonly encoder: PageEncoder
  /** The stream's epoch and newest event, as far as any of the readers saw it. */
  epoch: string
  head: number
}

/** The readers of all streams of one log. */
export class Readers {
  readonly #log: EventLog
  readonly #streams = new Map<string, SharedReader>()

  constructor(log: EventLog) {
    this.#log = log
  }

  /** From now on `wake` is called after each turn in which the stream may have changed, until `leave` with the same. */
  join(streamId: string, wake: () => void): Channel {
    let shared = this.#streams.get(streamId)
    if (shared === undefined) {
      shared = new SharedReader(this.#log, streamId)
      this.#streams.set(streamId, shared)
    }
    shared.wakes.add(wake)
    return shared
  }

  leave(streamId: string, wake: () => void): void {
    const shared = this.#streams.get(streamId)
    if (shared === undefined || !shared.wakes.delete(wake) || shared.wakes.size > 0) return
    shared.close()
    this.#streams.delete(streamId)
  }
}
