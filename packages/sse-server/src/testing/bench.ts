import type { EventLog, LogEntry, LogPage, ReadLimits } from '../event-log.js'
import { SseServerError, type SseServerErrorCode } from '../server-error.js'
import type { EventLogContractOptions } from './event-log-contract.js'
import { expectSame, expectThat, show, Unmet } from './expectation.js'
import { inTime } from './in-time.js'
import { Watcher } from './watcher.js'
import { Writer } from './writer.js'

export const everything: ReadLimits = { maxEvents: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY }
export const stateOnly: ReadLimits = { maxEvents: 0, maxBytes: 0 }

/** A case of the contract. */
export type Check = (bench: Bench) => Promise<void>

/** What a case works with: a fresh log, and the means to use it and to say what came. */
export class Bench {
  readonly options: EventLogContractOptions
  #log: EventLog
  readonly #logs: Set<EventLog>
  readonly #watchers: Watcher[] = []

  constructor(options: EventLogContractOptions, log: EventLog) {
    this.options = options
    this.#log = log
    this.#logs = new Set([log])
  }

  /** Runs a case on a log of its own, and gives everything up after it. */
  static async run(options: EventLogContractOptions, check: Check): Promise<void> {
    const bench = new Bench(options, await options.create())
    try {
      await check(bench)
    } catch (error) {
      // What the case found is worth more than what giving up finds after it.
      await bench.#giveUp().catch(() => undefined)
      // Its own text may say nothing of the log.
      throw error instanceof Unmet
        ? error
        : new Unmet(`Expected the log not to throw, got ${show(error)}`, { cause: error })
    }
    await bench.#giveUp()
  }

  get log(): EventLog {
    return this.#log
  }

  /** Goes on with the log that is opened again. */
  async reopen(): Promise<void> {
    this.#logs.delete(this.#log)
    this.#log = await this.options.reopen!(this.#log)
    this.#logs.add(this.#log)
  }

  /** Another log over the same storage. */
  async peer(): Promise<EventLog> {
    const peer = await this.options.peer!(this.#log)
    this.#logs.add(peer)
    return peer
  }

  async open(streamId = 's', log = this.#log): Promise<Writer> {
    return new Writer(log, streamId, await log.open(streamId))
  }

  watch(streamId = 's', log = this.#log): Watcher {
    const watcher = new Watcher(log, streamId, this.#wakeWithin)
    this.#watchers.push(watcher)
    return watcher
  }

  /** Waits for something that a wake-up brings about. */
  inTime<T>(what: string, promise: Promise<T>): Promise<T> {
    const late = (): Error => new Unmet(`Expected ${what} within ${this.#wakeWithin} ms`)
    return inTime(promise, this.#wakeWithin, late)
  }

  /** @throws Error where the log does not hold the stream. */
  async read(after: number, limits: ReadLimits, streamId = 's', log = this.#log): Promise<LogPage> {
    const page = await log.read(streamId, after, limits)
    expectThat(page !== undefined, 'the log to hold the stream', page)
    return page!
  }

  /** The stream's state, in the words of `LogPage`. */
  async state(streamId = 's'): Promise<Omit<LogPage, 'entries'>> {
    const { epoch, oldest, head, ended } = await this.read(0, stateOnly, streamId)
    return { epoch, oldest, head, ended }
  }

  /** All events that the log holds, read page by page. */
  async entries(streamId = 's', log = this.#log): Promise<LogEntry[]> {
    const entries: LogEntry[] = []
    for (;;) {
      const after = entries.at(-1)?.sequence ?? 0
      const page = await this.read(after, everything, streamId, log)
      const [first] = page.entries
      if (first === undefined) return entries
      // Or this might go on for ever.
      expectThat(first.sequence > after, `a sequence greater than ${after}`, first.sequence)
      entries.push(...page.entries)
    }
  }

  /** All that the log says of a stream; `undefined` where it does not hold it. */
  async whole(streamId = 's', log = this.#log): Promise<unknown> {
    const page = await log.read(streamId, 0, stateOnly)
    if (page === undefined) return undefined
    const { epoch, oldest, head, ended } = page
    const entries = (await this.entries(streamId, log)).map(({ sequence, type, data, bytes, internal }) => {
      return { sequence, type, data, bytes, internal }
    })
    return { epoch, oldest, head, ended, entries }
  }

  /** Expects exactly these events, the first with this sequence. */
  async holds(data: readonly string[], first = 1, streamId = 's', log = this.#log): Promise<void> {
    const held = (await this.entries(streamId, log)).map((entry) => [entry.sequence, entry.data])
    const expected = data.map((text, index) => [first + index, text])
    expectSame(`The events of stream ${JSON.stringify(streamId)}`, held, expected)
  }

  /** Expects a call to fail with one of these codes. */
  async refused(
    what: string,
    codes: SseServerErrorCode | readonly SseServerErrorCode[],
    call: () => unknown,
  ): Promise<void> {
    const allowed = [codes].flat()
    const expectation = `${what} to be refused with an SseServerError of code ${allowed.join(' or ')}`
    let answer: unknown
    try {
      answer = await call()
    } catch (error) {
      const code = SseServerError.isInstance(error) ? error.code : undefined
      expectThat(code !== undefined && allowed.includes(code), expectation, code ?? error)
      return
    }
    expectThat(false, expectation, answer)
  }

  get #wakeWithin(): number {
    return this.options.wakeWithin ?? 2_000
  }

  async #giveUp(): Promise<void> {
    for (const watcher of this.#watchers) watcher.stop()
    for (const log of this.#logs) {
      if (this.options.dispose === undefined) await log.close?.()
      else await this.options.dispose(log)
    }
  }
}
