/** A count or a number of bytes: a positive integer or `Infinity`. */
export function expectLimit(name: string, value: number | undefined, byDefault: number): number {
  const limit = value ?? byDefault
  if (limit === Number.POSITIVE_INFINITY || (Number.isSafeInteger(limit) && limit > 0)) return limit
  throw new TypeError(`Expected \`${name}\` to be a positive integer, got ${String(value)}`)
}

/** A time that `0` or `false` switches off: milliseconds, or 0. */
export function expectDuration(name: string, value: number | false | undefined, byDefault: number): number {
  const duration = value === false ? 0 : (value ?? byDefault)
  if (typeof duration === 'number' && duration >= 0) return duration
  throw new TypeError(`Expected \`${name}\` to be a number of milliseconds, 0 or more, or false, got ${String(value)}`)
}
