/** How well a media type fits an `Accept` header (RFC 9110 §12.5.1). */
export interface Preference {
  /** From 0, not acceptable, to 1. */
  readonly quality: number
  /** Whether a range names the type itself, not by a wildcard. */
  readonly named: boolean
}

const weight = /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/

/** Rates one media type: the most specific range that matches it counts. No header, or an empty one, accepts everything. */
export function rateType(accept: string | undefined, type: string): Preference {
  if (accept === undefined || accept.trim() === '') return { quality: 1, named: false }
  const family = `${type.slice(0, type.indexOf('/'))}/*`
  let specificity = 0
  let quality = 0
  for (const part of accept.split(',')) {
    const [range = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase())
    const matches = range === type ? 3 : range === family ? 2 : range === '*/*' ? 1 : 0
    if (matches === 0 || matches < specificity) continue
    const given = qualityOf(parameters)
    if (given === undefined) continue
    quality = matches === specificity ? Math.max(quality, given) : given
    specificity = matches
  }
  return { quality, named: specificity === 3 }
}

/**
 * The type that an `Accept` header prefers. Of two with the same weight it is the one that the header names rather than matches by
 * a wildcard, then the first one given. `undefined`: none is acceptable, which is a 406.
 *
 * @example preferredType('application/json;q=0.9, *\/*;q=0.1', ['text/event-stream', 'application/json']) // 'application/json'
 */
export function preferredType<Type extends string>(
  accept: string | undefined,
  types: readonly Type[],
): Type | undefined {
  let best: Type | undefined
  let bestRating: Preference = { quality: 0, named: false }
  for (const type of types) {
    const rating = rateType(accept, type)
    const isTie = rating.quality === bestRating.quality && rating.quality > 0
    if (rating.quality > bestRating.quality || (isTie && rating.named && !bestRating.named)) {
      best = type
      bestRating = rating
    }
  }
  return best
}

/** The weight of a range; `undefined` where it is malformed, so that the range does not count. */
function qualityOf(parameters: readonly string[]): number | undefined {
  const given = parameters.find((parameter) => parameter.startsWith('q='))
  if (given === undefined) return 1
  return weight.test(given.slice(2)) ? Number(given.slice(2)) : undefined
}
