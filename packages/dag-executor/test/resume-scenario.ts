import { expect, vi } from 'vitest'
import {
  type DAGTask,
  type ExecuteOptions,
  type ExecutionResult,
  type JournalEntry,
  type RunningExecution,
  StreamingExecutor,
  type ToolContext,
  ToolError,
} from '../src/index.js'
import type { Dice } from './fuzzing.js'
import { MemoryJournal } from './memory-journal.js'

/** What becomes of the calls of a task. */
interface Luck {
  /** How many calls fail before one succeeds. */
  readonly failures: number
  readonly how: 'error' | 'tool-error' | 'hangs'
  readonly output: unknown
  /** Ends before the call returns. */
  readonly isQuick: boolean
  readonly isTalkative: boolean
}

export interface Scenario {
  readonly tasks: readonly DAGTask[]
  readonly luck: ReadonlyMap<string, Luck>
  readonly failureMode: 'continue' | 'finish-running' | 'fail-fast'
  readonly maxConcurrency: number
  readonly epoch: string | undefined
  /** How many turns an append takes. */
  readonly slowness: number
  /** Nothing but the order in which calls end decides what becomes of the tasks, and of which task it is `because`. */
  readonly isExact: boolean
}

/** Far longer than all delays together. */
const patience = 1_000_000

export function randomScenario(dice: Dice, size: number, failureMode: Scenario['failureMode']): Scenario {
  const isExact = failureMode !== 'continue' || dice.chance(0.5)
  const density = dice.next() * 3
  const ids = Array.from({ length: size }, (_, i) => (i === 3 ? '__proto__' : `t${i}/~ü`))
  const chanceOfFailure = dice.next() * 0.4
  const luck = new Map<string, Luck>()
  let hanging = 0
  const tasks = ids.map((id, i): DAGTask => {
    const dependsOn = ids.slice(0, i).filter(() => dice.chance(density / (i + 1)))
    const hangs = hanging === 0 && dice.chance(0.15)
    if (hangs) hanging += 1
    luck.set(id, {
      failures: dice.chance(chanceOfFailure) ? Number.POSITIVE_INFINITY : dice.below(3),
      how: hangs ? 'hangs' : dice.pick(['error', 'tool-error']),
      output: dice.pick(outputs),
      isQuick: !hangs && !isExact && dice.chance(0.2),
      isTalkative: dice.chance(0.2),
    })
    return {
      id,
      tool: isExact || dice.chance(0.7) ? 'wide' : 'narrow',
      arguments: { from: dependsOn.map(($ref) => ({ $ref })) },
      dependsOn,
      priority: dice.below(3),
      retry: { attempts: 1 + dice.below(3), delayMs: dice.below(3), jitter: 0 },
      onError: dice.pick([undefined, undefined, 'skip-dependents', 'ignore', { fallback: { instead: [id] } }]),
      ...(hangs && { [dice.pick(['timeout', 'idleTimeout', 'totalTimeout'])]: patience }),
    }
  })
  return {
    tasks: dice.shuffled(tasks),
    luck,
    failureMode,
    maxConcurrency: isExact ? Number.POSITIVE_INFINITY : 1 + dice.below(5),
    epoch: dice.chance(0.5) ? 'k3v9x2m1' : undefined,
    slowness: isExact ? 0 : dice.below(4),
    isExact,
  }
}

const outputs: readonly unknown[] = [
  undefined,
  null,
  0,
  '',
  { n: [1, { two: 'ü' }] },
  // Too large for an event of 1,024 bytes.
  'x'.repeat(2_000),
  // Only looks like a truncated value.
  { truncated: true, bytes: 9, preview: '[', ref: null },
]

export interface Run {
  readonly result: ExecutionResult
  /** The whole log, with what it was resumed from. */
  readonly log: JournalEntry[]
  readonly calls: readonly { readonly taskId: string; readonly key: string; readonly inputs: string }[]
  /** The tasks whose calls were ended by hand, one for each call. */
  readonly ends: readonly string[]
  /** Every call that was to end next was there. */
  readonly keptOrder: boolean
}

export interface RunOptions extends ExecuteOptions {
  /** Where it goes on. */
  readonly log?: readonly JournalEntry[]
  /** Chooses the call that ends next. */
  readonly dice: Dice
  /** The calls that end next, as long as there are any. */
  readonly ends?: readonly string[]
  /** Called before each call ends. */
  readonly meddle?: (execution: RunningExecution) => void
}

export const executionId = 'run 1'

