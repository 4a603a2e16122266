import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type JournalEntry, ResumeError, type RunningExecution, readExecution } from '../src/index.js'
import { checkLog } from './check-log.js'
import { Dice, firstSeed, runs } from './fuzzing.js'
import { type Run, randomScenario, run, type Scenario } from './resume-scenario.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const modes = ['continue', 'finish-running', 'fail-fast'] as const

/** The results of a run, as far as a log can tell of them. */
const facts = ({ result }: Run) =>
  new Map(result.results.map(({ taskId, status, attempts, because }) => [taskId, { status, attempts, because }]))

const factsOf = (log: readonly JournalEntry[]) =>
  new Map([...readExecution(log)!.tasks].flatMap(([id, { end }]) => (end ? [[id, end] as const] : [])))

/** Cancels tasks, or now and then all of it. */
function meddler({ tasks }: Scenario, dice: Dice) {
  return (execution: RunningExecution) => {
    if (dice.chance(0.2)) execution.cancelTask(dice.pick(tasks).id)
    if (dice.chance(0.03)) execution.cancel()
  }
}

async function forAll(times: number, law: (dice: Dice, scenario: Scenario) => Promise<void>): Promise<void> {
  for (let seed = firstSeed; seed < firstSeed + times; seed += 1) {
    const dice = new Dice(seed)
    const scenario = randomScenario(dice, 1 + dice.below(dice.chance(0.1) ? 40 : 10), dice.pick(modes))
    try {
      await law(dice, scenario)
    } catch (error) {
      throw new Error(`With seed ${seed}: ${(error as Error).message}`, { cause: error })
    }
  }
}

describe('every log', { timeout: 60_000 + runs * 2_000 }, () => {
  it('keeps its promises and tells all of the result, whatever is cancelled and whenever', async () => {
    await forAll(runs * 5, async (dice, scenario) => {
      const whole = await run(scenario, { dice, meddle: meddler(scenario, dice) })
      checkLog(scenario.tasks, whole.log)
      for (const [id, end] of factsOf(whole.log)) expect(end).toMatchObject(facts(whole).get(id)!)
      expect(readExecution(whole.log)?.completion?.status).toBe(whole.result.status)
    })
  })

  it('in which something was cancelled comes to an end after any event, and what had ended stays as it was', async () => {
    await forAll(runs, async (dice, scenario) => {
      const whole = await run(scenario, { dice, meddle: meddler(scenario, dice) })
      for (let kill = 0; kill < 8; kill += 1) {
        const log = whole.log.slice(0, dice.below(whole.log.length + 1))
        const meddle = dice.chance(0.5) ? meddler(scenario, dice) : () => undefined
        const resumed = await run(scenario, { dice, log, meddle })
        checkLog(scenario.tasks, resumed.log)
        if (log.length > 0) for (const [id, end] of factsOf(log)) expect(end).toMatchObject(facts(resumed).get(id)!)
      }
    })
  })

  it('that is damaged is refused as such, or still comes to an end', async () => {
    let refused = 0
    await forAll(runs * 5, async (dice, scenario) => {
      const whole = await run({ ...scenario, epoch: undefined }, { dice })
      const log = damage(whole.log.slice(0, 1 + dice.below(whole.log.length)), dice)
      try {
        await run(scenario, { dice, log, meddle: () => undefined })
      } catch (error) {
        expect(ResumeError.isInstance(error), String(error)).toBe(true)
        refused += 1
      }
    })
    expect(refused).toBeGreaterThan(runs)
  })

  it('with ids is refused where anything is missing, twice or in another place', async () => {
    await forAll(runs * 5, async (dice, scenario) => {
      const { log } = await run({ ...scenario, epoch: 'k3v9x2m1' }, { dice })
      const place = 1 + dice.below(log.length - 2)
      const missing = log.toSpliced(place, 1)
      const twice = log.toSpliced(place, 0, log[place]!)
      const moved = missing.toSpliced(dice.pick([place - 1, place + 1]), 0, log[place]!)
      for (const damaged of [missing, twice, moved]) {
        expect(() => readExecution(damaged)).toThrow(expect.objectContaining({ code: 'corrupt_log' }))
      }
    })
  })
})

/** Something happens to some of the events. */
function damage(log: readonly JournalEntry[], dice: Dice): JournalEntry[] {
  const damaged = [...log]
  for (let times = 1 + dice.below(3); times > 0; times -= 1) {
    const place = dice.below(damaged.length)
    const event = damaged[place]
    if (event === undefined) continue
    const data = event.data as Record<string, unknown>
    const member = dice.pick(Object.keys(data))
    const values = [undefined, null, 0, -1, 2 ** 60, '', 'x', [], {}, { truncated: true, preview: '' }, '__proto__']
    const change = dice.pick(['remove', 'repeat', 'move', 'alter', 'strip'])
    if (change === 'remove') damaged.splice(place, 1)
    else if (change === 'repeat') damaged.splice(dice.below(damaged.length), 0, event)
    else if (change === 'move') damaged.splice(dice.below(damaged.length), 0, ...damaged.splice(place, 1))
    else if (change === 'alter') damaged[place] = { ...event, data: { ...data, [member]: dice.pick(values) } }
    else damaged[place] = { type: event.type, data }
  }
  return damaged
}
