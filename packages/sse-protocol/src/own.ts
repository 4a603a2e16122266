/**
 * A part of a text that does not hold on to the rest: engines make `slice` a view, so that an id which somebody stores would keep its
 * chunk in memory. Where that is not much, the part stays as it is. V8 copies slices of less than 13 units, and two such copies are
 * cheaper than a longer one.
 */
export function own(part: string, whole: string): string {
  if (part.length < 13 || whole.length < 256 || whole.length < 2 * part.length) return part
  return part.length < 25 ? part.slice(0, 12) + part.slice(12) : copy(part)
}

/** A copy in one piece: what a slice is taken from is joined first. */
export function copy(text: string): string {
  return ` ${text}`.slice(1)
}
