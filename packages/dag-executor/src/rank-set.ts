const width = 32

/**
 * A set of small whole numbers from which the smallest can be taken: a tree of bits, in which each bit says whether there is anything
 * in the 32 below it. Adding and taking touch one word of each level, of which there are three for 32,768 numbers.
 */
export class RankSet {
  /** From the numbers themselves to the root. */
  readonly #levels: Int32Array[] = []

  /** For numbers below `size`. */
  constructor(size: number) {
    let words = size
    do {
      words = Math.ceil(words / width)
      this.#levels.push(new Int32Array(words))
    } while (words > 1)
  }

  add(rank: number): void {
    let at = rank
    for (const words of this.#levels) {
      const word = at >>> 5
      const before = words[word]!
      words[word] = before | (1 << (at & 31))
      if (before !== 0) return
      at = word
    }
  }

  /** Takes the smallest out; -1 where there is none. */
  take(): number {
    const levels = this.#levels
    let at = 0
    for (let level = levels.length - 1; level >= 0; level -= 1) {
      const bits = levels[level]![at]
      if (!bits) return -1
      at = at * width + lowestBit(bits)
    }
    this.#remove(at)
    return at
  }

  clear(): void {
    for (const words of this.#levels) words.fill(0)
  }

  #remove(rank: number): void {
    let at = rank
    for (const words of this.#levels) {
      const word = at >>> 5
      words[word]! &= ~(1 << (at & 31))
      if (words[word] !== 0) return
      at = word
    }
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits)
}
