/** A binary heap of numbers, the smallest first: as large as what is in it, unlike a RankSet. */
export class RankHeap {
  readonly #ranks: number[] = []

  add(rank: number): void {
    const ranks = this.#ranks
    let at = ranks.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (ranks[parent]! <= rank) break
      ranks[at] = ranks[parent]!
      at = parent
    }
    ranks[at] = rank
  }

  /** Takes the smallest out; -1 where there is none. */
  take(): number {
    const ranks = this.#ranks
    const first = ranks[0]
    const last = ranks.pop()
    if (first === undefined || last === undefined || ranks.length === 0) return first ?? -1
    let at = 0
    for (let child = 1; child < ranks.length; child = 2 * at + 1) {
      if (child + 1 < ranks.length && ranks[child + 1]! < ranks[child]!) child += 1
      if (ranks[child]! >= last) break
      ranks[at] = ranks[child]!
      at = child
    }
    ranks[at] = last
    return first
  }
}
