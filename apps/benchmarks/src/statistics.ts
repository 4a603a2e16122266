import type { Budget } from './discipline.js'

/** An estimate with its 95 % confidence interval. */
export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** What two contenders took in the same rounds. */
export interface Pairs {
  readonly dividends: readonly number[]
  readonly divisors: readonly number[]
}

/** `undecided`: the interval lies on both sides of the gate. */
export type Verdict = 'pass' | 'missed' | 'undecided'

const confidence = 0.95
/** Resamplings for the interval of a median over cases: enough that its ends hardly move with their number. */
const resamplings = 4_000

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Half the distance between the quartiles: half of all values are about this near to the median. */
export function spread(values: readonly number[]): number {
  return (quantile(values, 0.75) - quantile(values, 0.25)) / 2
}

/**
 * The ratio of two contenders: the median over the pairs. Its interval goes from one pair's ratio to another's, chosen by rank so that
 * it holds the true median in 95 % of all runs whatever the noise is like (the sign test); fewer than 6 pairs leave it open.
 */
export function ratioOf(pairs: Pairs): Estimate {
  const ratios = ratiosOf(pairs).toSorted((a, b) => a - b)
  const cut = rank(ratios.length)
  return { value: median(ratios), low: ratios[cut - 1] ?? 0, high: ratios[ratios.length - cut] ?? Infinity }
}

/**
 * The median of the ratios of several cases. Its interval is a bootstrap: each case's pairs are drawn again from those it has, many
 * times over, and 95 % of the medians lie within.
 */
export function medianRatio(cases: readonly Pairs[]): Estimate {
  const ratios = cases.map(ratiosOf)
  const value = median(ratios.map(median))
  if (ratios.some(({ length }) => rank(length) === 0)) return { value, low: 0, high: Infinity }
  const random = randomNumbers(1)
  const draw = (pairs: readonly number[]) => pairs.map(() => pairs[Math.floor(random() * pairs.length)]!)
  const medians = Array.from({ length: resamplings }, () => median(ratios.map((pairs) => median(draw(pairs)))))
  return { value, low: quantile(medians, (1 - confidence) / 2), high: quantile(medians, (1 + confidence) / 2) }
}

/** Whether a budget is kept or missed beyond the 95 % confidence interval. */
export function verdict({ must, gate }: Pick<Budget, 'must' | 'gate'>, { low, high }: Estimate): Verdict {
  const [good, bad] = must === 'be at least' ? [low >= gate, high < gate] : [high <= gate, low > gate]
  return good ? 'pass' : bad ? 'missed' : 'undecided'
}

/** The same numbers from 0 to below 1 for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

function ratiosOf({ dividends, divisors }: Pairs): number[] {
  if (dividends.length === 0 || dividends.length !== divisors.length) {
    throw new RangeError(`Expected pairs, got ${dividends.length} and ${divisors.length} figures`)
  }
  return dividends.map((dividend, index) => dividend / divisors[index]!)
}

/** How far from either end, counted from 1, the interval of a median begins; 0 where so few values allow none. */
function rank(count: number): number {
  let cut = 0
  // The chance that at most `cut` of them lie below the true median, which each does with one half.
  let chance = 0.5 ** count
  for (let term = chance; chance <= (1 - confidence) / 2; chance += term) {
    cut += 1
    term *= (count - cut + 1) / cut
  }
  return cut
}

function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('Expected at least one value')
  const sorted = values.toSorted((a, b) => a - b)
  const position = (sorted.length - 1) * share
  const below = sorted[Math.floor(position)]!
  const above = sorted[Math.ceil(position)]!
  return below + (above - below) * (position - Math.floor(position))
}
