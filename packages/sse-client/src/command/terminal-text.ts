/**
 * Characters that would steer a terminal, or change the order of the text around them: controls of both ranges (U+009B begins a sequence
 * as ESC does), line separators, halves of surrogate pairs, marks of direction.
 */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Makes text from elsewhere safe for a terminal, and one line. What it does to a JSON text leaves its value the same. */
export function escapeControls(text: string): string {
  return text.replace(unprintable, (it) => short[it] ?? `\\u${it.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const zeroWidth = /[\p{Mn}\p{Me}\p{Cf}]/u
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u

/** Columns that one character takes. */
function widthOf(character: string): number {
  if (character <= '\x7e') return 1
  if (zeroWidth.test(character)) return 0
  return wide.test(character) ? 2 : 1
}

/** The beginning of a text that fits into so many columns, with an ellipsis where that is not all of it. */
export function cutToWidth(text: string, columns: number): { readonly text: string; readonly width: number } {
  let width = 0
  let end = 0
  /** Where the text has to end if an ellipsis is to follow. */
  let room = { end: 0, width: 0 }
  for (const character of text) {
    const next = width + widthOf(character)
    if (next > columns) return { text: columns > 0 ? `${text.slice(0, room.end)}…` : '', width: room.width + 1 }
    width = next
    end += character.length
    if (width < columns) room = { end, width }
  }
  return { text, width }
}
