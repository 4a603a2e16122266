import { afterThisTurn } from './after-this-turn.js'
import type { EventLog } from './event-log.js'
import { PageEncoder } from './frames.js'

/** Whoever wants to know that a stream may have changed. */
export interface Reading {
  wake(): void
}

/** Wakes the readers of all streams that changed, once for each turn. */
class Turns {
  #changed: SharedReader[] = []

  add(reader: SharedReader): void {
    this.#changed.push(reader)
    if (this.#changed.length > 1) return
    afterThisTurn(() => {
      const changed = this.#changed
      this.#changed = []
      for (const one of changed) one.wakeAll()
    })
  }
}

/** What all connections of one stream share: one subscription to the log, one wake-up per turn, the encoder, and what was seen last. */
class SharedReader {
  readonly encoder: PageEncoder
  readonly readings = new Set<Reading>()
  epoch = ''
  head = 0
  readonly #unsubscribe: () => void
  #isDue = false

  constructor(log: EventLog, streamId: string, encoder: PageEncoder, turns: Turns) {
    this.encoder = encoder
    this.#unsubscribe = log.subscribe(streamId, () => {
      if (this.#isDue) return
      this.#isDue = true
      turns.add(this)
    })
  }

  wakeAll(): void {
    this.#isDue = false
    for (const reading of this.readings) reading.wake()
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
  readonly #encoder = new PageEncoder()
  readonly #turns = new Turns()

  constructor(log: EventLog) {
    this.#log = log
  }

  /** From now on it is woken after each turn in which the stream may have changed, until it leaves. */
  join(streamId: string, reading: Reading): Channel {
    let shared = this.#streams.get(streamId)
    if (shared === undefined) {
      shared = new SharedReader(this.#log, streamId, this.#encoder, this.#turns)
      this.#streams.set(streamId, shared)
    }
    shared.readings.add(reading)
    return shared
  }

  leave(streamId: string, reading: Reading): void {
    const shared = this.#streams.get(streamId)
    if (shared === undefined || !shared.readings.delete(reading) || shared.readings.size > 0) return
    this.#streams.delete(streamId)
    shared.close()
  }
}
