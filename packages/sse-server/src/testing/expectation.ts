/** @throws Error that says what was expected and what came, unless both are the same in every part. */
export function expectSame(what: string, actual: unknown, expected: unknown): void {
  if (isSame(actual, expected)) return
  throw unmet(`${what}: expected ${show(expected)}, got ${show(actual)}`, actual, expected)
}

/** @throws Error unless the condition holds. `what` says what was expected. */
export function expectThat(condition: boolean, what: string, actual: unknown): void {
  if (!condition) throw unmet(`Expected ${what}, got ${show(actual)}`, actual, what)
}

/** A log is not what it should be. Test runners show the two values, whole, where an error has them. */
export class Unmet extends Error {}

function unmet(message: string, actual: unknown, expected: unknown): Unmet {
  return Object.assign(new Unmet(message), { actual, expected })
}

/** Data is compared by its parts. A member that is `undefined` is one that is not there. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return false
  const [left, right] = [new Map<string, unknown>(Object.entries(a)), new Map<string, unknown>(Object.entries(b))]
  return [...new Set([...left.keys(), ...right.keys()])].every((key) => isSame(left.get(key), right.get(key)))
}

const longest = 400

/** One line, not too long, in which every character is to be seen. */
export function show(value: unknown): string {
  const text = value instanceof Error ? String(value) : (JSON.stringify(value, showInfinity) ?? String(value))
  return text.length > longest ? `${text.slice(0, longest)}… (${text.length} characters)` : text
}

function showInfinity(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}
