/** The first entries of a list, and how many there are in all. */
export interface Listed<T> {
  readonly total: number
  readonly items: readonly T[]
}

/** How many entries a tool's output holds of a list that has no natural bound. */
export const maxListed = 200

/** Keeps the first `max` of `items`. */
export function listed<T>(items: readonly T[], max = maxListed): Listed<T> {
  return { total: items.length, items: items.slice(0, max) }
}

/** Keeps at most `max` entries and the total as it was. */
export function shortened<T>({ total, items }: Listed<T>, max: number): Listed<T> {
  return { total, items: items.slice(0, max) }
}