const idsOf = (log: readonly JournalEntry[], type: string) =>
  log.flatMap((entry) => (entry.type === type ? [(entry.data as { taskId: string }).taskId] : []))

/** Runs a scenario on the virtual clock, or resumes it from a log, ending one call after the other. */
export async function run(
  scenario: Scenario,
  { log = [], dice, ends: planned = [], meddle, ...options }: RunOptions,
): Promise<Run> {
  const { luck, failureMode, maxConcurrency, epoch, tasks } = scenario
  const held = new Map<string, () => void>()
  const calls: Run['calls'][number][] = []
  /** Called before the ends of their dependencies were in the log. */
  const early: string[] = []
  const retried = idsOf(log, 'task_retry')
  const failures = new Map(tasks.map(({ id }) => [id, retried.filter((other) => other === id).length]))
  let begin!: () => void
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const tool = (args: { from: unknown[] }, context: ToolContext) => {
    const { taskId, idempotencyKey, signal } = context
    const { failures: needed, how, output, isQuick, isTalkative } = luck.get(taskId)!
    calls.push({ taskId, key: idempotencyKey, inputs: JSON.stringify(args) })
    begin()
    const { dependsOn = [] } = tasks.find((task) => task.id === taskId)!
    if (!dependsOn.every((id) => committed.has(id))) early.push(taskId)
    if (isTalkative) {
      context.progress(0.5, 'half')
      context.emit({ part: taskId })
    }
    const end = () => {
      const failed = failures.get(taskId)!
      if (failed >= needed) return output
      failures.set(taskId, failed + 1)
      throw how === 'error' ? new Error('private') : new ToolError('unlucky', 'Public.')
    }
    if (isQuick) return end()
    return new Promise((resolve, reject) => {
      held.set(taskId, () => {
        held.delete(taskId)
        const hangs = how === 'hangs' && failures.get(taskId)! < needed
        if (hangs) failures.set(taskId, failures.get(taskId)! + 1)
        else Promise.resolve().then(end).then(resolve, reject)
      })
      signal.addEventListener('abort', () => {
        held.delete(taskId)
        reject(signal.reason)
      })
    })
  }
  const journal = new MemoryJournal(log, epoch)
  const append = journal.append.bind(journal)
  const committed = new Set(idsOf(log, 'task_complete'))
  let isAppending = false
  journal.append = async (events, id) => {
    begin()
    if (isAppending) throw new Error('Expected one append at a time')
    isAppending = true
    for (let turns = scenario.slowness; turns > 0; turns -= 1) await turn()
    await append(events, id)
    for (const taskId of idsOf(events, 'task_complete')) committed.add(taskId)
    isAppending = false
  }
  const executor = new StreamingExecutor({
    tools: { wide: tool, narrow: { run: tool, maxConcurrency: 2 } },
    failureMode,
    maxConcurrency,
    maxPayloadBytes: 1_024,
  })
  let isDone = false
  const execution = executor.start({ tasks }, { executionId, journal, resumeFrom: log, ...options })
  const finished = execution.result.finally(() => {
    isDone = true
  })
  finished.catch(() => undefined)
  await Promise.race([begun, finished])
  const ends: string[] = []
  const left = [...planned]
  let keptOrder = true
  for (let turns = 0; !isDone; turns += 1) {
    await settle()
    if (isDone) break
    meddle?.(execution)
    if (isAppending && held.size === 0) continue
    const ids = [...held.keys()]
    // All of them were told to stop.
    if (ids.length === 0 && meddle && turns < 10_000) continue
    if (turns > 10_000 || ids.length === 0) throw new Error(`Nothing goes on any more after ${ends.length} ends`)
    const place = left.findIndex((id) => held.has(id))
    if (place > 0 || (place < 0 && left.length > 0)) keptOrder = false
    const next = place < 0 ? dice.pick(ids) : left.splice(place, 1)[0]!
    ends.push(next)
    const { how, failures: needed } = luck.get(next)!
    const hangs = how === 'hangs' && failures.get(next)! < needed
    held.get(next)!()
    if (hangs) await vi.advanceTimersByTimeAsync(patience)
  }
  const result = await execution.result
  expect(early).toEqual([])
  return { result, log: journal.read(), calls, ends, keptOrder }
}

/** Lets everything go on that waits for promises or for a delay between attempts. */
async function settle(): Promise<void> {
  await turn()
  if (vi.getTimerCount() > 0) await vi.advanceTimersByTimeAsync(10)
  await turn()
}

/** Only some timers are virtual. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
