/** @throws TypeError where the option is not an integer from `min` on, or `Infinity`. */
export function checkCount(name: string, value: number, min = 1): number {
  if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value >= min)) return value
  const what = min === 1 ? 'a positive integer' : `an integer of at least ${min}`
  throw new TypeError(`Expected \`${name}\` to be ${what} or Infinity, got ${show(value)}`)
}

/** @throws TypeError where the option is not a duration in milliseconds, from 0 to `Infinity`. */
export function checkDuration(name: string, value: number): number {
  if (typeof value === 'number' && value >= 0) return value
  throw new TypeError(`Expected \`${name}\` to be milliseconds, 0 or more, got ${show(value)}`)
}

/** @throws TypeError where the option is not one of the names. */
export function checkChoice<Choice extends string>(name: string, value: Choice, choices: readonly Choice[]): Choice {
  if (choices.includes(value)) return value
  const list = choices.map((choice) => JSON.stringify(choice)).join(', ')
  throw new TypeError(`Expected \`${name}\` to be one of ${list}, got ${show(value)}`)
}

/**
 * Also takes one of another realm, or of a library that has its own.
 *
 * @throws TypeError where the option is given and is no signal.
 */
export function checkSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined) return undefined
  if (typeof signal?.addEventListener === 'function' && typeof signal.aborted === 'boolean') return signal
  throw new TypeError(`Expected \`signal\` to be an AbortSignal, got ${show(signal)}`)
}

/** @throws TypeError where the options are not an object. */
export function checkOptions<Options>(options: Options): Options {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return options
  throw new TypeError(`Expected the options to be an object, got ${show(options)}`)
}

/** @throws TypeError where the option is given and is not a function. */

export function checkFunction<Option>(name: string, value: Option): Option {
  if (value === undefined || typeof value === 'function') return value
  throw new TypeError(`Expected \`${name}\` to be a function, got ${show(value)}`)
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  return typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : String(value)
}
