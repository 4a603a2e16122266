import { describe, expect, it } from 'vitest'
import type { Budget, Discipline } from '../src/discipline.js'
import { judge } from '../src/judgement.js'
import { cpuPerUnit, heapPerUnit, observation } from '../src/measure.js'
import { render, report } from '../src/report.js'
import { schedule } from '../src/run.js'

function discipline(...budgets: Budget[]): Discipline {
  const ratios = [{ name: 'theirs ÷ ours', dividend: 'theirs', divisor: 'ours', budgets }]
  return { title: 'Example', groups: [{ name: 'group', unit: 'ns', measure: cpuPerUnit, cases: [], ratios }] }
}

/** Eight pairs with this ratio, or with these in turn. */
function figures(name: string, ...ratios: number[]) {
  const theirs = Array.from({ length: 8 }, (_, index) => 100 * ratios[index % ratios.length]!)
  return { group: 'group', case: name, figures: { ours: theirs.map(() => 100), theirs } }
}

describe('a budget for each case', () => {
  const each: Budget = { of: 'each', must: 'be at least', gate: 0.75 }

  it('is missed where one case is beyond its interval, and names it', () => {
    const [judgement] = judge(discipline(each), [figures('a', 1), figures('b', 0.5), figures('c', 0.1, 2)])
    expect(judgement).toMatchObject({ verdict: 'missed', case: 'b', estimate: { value: 0.5 } })
  })

  it('is undecided where one case is', () => {
    const [judgement] = judge(discipline(each), [figures('a', 1), figures('b', 0.7, 1.5)])
    expect(judgement).toMatchObject({ verdict: 'undecided', case: 'b' })
  })

  it('passes where all cases do, and names the nearest', () => {
    const [judgement] = judge(discipline(each), [figures('a', 1), figures('b', 0.8), figures('c', 2)])
    expect(judgement).toMatchObject({ verdict: 'pass', case: 'b' })
  })

  it('names the highest where the ratio must be at most something', () => {
    const [judgement] = judge(discipline({ of: 'each', must: 'be at most', gate: 2.6 }), [
      figures('a', 2),
      figures('b', 2.3),
    ])
    expect(judgement).toMatchObject({ verdict: 'pass', case: 'b' })
  })
})

it('a budget for the median is judged over all cases together', () => {
  const [judgement] = judge(discipline({ of: 'median', must: 'be at least', gate: 0.9 }), [
    figures('a', 0.5),
    figures('b', 1),
    figures('c', 2),
  ])
  expect(judgement).toMatchObject({ verdict: 'pass', estimate: { value: 1, low: 1, high: 1 } })
})

it('the order changes who of a pair is first from round to round, and keeps a pair together', () => {
  const order = schedule([figures('a', 1), figures('b', 1)], 2).map(({ of, contender }) => `${of.case} ${contender}`)
  expect(order).toEqual(['a ours', 'a theirs', 'b ours', 'b theirs', 'a theirs', 'a ours', 'b theirs', 'b ours'])
})

it('the report shows medians with their spread, ratios with their interval, and budgets with their verdict', () => {
  const found = report(
    discipline({ of: 'median', must: 'be at least', gate: 0.9, aim: 1.1 }),
    [figures('a', 1.25), figures('b', 1.25)],
    { conditions: { runtime: 'Node.js' }, rounds: 8 },
  )
  expect(render(found)).toBe(`# Example

- runtime: Node.js
- rounds: 8; median ± half the distance of the quartiles, ratio (95 % confidence interval)

## group (ns)

| case |    ours |  theirs |    theirs ÷ ours |
|------|--------:|--------:|-----------------:|
| a    | 100 ± 0 | 125 ± 0 | 1.25 (1.25–1.25) |
| b    | 100 ± 0 | 125 ± 0 | 1.25 (1.25–1.25) |

## Budgets

| budget                       |  gate | aim |         measured | verdict | decided by |
|------------------------------|------:|----:|-----------------:|--------:|-----------:|
| group: theirs ÷ ours, median | ≥ 0.9 | 1.1 | 1.25 (1.25–1.25) |    pass |        all |
`)
})

it('a figure is held against a number where the ratio names one', () => {
  const budget: Budget = { of: 'each', must: 'be at most', gate: 3 }
  const [group] = discipline().groups
  const ratios = [{ name: 'percent', dividend: 'theirs', divisor: 50, budgets: [budget] }]
  const [judgement] = judge({ title: 'Example', groups: [{ ...group!, ratios }] }, [figures('a', 1)])
  expect(judgement).toMatchObject({ verdict: 'pass', estimate: { value: 2 } })
})

describe('a measurement', () => {
  const limits = { warmUp: 1, measurement: 1 }

  it('fails where a pass produces something else', async () => {
    let passes = 0
    const workload = { units: 1, expected: 1, check: () => {}, pass: () => (++passes === 1 ? 1 : 2) }
    await expect(cpuPerUnit(workload, limits)).rejects.toThrow('Expected the checksum 1, got 2')
  })

  it('does not begin where the check fails', async () => {
    const check = () => Promise.reject(new Error('other events'))
    const pass = () => expect.unreachable()
    await expect(cpuPerUnit({ units: 1, expected: 1, check, pass }, limits)).rejects.toThrow('other events')
  })

  it('of what passes observed leaves out the first of them', async () => {
    let passes = 0
    let seen: number[] = []
    const observed = () => {
      const sum = seen.reduce((sum, one) => sum + one, 0)
      seen = []
      return sum
    }
    const workload = { units: 1, expected: 0, check: () => {}, pass: () => seen.push(++passes) * 0, observed }
    expect(await observation(100)(workload, { warmUp: 1, measurement: 300 })).toBe(2 + 3 + 4)
  })

  it('of the heap counts what a pass leaves, for each unit', async () => {
    const kept: object[] = []
    const pass = () => {
      for (let count = 0; count < 1_000; count += 1) kept.push(new Array(1_000).fill(0.5))
      return 0
    }
    const bytes = await heapPerUnit({ units: 1_000, expected: 0, check: () => {}, pass }, limits)
    // Large enough for what else the process does meanwhile.
    expect(bytes).toBeGreaterThan(7_000)
    expect(bytes).toBeLessThan(10_000)
  })
})
