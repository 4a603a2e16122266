import type { Append, Appended, EventLog, LogPage, MaybePromise, OpenedStream, ReadLimits } from '../event-log.js'
import { type Seeded, seeded } from './seeded.js'
import { afterTurns, passTurns } from './turns.js'

/** What goes wrong with a log. A share is a probability from 0 to 1, drawn for each call; everything is 0 where it is not said. */
export interface LogFaults {
  /** Share of wake-ups that never come. */
  readonly lostWakes?: number | undefined
  /** Share of wake-ups that come twice. */
  readonly doubledWakes?: number | undefined
  /** Share of wake-ups that come up to ten turns of the event loop later. */
  readonly lateWakes?: number | undefined
  /** Share of calls after which every subscriber is woken for nothing. With 1, a reader that looks when it is woken never rests. */
  readonly spuriousWakes?: number | undefined
  /** Share of appends that fail before the log has them. */
  readonly failedAppends?: number | undefined
  /** Share of appends that the log commits and that fail all the same, as where a connection breaks before the answer. */
  readonly unansweredAppends?: number | undefined
  /** Share of appends that arrive twice. */
  readonly doubledAppends?: number | undefined
  /** Share of `open` calls that fail, nothing having happened. */
  readonly failedOpens?: number | undefined
  /** Share of reads that fail. */
  readonly failedReads?: number | undefined
  /** Share of reads that give fewer events than they might. */
  readonly shortReads?: number | undefined
  /**
   * Most turns of the event loop that `open`, `append`, `trim` and `delete` take to reach the log, and again to answer. Calls made at
   * once may arrive in another order. With 0 the log answers as it would by itself, so perhaps at once.
   */
  readonly writeTurns?: number | undefined
  /** Most turns of the event loop that a read takes to reach the log, and again to answer. */
  readonly readTurns?: number | undefined
}

/** A log over another one that does its work badly, within what the contract allows or, with failures, beyond it. */
export interface FaultyLog extends EventLog {
  /** What goes wrong from now on. */
  faults: LogFaults
  /** How often each fault was injected; a test of faults that did not happen shows nothing. */
  readonly injected: Readonly<Record<keyof LogFaults, number>>
}

/**
 * Wraps a log so that it loses, doubles and delays wake-ups, is slow, and fails. The timing is in turns of the event loop and every choice is
 * drawn from the seed, so the same calls in the same order meet the same faults.
 *
 * @param seed any whole number
 * @throws TypeError where a share is not from 0 to 1, or turns are not a whole number.
 * @example
 * const log = faultyLog(new MyLog(), { lostWakes: 0.5, unansweredAppends: 0.1 })
 * const sse = new SseServer({ events, log, heartbeatInterval: 100 })
 */
export function faultyLog(log: EventLog, faults: LogFaults = {}, seed = 1): FaultyLog {
  return new Faulty(log, faults, seeded(seed))
}

const names = [
  'lostWakes',
  'doubledWakes',
  'lateWakes',
  'spuriousWakes',
  'failedAppends',
  'unansweredAppends',
  'doubledAppends',
  'failedOpens',
  'failedReads',
  'shortReads',
  'writeTurns',
  'readTurns',
] as const satisfies (keyof LogFaults)[]

const latestWake = 10

interface Subscription {
  readonly wake: () => void
  isLive: boolean
}

class Faulty implements FaultyLog {
  readonly injected = Object.fromEntries(names.map((name) => [name, 0])) as Record<keyof LogFaults, number>
  readonly #log: EventLog
  readonly #random: Seeded
  readonly #subscriptions = new Set<Subscription>()
  #faults: LogFaults = {}

  constructor(log: EventLog, faults: LogFaults, random: Seeded) {
    this.#log = log
    this.#random = random
    this.faults = faults
  }

  get faults(): LogFaults {
    return this.#faults
  }

  set faults(faults: LogFaults) {
    for (const name of names) expectFault(name, faults[name] ?? 0)
    this.#faults = faults
  }

