/** Choices that are the same in every run with one seed. */
export interface Seeded {
  /** A whole number from 0 up to, but without, `limit`. */
  below(limit: number): number
  /** True in a share of the calls, from 0 to 1. */
  chance(share: number): boolean
  pick<T>(values: readonly T[]): T
}

/** The generator is mulberry32: 32 bits of state, which is enough for schedules. */
export function seeded(seed: number): Seeded {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return { below, chance: (share) => next() < share, pick: (values) => values[below(values.length)]! }
}
