import type { Append, Appended, EventLog, NewEntry, OpenedStream } from '../event-log.js'
import { utf8Length } from '../utf8-length.js'

/** An entry with a data text, which need not be the JSON of anything in particular. */
export function entryOf(data: string, internal?: string, type = 'tick'): NewEntry {
  return { type, data, bytes: utf8Length(data), internal }
}

/** A producer: what `open` gave, and the numbers of its appends. */
export class Writer {
  readonly opened: OpenedStream
  readonly #log: EventLog
  readonly #streamId: string
  #number = 0

  constructor(log: EventLog, streamId: string, opened: OpenedStream) {
    this.#log = log
    this.#streamId = streamId
    this.opened = opened
  }

  /** Appends events together under the next number. */
  async append(...data: string[]): Promise<Appended> {
    this.#number += 1
    return this.send(this.#number, data)
  }

  /** Appends events together under the next number, the last of which ends the stream. */
  async end(...data: string[]): Promise<Appended> {
    this.#number += 1
    return this.send(this.#number, data, { end: true })
  }

  /** Appends under any number, and with any fence. */
  async send(
    producerNumber: number,
    data: readonly (string | NewEntry)[],
    rest: Partial<Append> = {},
  ): Promise<Appended> {
    this.#number = Math.max(this.#number, producerNumber)
    const entries = data.map((one) => (typeof one === 'string' ? entryOf(one) : one))
    return this.#log.append(this.#streamId, { fence: this.opened.fence, producerNumber, entries, ...rest })
  }
}
