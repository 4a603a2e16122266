import type { Budget, Discipline, Ratio } from './discipline.js'
import type { Figures } from './run.js'
import { type Estimate, medianRatio, type Pairs, ratioOf, type Verdict, verdict } from './statistics.js'

/** What became of one budget. */
export interface Judgement extends Budget, Decision {
  readonly group: string
  readonly ratio: string
}

interface Decision {
  /** Where the budget is for each case: the one that decides. */
  readonly case?: string
  readonly estimate: Estimate
  readonly verdict: Verdict
}

const worstFirst: Verdict[] = ['missed', 'undecided', 'pass']

export function judge(discipline: Discipline, figures: readonly Figures[]): Judgement[] {
  return discipline.groups.flatMap((group) => {
    const cases = figures.filter((entry) => entry.group === group.name)
    return group.ratios.flatMap((ratio) =>
      ratio.budgets.map((budget) => ({
        group: group.name,
        ratio: ratio.name,
        ...budget,
        ...(budget.of === 'median' ? decideMedian(budget, ratio, cases) : decideEach(budget, ratio, cases)),
      })),
    )
  })
}

/** The figures that a ratio divides, of one case. */
export function pairs({ dividend, divisor }: Ratio, { figures }: Figures): Pairs {
  const dividends = figures[dividend] ?? []
  const divisors = typeof divisor === 'number' ? dividends.map(() => divisor) : (figures[divisor] ?? [])
  return { dividends, divisors }
}

function decideMedian(budget: Budget, ratio: Ratio, cases: readonly Figures[]): Decision {
  const estimate = medianRatio(cases.map((entry) => pairs(ratio, entry)))
  return { estimate, verdict: verdict(budget, estimate) }
}

function decideEach(budget: Budget, ratio: Ratio, cases: readonly Figures[]): Decision {
  const direction = budget.must === 'be at least' ? 1 : -1
  const decisions = cases.map((entry) => {
    const estimate = ratioOf(pairs(ratio, entry))
    return { case: entry.case, estimate, verdict: verdict(budget, estimate) }
  })
  return decisions.toSorted(
    (a, b) =>
      worstFirst.indexOf(a.verdict) - worstFirst.indexOf(b.verdict) ||
      direction * (a.estimate.value - b.estimate.value),
  )[0]!
}
