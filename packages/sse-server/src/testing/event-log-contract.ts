import type { EventLog, MaybePromise } from '../event-log.js'
import { appendChecks } from './append-checks.js'
import { Bench, type Check } from './bench.js'
import { concurrencyChecks } from './concurrency-checks.js'
import { durabilityChecks } from './durability-checks.js'
import { lifeChecks } from './life-checks.js'
import { numberChecks } from './number-checks.js'
import { peerChecks } from './peer-checks.js'
import { randomChecks } from './random-checks.js'
import { readChecks } from './read-checks.js'
import { textChecks } from './text-checks.js'
import { wakeChecks } from './wake-checks.js'

/** How the contract suite gets its logs. */
export interface EventLogContractOptions {
  /**
   * Gives a log that holds nothing, once for each case and each random schedule. Its limits leave room for 1,000 events and 4 MiB in a
   * stream, or what it drops is taken for lost.
   */
  readonly create: () => MaybePromise<EventLog>
  /**
   * Gives a log up after its case.
   * @default calls `close()` of the log
   */
  readonly dispose?: ((log: EventLog) => MaybePromise<void>) | undefined
  /**
   * For a log that outlives its process: gives up this one, best as a process does that is killed, and gives another over the same storage.
   * Without it the cases of durability are left out.
   */
  readonly reopen?: ((log: EventLog) => MaybePromise<EventLog>) | undefined
  /**
   * For a log that several processes share: gives another over the same storage, while this one is used on. Without it the cases of sharing
   * are left out.
   */
  readonly peer?: ((log: EventLog) => MaybePromise<EventLog>) | undefined
  /**
   * Milliseconds in which a wake-up has to come. The log is expected to lose none here.
   * @default 2_000
   */
  readonly wakeWithin?: number | undefined
  /**
   * Of the random schedules. A failure names the one that it needs.
   * @default 1
   */
  readonly seed?: number | undefined
  /**
   * How many random schedules there are, of 60 operations each.
   * @default 50
   */
  readonly schedules?: number | undefined
}

/** One requirement, as a test for any runner. */
export interface EventLogCase {
  /** The requirement, as a sentence. */
  readonly name: string
  /** Rejects where the log does not meet it; the error says what was expected and what came. */
  readonly run: () => Promise<void>
}

/**
 * What every {@link EventLog} has to do, case by case. It needs no test runner of its own, and every case makes its own log.
 *
 * @example
 * for (const { name, run } of eventLogContract({ create: () => new MyLog() })) it(name, run) // vitest, jest, mocha
 * for (const { name, run } of eventLogContract({ create: () => new MyLog() })) test(name, run) // node:test
 */
export function eventLogContract(options: EventLogContractOptions): EventLogCase[] {
  const checks: Readonly<Record<string, Check>> = {
    ...lifeChecks,
    ...appendChecks,
    ...numberChecks,
    ...readChecks,
    ...textChecks,
    ...wakeChecks,
    ...concurrencyChecks,
    ...randomChecks,
    ...(options.peer === undefined ? {} : peerChecks),
    ...(options.reopen === undefined ? {} : durabilityChecks),
  }
  return Object.entries(checks).map(([name, check]) => ({ name, run: () => Bench.run(options, check) }))
}
