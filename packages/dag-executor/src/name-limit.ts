import { utf8Length } from './json-size.js'

/**
 * How long the JSON string of an id or of a tool's name may be, quotes and escapes included. Events repeat the names, so that
 * without it not every event could be made to fit in its limit.
 */
export const maxNameBytes = 256

/** A UTF-16 unit is never longer as JSON, as `\u0000` is: so many always fit. */
const maxUnitBytes = 6
const certainlyShort = Math.floor((maxNameBytes - 2) / maxUnitBytes)

/** Whether a text can be an id or the name of a tool. */
export function isName(text: string): boolean {
  if (text.length <= certainlyShort) return text !== ''
  if (text.length > maxNameBytes) return false
  return utf8Length(JSON.stringify(text)) <= maxNameBytes
}
