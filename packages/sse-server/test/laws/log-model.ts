import { deepStrictEqual } from 'node:assert/strict'
import { parseEventId } from '@x/sse-protocol'
import {
  type Append,
  type Appended,
  type EventLog,
  type LogPage,
  type MaybePromise,
  MemoryEventLog,
  type OpenedStream,
  type ReadLimits,
} from '../../src/index.js'

const stateOnly = { maxEvents: 0, maxBytes: 0 }

/** What the log holds at one moment. */
export interface LogState {
  readonly epoch: string
  /** Sequence of the oldest held event. */
  readonly oldest: number
  readonly head: number
  readonly ended: boolean
}

/** How late a log is, in turns of the event loop. */
export interface Pace {
  /** Turns until a read is answered; 0: at once. */
  readonly reads: number
  /** A late answer shows what is there then, and not what was there when it was asked for. */
  readonly isFresh: boolean
  /** Turns after which each wake-up comes; one or two for each change. */
  readonly wakes: readonly number[]
}

async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve))
}

/** A log that counts its listeners, and tells at once when it creates a stream. */
export class WatchedLog implements EventLog {
  readonly memory: MemoryEventLog
  listeners = 0
  readonly #pace: Pace
  readonly #onCreated: (epoch: string) => void

  constructor(memory: MemoryEventLog, pace: Pace, onCreated: (epoch: string) => void) {
    this.memory = memory
    this.#pace = pace
    this.#onCreated = onCreated
  }

  open(streamId: string): OpenedStream {
    const isNew = this.memory.read(streamId, 0, stateOnly) === undefined
    const opened = this.memory.open(streamId)
    if (isNew) this.#onCreated(opened.epoch)
    return opened
  }

  append(streamId: string, append: Append): Appended {
    return this.memory.append(streamId, append)
  }

  read(streamId: string, after: number, limits: ReadLimits): MaybePromise<LogPage | undefined> {
    const look = (): LogPage | undefined => this.memory.read(streamId, after, limits)
    const { reads, isFresh } = this.#pace
    if (reads > 0 && isFresh) return turns(reads).then(look)
    const page = look()
    return reads === 0 ? page : turns(reads).then(() => page)
  }

  subscribe(streamId: string, wake: () => void): () => void {
    this.listeners += 1
    const leave = this.memory.subscribe(streamId, () => {
      for (const late of this.#pace.wakes) {
        if (late === 0) wake()
        else void turns(late).then(wake)
      }
    })
    return () => {
      this.listeners -= 1
      leave()
    }
  }

  trim(streamId: string, oldest: number): void {
    this.memory.trim(streamId, oldest)
  }

  delete(streamId: string): boolean {
    return this.memory.delete(streamId)
  }
}

/** All that a log of one stream went through, by the simplest rules; where the log differs from it, that is an error. */
export class LogModel {
  readonly log: WatchedLog
  /** One for each change. */
  readonly states: LogState[] = []
  exists = false
  /** Grows with whatever may end connections. */
  excuses = 0
  readonly #maxEvents: number
  readonly #events = new Map<string, { type: string; data: string }[]>()

  constructor(maxEvents: number, pace: Pace) {
    this.#maxEvents = maxEvents
    this.log = new WatchedLog(new MemoryEventLog({ maxEvents }), pace, (epoch) => {
      this.exists = true
      this.#events.set(epoch, [])
      this.states.push({ epoch, oldest: 1, head: 0, ended: false })
    })
  }

  get state(): LogState {
    return this.states.at(-1)!
  }

  get head(): string {
    return `${this.state.epoch}-${this.state.head}`
  }

  event(epoch: string, sequence: number): { type: string; data: string } | undefined {
    return this.#events.get(epoch)?.[sequence - 1]
  }

  append(type: string, data: unknown): void {
    const { epoch, oldest } = this.state
    const events = this.#events.get(epoch)!
    const head = events.push({ type, data: JSON.stringify(data) })
    this.states.push({ epoch, head, oldest: Math.max(oldest, head - this.#maxEvents + 1), ended: type === 'done' })
  }

  /** The page that a reader should get from a cursor (PROTOCOL.md §7.2). */
  page(cursor: string): unknown {
    const { epoch, oldest, head, ended } = this.state
    const asked = cursor === '' ? { epoch, sequence: 0 } : parseEventId(cursor)!
    const reason =
      asked.epoch !== epoch
        ? 'epoch'
        : asked.sequence > head
          ? 'ahead'
          : asked.sequence < oldest - 1
            ? 'evicted'
            : undefined
    const first = reason === undefined ? asked.sequence + 1 : oldest
    const missed = reason === 'evicted' ? first - asked.sequence - 1 : null
    const gap = { requested: cursor || null, oldest: `${epoch}-${first}`, head: this.head, missed, reason }
    const events = this.#events.get(epoch)!.map(({ type, data }, place) => ({
      id: `${epoch}-${place + 1}`,
      type,
      data: JSON.parse(data),
    }))
    return {
      events: events.slice(first - 1),
      lastEventId: this.head,
      done: ended,
      ...(reason !== undefined && { gap }),
      ...(ended && { result: events.at(-1)!.data }),
    }
  }

  /** All but the newest events are dropped. */
  trim(keep: number): void {
    const { head, oldest } = this.state
    const first = Math.max(oldest, head - keep + 1)
    this.log.trim('s', first)
    this.states.push({ ...this.state, oldest: first })
  }

  remove(): void {
    this.log.delete('s')
    this.exists = false
    this.excuses += 1
  }

  check(): void {
    const page = this.log.memory.read('s', 0, stateOnly)
    deepStrictEqual(page, this.exists ? { ...this.state, entries: [] } : undefined)
  }
}
