import { describe, expect, it } from 'vitest'
import { surelyFits } from '../src/json-bound.js'
import { utf8Length } from '../src/json-size.js'
import { seeded } from './seeded.js'

const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value) ?? '')

/** The least limit at which the value surely fits. */
function boundOf(value: unknown): number {
  let [low, high] = [-1, 2 ** 24]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (surelyFits(value, middle)) high = middle
    else low = middle
  }
  return high
}

const texts = ['', 'plain', '"', '\\', '\u0001', '\u007f', '\ud800', '😀', 'é', '漢', '\u2028', '__proto__', 'toString']
const numbers = [0, -0, 7, -1.2345678901234567e-308, 2 ** 53, 1e21, Number.NaN, Number.NEGATIVE_INFINITY]

function randomValue(random: () => number, depth: number): unknown {
  const pick = <Value>(values: readonly Value[]) => values[Math.floor(random() * values.length)]!
  const text = () => pick(texts).repeat(Math.floor(random() * (random() < 0.1 ? 100 : 4)))
  const kind = Math.floor(random() * (depth > 5 ? 3 : 5))
  if (kind === 0) return text()
  if (kind === 1) return pick(numbers)
  if (kind === 2) return pick([null, undefined, true, false])
  const values = Array.from({ length: Math.floor(random() * 6) }, () => randomValue(random, depth + 1))
  if (kind === 3) return values
  const members = values.map((value) => [text(), value] as const)
  return random() < 0.2 ? Object.assign(Object.create(null), Object.fromEntries(members)) : Object.fromEntries(members)
}

describe('a value that surely fits', () => {
  it('has a JSON text of so many bytes at most, in 3,000 random values', () => {
    const random = seeded(1)
    for (let i = 0; i < 3_000; i += 1) {
      const value = randomValue(random, 0)
      expect(boundOf(value)).toBeGreaterThanOrEqual(bytesOf(value))
      expect(surelyFits(value, boundOf(value) - 1)).toBe(false)
    }
  })

  it.each([
    [0, 25],
    ['some short text', 18],
    [{ id: 't1', tool: 'noop', dependsOn: ['t0'] }, 60],
    [Array.from({ length: 100 }, () => 1), 2_503],
  ])('%j is one at not much more than it needs', (value, bytes) => {
    expect(boundOf(value)).toBeLessThanOrEqual(bytes)
  })

  it.each([[-1.2345678901234567e-308], [''], ['\u0001'], [false], [[]], [{}]])(
    'leaves room for every comma and colon (many %j)',
    (value) => {
      const values = Array.from({ length: 20 }, () => value)
      for (const many of [values, { ...values }]) expect(boundOf(many)).toBeGreaterThanOrEqual(bytesOf(many))
    },
  )

  it('is nested eight levels deep at most, since more is left to JSON.stringify', () => {
    const nested = (levels: number) => Array.from({ length: levels }).reduce((inner) => [inner], 0)
    expect([surelyFits(nested(8), 1_000), surelyFits(nested(9), 1_000)]).toEqual([true, false])
  })

  const cycle: unknown[] = []
  cycle.push(cycle)
  const deep = Array.from({ length: 100_000 }).reduce((inner) => [inner], 0)
  const throws = () => {
    throw new Error('no')
  }
  it.each<[string, unknown]>([
    ['a BigInt', 1n],
    ['a symbol', Symbol('s')],
    ['a function', () => 1],
    ['a function with a toJSON', Object.assign(() => 1, { toJSON: () => 'x'.repeat(1_000_000) })],
    ['a cycle', cycle],
    ['arrays of great depth', deep],
    ['an array of great length', new Array(2 ** 32 - 1)],
    ['a toJSON', { toJSON: () => 'x'.repeat(1_000_000) }],
    ['a toJSON that throws', Object.defineProperty({}, 'toJSON', { get: throws })],
    ['a getter that throws', Object.defineProperty({}, 'x', { get: throws, enumerable: true })],
    ['a Proxy that throws', new Proxy({}, { get: throws })],
    ['a Proxy that is revoked', revoked()],
    ['an object made from a number', Object(-1.2345678901234567e-308)],
    ['an object made from a BigInt', Object(1n)],
    ['a Date', new Date(0)],
  ])('is never %s, however deep inside', (_, value) => {
    for (const whole of [value, [value], { a: { b: [1, value] } }]) expect(surelyFits(whole, 2 ** 20)).toBe(false)
  })

  it('is never one to which a prototype gives a toJSON', () => {
    const array = Object.assign([], { toJSON: () => 1n })
    expect(surelyFits([array], 1_000)).toBe(false)
    const prototype = Object.prototype as { toJSON?: unknown }
    try {
      prototype.toJSON = () => 'x'.repeat(1_000)
      expect(surelyFits({}, 500)).toBe(false)
    } finally {
      delete prototype.toJSON
    }
  })
})

describe('the length in UTF-8', () => {
  it('of a long text is that of its parts, wherever a pair of surrogates is', () => {
    for (let before = 4_090; before < 4_100; before += 1) {
      for (const unit of ['x', 'é', '漢', '😀']) {
        const text = JSON.stringify(`${'x'.repeat(before)}${unit.repeat(9_000)}`)
        expect(utf8Length(text)).toBe(Buffer.byteLength(text))
      }
    }
  })
})

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
