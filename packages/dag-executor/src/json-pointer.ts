/** UTF-16 units that a pointer in an issue may be long: keys come from outside and have any length. */
const maxPointerLength = 512

/** A JSON Pointer of these parts (RFC 6901 §3). One that would be too long ends at the last enclosing place that is not. */
export function formatPointer(parts: readonly (string | number)[]): string {
  let pointer = ''
  for (const part of parts) {
    const text = String(part)
    // Before it is escaped: that would take the time of the whole key.
    if (text.length > maxPointerLength) break
    const longer = `${pointer}/${text.replaceAll('~', '~0').replaceAll('/', '~1')}`
    if (longer.length > maxPointerLength) break
    pointer = longer
  }
  return pointer
}

/** Two pointers in a row; too long, they end at an enclosing place as well. */
export function joinPointers(first: string, second: string): string {
  const pointer = first + second.slice(0, maxPointerLength + 1)
  return pointer.length <= maxPointerLength ? pointer : pointer.slice(0, pointer.lastIndexOf('/', maxPointerLength))
}

/** Whether a text is a JSON Pointer (RFC 6901 §3). */
export function isPointer(text: string): boolean {
  return text === '' || (text.startsWith('/') && !/~(?![01])/.test(text))
}

/** The parts of a JSON Pointer; `undefined` where the text is none (RFC 6901 §3). */
export function parsePointer(pointer: string): string[] | undefined {
  if (pointer === '') return []
  if (!isPointer(pointer)) return undefined
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
