/** A JSON Pointer of these parts (RFC 6901 §3). */
export function formatPointer(...parts: (string | number)[]): string {
  return parts.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** The parts of a JSON Pointer; `undefined` where the text is none (RFC 6901 §3). */
export function parsePointer(pointer: string): string[] | undefined {
  if (pointer === '') return []
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) return undefined
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

const arrayIndex = /^(?:0|[1-9][0-9]*)$/

/**
 * Follows the parts through own properties only, so that a pointer from outside never reaches a prototype; `found` is
 * false where there is nothing.
 */
export function followPointer(value: unknown, parts: readonly string[]): { found: boolean; value: unknown } {
  let current = value
  for (const part of parts) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, part)) {
      return { found: false, value: undefined }
    }
    if (Array.isArray(current) && !arrayIndex.test(part)) return { found: false, value: undefined }
    current = Reflect.get(current, part)
  }
  return { found: true, value: current }
}
