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

/** @throws TypeError where the options are no object, or hold a member that is none of them: what is misspelt would be left out without a word. */
export function expectOptions(what: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`Expected the options of ${what} to be an object, got ${describe(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    throw new TypeError(`Expected an option of ${what} (${names.join(', ')}), got \`${name.slice(0, 64)}\``)
  }
}

/** @throws TypeError where it is none. */
export function expectFunction<F>(name: string, value: F): F {
  if (typeof value === 'function') return value
  throw new TypeError(`Expected \`${name}\` to be a function, got ${describe(value)}`)
}

/** What something is, shortly, for an error. */
export function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 64)) : typeof value
}