  open(streamId: string): MaybePromise<OpenedStream> {
    return this.#call('writeTurns', () => {
      this.#failWith('failedOpens')
      return this.#log.open(streamId)
    })
  }

  append(streamId: string, append: Append): MaybePromise<Appended> {
    return this.#call('writeTurns', () => {
      this.#failWith('failedAppends')
      const isDoubled = this.#strikes('doubledAppends')
      const isUnanswered = this.#strikes('unansweredAppends')
      const once = (): MaybePromise<Appended> => this.#log.append(streamId, append)
      const answer = isDoubled ? andThen(once(), once) : once()
      return isUnanswered ? andThen(answer, () => this.#fail('unansweredAppends')) : answer
    })
  }

  read(streamId: string, after: number, limits: ReadLimits): MaybePromise<LogPage | undefined> {
    return this.#call('readTurns', () => {
      this.#failWith('failedReads')
      const isShort = limits.maxEvents > 1 && this.#strikes('shortReads')
      const most = isShort ? Math.min(1 + this.#random.below(8), limits.maxEvents) : limits.maxEvents
      return this.#log.read(streamId, after, { ...limits, maxEvents: most })
    })
  }

  subscribe(streamId: string, wake: () => void): () => void {
    const subscription: Subscription = { wake, isLive: true }
    const leave = this.#log.subscribe(streamId, () => this.#wake(subscription))
    this.#subscriptions.add(subscription)
    return () => {
      subscription.isLive = false
      this.#subscriptions.delete(subscription)
      leave()
    }
  }

  trim(streamId: string, oldest: number): MaybePromise<void> {
    return this.#call('writeTurns', () => this.#log.trim(streamId, oldest))
  }

  delete(streamId: string): MaybePromise<boolean> {
    return this.#call('writeTurns', () => this.#log.delete(streamId))
  }

  close(): MaybePromise<void> {
    return this.#log.close?.()
  }

  #wake(subscription: Subscription): void {
    if (this.#strikes('lostWakes')) return
    const times = this.#strikes('doubledWakes') ? 2 : 1
    for (let n = 0; n < times; n++) {
      const isLate = this.#strikes('lateWakes')
      if (isLate) this.#wakeAfter(1 + this.#random.below(latestWake), subscription)
      else if (subscription.isLive) subscription.wake()
    }
  }

  #wakeAfter(turns: number, subscription: Subscription): void {
    afterTurns(turns, () => {
      if (subscription.isLive) subscription.wake()
    })
  }

  #call<T>(turns: 'writeTurns' | 'readTurns', work: () => MaybePromise<T>): MaybePromise<T> {
    if (this.#strikes('spuriousWakes')) {
      // Not at once: that would be within the call, and the reader's next look within that.
      for (const subscription of this.#subscriptions) this.#wakeAfter(1, subscription)
    }
    const most = this.#faults[turns] ?? 0
    if (most === 0) return work()
    this.injected[turns] += 1
    return this.#travel(most, work)
  }

  async #travel<T>(most: number, work: () => MaybePromise<T>): Promise<T> {
    const [there, back] = [this.#random.below(most + 1), this.#random.below(most + 1)]
    await passTurns(there)
    try {
      return await work()
    } finally {
      await passTurns(back)
    }
  }

  #strikes(fault: keyof LogFaults): boolean {
    const share = this.#faults[fault] ?? 0
    if (share === 0 || !this.#random.chance(share)) return false
    this.injected[fault] += 1
    return true
  }

  #failWith(fault: keyof LogFaults): void {
    if (this.#strikes(fault)) this.#fail(fault)
  }

  #fail(fault: keyof LogFaults): never {
    throw new Error(`The log failed, as it was told to (${fault})`)
  }
}

/** Goes on at once where the answer is there at once. */
function andThen<T>(answer: MaybePromise<T>, next: () => MaybePromise<T>): MaybePromise<T> {
  return answer instanceof Promise ? answer.then(next) : next()
}

function expectFault(name: keyof LogFaults, value: number): void {
  if (name.endsWith('Turns')) {
    if (Number.isSafeInteger(value) && value >= 0) return
    throw new TypeError(`Expected \`${name}\` to be a whole number, 0 or more, got ${String(value)}`)
  }
  if (value >= 0 && value <= 1) return
  throw new TypeError(`Expected \`${name}\` to be a share from 0 to 1, got ${String(value)}`)
}
