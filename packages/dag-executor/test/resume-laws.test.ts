import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { DAGTask, ExecutionResult, JournalEntry, TaskResult } from '../src/index.js'
import { checkLog } from './check-log.js'
import { Dice, firstSeed, runs } from './fuzzing.js'
import { executionId, type Run, randomScenario, run, type Scenario } from './resume-scenario.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

interface End {
  readonly taskId: string
  readonly status: string
}

const endsOf = (log: readonly JournalEntry[]): readonly End[] =>
  log.flatMap(({ type, data }) => (type === 'task_complete' ? [data as End] : []))

/** What must not depend on where an execution was broken off. */
function outcome({ taskId, status, output, code, because, handled }: TaskResult) {
  return { taskId, status, output: output ?? null, code, because, handled }
}

function outcomes({ status, results, parallelizationLayers, executionId: id }: ExecutionResult) {
  return { id, status, parallelizationLayers, results: results.map(outcome) }
}

/** Without what depends on which of several failures came first. */
function withoutTies({ results, ...rest }: ReturnType<typeof outcomes>) {
  return {
    ...rest,
    results: results.map(({ because, ...result }) => ({ ...result, isBecause: because !== undefined })),
  }
}

/** How many of the calls that the test ended are in a log. */
function countEnds({ luck }: Scenario, log: readonly JournalEntry[]): number {
  return log.filter(({ type, data }) => {
    const { taskId, status, code } = data as { taskId: string; status: string; code?: string }
    if (type !== 'task_retry' && type !== 'task_complete') return false
    return status !== 'skipped' && code !== 'cancelled' && !luck.get(taskId)!.isQuick
  }).length
}

/** Resumes a run from a part of its log, and checks all that must hold whatever part it is. */
async function resumeFrom(scenario: Scenario, whole: Run, length: number, dice: Dice): Promise<Run> {
  const log = whole.log.slice(0, length)
  const ended = new Set(endsOf(log).map(({ taskId }) => taskId))
  const ends = whole.ends.slice(countEnds(scenario, log))
  const resumed = await run(scenario, { log, dice, ends })
  const where = `resumed from ${length} of ${whole.log.length} events`
  for (const { taskId, key } of resumed.calls) {
    expect(ended.has(taskId), `${where}: ${taskId} has ended`).toBe(false)
    expect(key).toBe(`${executionId}/${taskId}`)
  }
  expect(resumed.log.slice(0, length)).toEqual(log)
  checkLog(scenario.tasks, resumed.log)
  checkReasons(scenario.tasks, resumed.result)
  if (scenario.isExact) {
    expect(resumed.keptOrder, `${where}: in the same order`).toBe(true)
    expect(outcomes(resumed.result), where).toEqual(outcomes(whole.result))
    expect(resumed.ends, where).toEqual(ends)
  } else {
    expect(withoutTies(outcomes(resumed.result)), where).toEqual(withoutTies(outcomes(whole.result)))
  }
  for (const { taskId, inputs } of resumed.calls) {
    const before = whole.calls.find((call) => call.taskId === taskId)
    if (before) expect(inputs, where).toBe(before.inputs)
  }
  return { ...resumed, ends: [...whole.ends.slice(0, countEnds(scenario, log)), ...resumed.ends] }
}

/** A task is skipped because of one that failed, or that was cancelled, and was not handled. */
function checkReasons(tasks: readonly DAGTask[], { results }: ExecutionResult): void {
  expect(results.map(({ taskId }) => taskId)).toEqual(tasks.map(({ id }) => id))
  const byId = new Map(results.map((result) => [result.taskId, result]))
  for (const { status, because } of results) {
    if (status !== 'skipped') continue
    const reason = byId.get(because!)
    expect([reason?.status, reason?.handled]).toEqual(['error', undefined])
  }
}

/** Prefixes without and with everything, all that are between, or for a long log some of them. */
function lengths({ log }: Run, dice: Dice, most: number): number[] {
  const all = Array.from({ length: log.length + 1 }, (_, length) => length)
  return all.length <= most ? all : [...dice.shuffled(all).slice(0, most), log.length]
}

