const encoder = new TextEncoder()
/** A unit is at most three bytes. */
const partUnits = 4_096
const partBytes = new Uint8Array(3 * partUnits)

/** The length in UTF-8 of a text without lone surrogates, such as any JSON text. */
export function utf8Length(text: string): number {
  let bytes = 0
  let start = 0
  // Looking at each unit of a long text takes twenty times as long; encoding it as a whole, as much memory again.
  while (text.length - start > partUnits) {
    const part = wholeCharacters(text.slice(start, start + partUnits + 1), partUnits)
    bytes += encoder.encodeInto(part, partBytes).written
    start += part.length
  }
  bytes += text.length - start
  for (let i = start; i < text.length; i += 1) {
    const unit = text.charCodeAt(i)
    // Each half of a surrogate pair counts two of the pair's four bytes.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2
  }
  return bytes
}

/** The JSON text of a value; `undefined` where it has none. Never throws. */
export function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

const plainText = /^[ !#-[\]-~]*$/

/**
 * The bytes of the JSON text of a value that is neither an array nor a plain object; what has none, and any other object, counts as
 * `null`. Of a text that has certainly more than `mostBytes`, only its length is given.
 */
export function leafSize(value: unknown, mostBytes: number): number {
  switch (typeof value) {
    case 'string':
      if (value.length > mostBytes || plainText.test(value)) return value.length + 2
      return utf8Length(JSON.stringify(value))
    case 'number':
      return Number.isFinite(value) ? JSON.stringify(value).length : 4
    case 'boolean':
      return String(value).length
    default:
      return 'null'.length
  }
}

/** The longest start of a text, at most `maxUnits` UTF-16 units, that does not end inside a surrogate pair. */
export function wholeCharacters(text: string, maxUnits: number): string {
  if (text.length <= maxUnits) return text
  const last = text.charCodeAt(maxUnits - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? maxUnits - 1 : maxUnits)
}

/**
 * The longest start of a text, at most `maxUnits` UTF-16 units, whose JSON string is at most `maxBytes` bytes long, quotes
 * included; `undefined` where not even the empty one fits.
 */
export function startThatFits(text: string, maxBytes: number, maxUnits = Number.POSITIVE_INFINITY): string | undefined {
  if (maxBytes < 2) return undefined
  let low = 0
  // A unit is never less than one byte, so no more than this can fit.
  let high = Math.min(text.length, maxUnits, maxBytes - 2)
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (utf8Length(JSON.stringify(wholeCharacters(text, middle))) <= maxBytes) low = middle
    else high = middle - 1
  }
  return wholeCharacters(text, low)
}
