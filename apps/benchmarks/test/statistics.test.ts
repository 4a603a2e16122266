import { describe, expect, it } from 'vitest'
import { median, medianRatio, ratioOf, spread, verdict } from '../src/statistics.js'

const ones = (count: number) => Array.from({ length: count }, () => 1)
const pairs = (...ratios: number[]) => ({ dividends: ratios, divisors: ones(ratios.length) })

describe('median and spread', () => {
  it('the median is the middle value, or the mean of the two in the middle', () => {
    expect(median([5, 1, 9])).toBe(5)
    expect(median([4, 1, 9, 6])).toBe(5)
  })

  it('the spread is half the distance between the quartiles, which one outlier does not move', () => {
    expect(spread([1, 2, 3, 4, 5])).toBe(1)
    expect(spread([1, 2, 3, 4, 500])).toBe(1)
  })

  it('no value has no median', () => {
    expect(() => median([])).toThrow(RangeError)
  })
})

describe('the ratio of pairs', () => {
  it('is the median of the ratios of each pair, not the ratio of the medians', () => {
    expect(ratioOf({ dividends: [2, 30, 4], divisors: [1, 10, 4] }).value).toBe(2)
  })

  it('with six pairs, the interval is from the lowest to the highest', () => {
    expect(ratioOf(pairs(6, 1, 5, 2, 4, 3))).toEqual({ value: 3.5, low: 1, high: 6 })
  })

  // The ranks of the sign test at 95 %, from its tables.
  it.each([
    [8, 1],
    [9, 2],
    [11, 2],
    [12, 3],
    [15, 4],
    [20, 6],
  ])('with %i pairs, the interval begins at the value of rank %i', (count, rank) => {
    const ratios = Array.from({ length: count }, (_, index) => index + 1)
    expect(ratioOf(pairs(...ratios))).toMatchObject({ low: rank, high: count + 1 - rank })
  })

  it('with fewer than six pairs, the interval is open', () => {
    expect(ratioOf(pairs(1, 1, 1, 1, 1))).toEqual({ value: 1, low: 0, high: Infinity })
  })

  it('two outliers among twelve do not move the interval', () => {
    const steady = pairs(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
    const disturbed = pairs(9, 1, 1, 1, 1, 0.1, 1, 1, 1, 1, 1, 1)
    expect(ratioOf(disturbed)).toEqual(ratioOf(steady))
  })

  it('figures without a partner are refused', () => {
    expect(() => ratioOf({ dividends: [1, 2], divisors: [1] })).toThrow('Expected pairs, got 2 and 1 figures')
    expect(() => ratioOf({ dividends: [], divisors: [] })).toThrow(RangeError)
  })
})

describe('the median over cases', () => {
  const slow = pairs(0.5, 0.52, 0.48, 0.51, 0.49, 0.5)
  const middle = pairs(1, 1.02, 0.98, 1.01, 0.99, 1)
  const fast = pairs(2, 2.02, 1.98, 2.01, 1.99, 2)

  it('is the median of the ratios of the cases, within its interval', () => {
    const { value, low, high } = medianRatio([fast, slow, middle])
    expect(value).toBe(1)
    expect(low).toBeGreaterThanOrEqual(0.98)
    expect(low).toBeLessThan(1)
    expect(high).toBeGreaterThan(1)
    expect(high).toBeLessThanOrEqual(1.02)
  })

  it('has the interval of a bootstrap: of eleven values, drawn again, 95 % of the medians are from the third to the ninth', () => {
    expect(medianRatio([pairs(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)])).toEqual({ value: 6, low: 3, high: 9 })
  })

  it('is the same for the same figures', () => {
    expect(medianRatio([fast, slow, middle])).toEqual(medianRatio([fast, slow, middle]))
  })

  it('has an open interval where one of the cases has', () => {
    expect(medianRatio([fast, slow, pairs(1, 1)])).toEqual({ value: 1, low: 0, high: Infinity })
  })
})

describe('the verdict', () => {
  const estimate = (low: number, high: number) => ({ value: (low + high) / 2, low, high })

  it.each([
    [0.9, 1.1, 'pass'],
    [0.95, 1.1, 'pass'],
    [0.85, 1.1, 'undecided'],
    [0.8, 0.9, 'undecided'],
    [0.8, 0.89, 'missed'],
    [0, Infinity, 'undecided'],
  ])('at least 0.9, with an interval from %d to %d: %s', (low, high, expected) => {
    expect(verdict({ must: 'be at least', gate: 0.9 }, estimate(low, high))).toBe(expected)
  })

  it.each([
    [2, 2.6, 'pass'],
    [2, 2.7, 'undecided'],
    [2.6, 2.7, 'undecided'],
    [2.61, 2.7, 'missed'],
    [0, Infinity, 'undecided'],
  ])('at most 2.6, with an interval from %d to %d: %s', (low, high, expected) => {
    expect(verdict({ must: 'be at most', gate: 2.6 }, estimate(low, high))).toBe(expected)
  })
})
