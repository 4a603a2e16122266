/**
 * How many random executions each law is tried on: `DAG_FUZZ_RUNS`, by default 40. `DAG_FUZZ_SEED` is the first seed, by default always the
 * same; the seed that is named in a failure, with one run, repeats it.
 */
export const runs = number('DAG_FUZZ_RUNS', 40)

export const firstSeed = number('DAG_FUZZ_SEED', 1)

function number(variable: string, otherwise: number): number {
  const value = Number(process.env[variable] || otherwise)
  if (!Number.isSafeInteger(value))
    throw new Error(`Expected ${variable} to be an integer, got ${process.env[variable]}`)
  return value
}

/** Random choices that are the same for the same seed. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e3779b1) >>> 0
  }

  /** From 0 to 1. */
  readonly next = (): number => {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** An integer from 0 to below the limit. */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    const shuffled = [...items]
    for (let i = shuffled.length - 1; i > 0; i -= 1) {
      const other = this.below(i + 1)
      ;[shuffled[i], shuffled[other]] = [shuffled[other]!, shuffled[i]!]
    }
    return shuffled
  }
}