describe('an execution that is broken off after any event and resumed', { timeout: 60_000 + runs * 2_000 }, () => {
  for (const failureMode of ['continue', 'finish-running', 'fail-fast'] as const) {
    it(`ends as if it had not been, with failureMode ${failureMode}`, async () => {
      for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
        const dice = new Dice(seed)
        const scenario = randomScenario(dice, 1 + dice.below(dice.chance(0.1) ? 40 : 9), failureMode)
        await check(seed, scenario, dice, 60)
      }
    })
  }

  it('ends as if it had not been, with up to 200 tasks', async () => {
    for (let seed = firstSeed; seed < firstSeed + runs / 10; seed += 1) {
      const dice = new Dice(seed)
      await check(seed, randomScenario(dice, 50 + dice.below(151), dice.pick(['continue', 'fail-fast'])), dice, 4)
    }
  })

  async function check(seed: number, scenario: Scenario, dice: Dice, most: number): Promise<void> {
    try {
      const whole = await run(scenario, { dice })
      checkLog(scenario.tasks, whole.log)
      for (const length of lengths(whole, dice, most)) await resumeFrom(scenario, whole, length, dice)
    } catch (error) {
      throw new Error(`With seed ${seed}: ${(error as Error).message}`, { cause: error })
    }
  }

  it('ends as if it had not been, also when it is broken off two and three times', async () => {
    for (let seed = firstSeed; seed < firstSeed + runs * 4; seed += 1) {
      const dice = new Dice(seed)
      const scenario = randomScenario(dice, 1 + dice.below(12), dice.pick(['continue', 'finish-running', 'fail-fast']))
      const whole = await run(scenario, { dice })
      let last = whole
      let length = 0
      for (let kill = 1; kill <= 3; kill += 1) {
        length += dice.below(last.log.length - length + 1)
        last = await resumeFrom(scenario, last, length, dice)
        if (scenario.isExact) expect(outcomes(last.result), `seed ${seed}`).toEqual(outcomes(whole.result))
      }
    }
  })

  it('is given again where it had ended: nothing is called, nothing is appended', async () => {
    for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
      const dice = new Dice(seed)
      const scenario = randomScenario(dice, 1 + dice.below(12), dice.pick(['continue', 'finish-running', 'fail-fast']))
      const whole = await run(scenario, { dice })
      const again = await run(scenario, { log: whole.log, dice })
      expect([again.calls, again.log]).toEqual([[], whole.log])
      expect(outcomes(again.result)).toEqual(outcomes(whole.result))
      const { executionTimeMs, speedup, criticalPath, criticalPathMs } = whole.result
      expect(again.result).toMatchObject({ executionTimeMs, speedup, criticalPath, criticalPathMs })
    }
  })

  it('ends the same whatever the order of its tasks is, and resumed in another order with reuse', async () => {
    for (let seed = firstSeed; seed < firstSeed + runs * 2; seed += 1) {
      const dice = new Dice(seed)
      const scenario = randomScenario(dice, 2 + dice.below(12), 'continue')
      const other = { ...scenario, tasks: scenario.tasks.toReversed() }
      const byId = ({ result }: Run) =>
        result.results
          .map(outcome)
          .map(({ because, ...rest }) => ({ ...rest, isBecause: because !== undefined }))
          .toSorted((a, b) => (a.taskId < b.taskId ? -1 : 1))
      const whole = await run(scenario, { dice })
      const permuted = await run(other, { dice })
      checkLog(other.tasks, permuted.log)
      expect(byId(permuted), `seed ${seed}`).toEqual(byId(whole))
      const log = whole.log.slice(0, dice.below(whole.log.length) + 1)
      const reused = await run(other, { log, dice, changedPlan: 'reuse-unchanged' })
      expect(byId(reused), `seed ${seed}`).toEqual(byId(whole))
      const done = endsOf(log).flatMap(({ taskId, status }) => (status === 'skipped' ? [] : [taskId]))
      for (const { taskId } of reused.calls) expect(done).not.toContain(taskId)
    }
  })
})
