/** Deeper values are left to `JSON.stringify`, which also finds a cycle. */
const maxDepth = 8
/** Of `-1.2345678901234567e-308` and a comma; all that is no text and no object is shorter. */
const maxPrimitiveBytes = 25
/** A longer text is not looked at unit by unit. */
const maxShortText = 64
/** Of `\u0001`, or of half a surrogate pair. */
const maxUnitBytes = 6

/**
 * Whether the JSON text of a value has at most `maxBytes` bytes of UTF-8, where that can be told without making it: `false` also says
 * that it has none, or that there is a doubt. What it reads of the value, it reads as `JSON.stringify` does. Never throws.
 */
export function surelyFits(value: unknown, maxBytes: number): boolean {
  try {
    return bytesLeft(value, maxBytes, 0) >= 0
  } catch {
    // A getter or a Proxy threw.
    return false
  }
}

/** What a value, and a comma, leave of so many bytes at least; negative where they are not enough, or in doubt. */
function bytesLeft(value: unknown, bytes: number, depth: number): number {
  switch (typeof value) {
    case 'string':
      return bytes - textBytes(value) - 1
    case 'number':
    case 'boolean':
    case 'undefined':
      return bytes - maxPrimitiveBytes
    case 'object':
      if (value === null) return bytes - maxPrimitiveBytes
      return depth < maxDepth ? bytesLeftByObject(value, bytes - '{},'.length, depth + 1) : -1
    default:
      return -1
  }
}

function bytesLeftByObject(value: object, bytes: number, depth: number): number {
  if ((value as { toJSON?: unknown }).toJSON !== undefined) return -1
  let left = bytes
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length && left >= 0; i += 1) left = bytesLeft(value[i], left, depth)
    return left
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  // An object made from a number, for example, has the text of the number.
  if (prototype !== Object.prototype && prototype !== null) return -1
  for (const key in value) {
    left = bytesLeft((value as Record<string, unknown>)[key], left - textBytes(key) - 1, depth)
    if (left < 0) return left
  }
  return left
}

/** At least the bytes of the JSON string. */
function textBytes(text: string): number {
  if (text.length > maxShortText) return maxUnitBytes * text.length + '""'.length
  let bytes = text.length + '""'.length
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i)
    if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) bytes += maxUnitBytes - 1
  }
  return bytes
}
