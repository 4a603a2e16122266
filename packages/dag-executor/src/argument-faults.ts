import { quote } from './dag-issue.js'
import type { ArgumentFault } from './tool.js'

const expected = 'Expected `validateArguments` to return an array of `{pointer, message}`'

/**
 * What a validator returned, as a list of what each still has to be read by {@link readFault}: only the first few of many are.
 *
 * @throws TypeError where it is no array.
 */
export function readFaults(answer: unknown): readonly unknown[] {
  if (Array.isArray(answer)) return answer
  // Nobody waits for it: where it fails, that must not end the process before this is read.
  if (answer instanceof Promise) answer.catch(() => undefined)
  throw new TypeError(`${expected}, got ${answer instanceof Promise ? 'a promise' : describe(answer)}`)
}

/** @throws TypeError where it is no fault. */
export function readFault(fault: unknown): ArgumentFault {
  const { pointer, message } = Object(fault) as Partial<ArgumentFault>
  if (typeof pointer === 'string' && typeof message === 'string') return { pointer, message }
  throw new TypeError(`${expected}, got ${describe(fault)} in it`)
}

function describe(value: unknown): string {
  if (typeof value === 'boolean') return String(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return quote(value)
  return `{${Object.keys(value).slice(0, 6).join(', ')}}`
}
