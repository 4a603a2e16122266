const maxMessageUnits = 1_000

/** The text, or its beginning where it is too long for a message in one event. */
export function shorten(text: string, maxPayloadBytes: number): string {
  const units = Math.min(maxMessageUnits, safeUnits(maxPayloadBytes))
  return text.length <= units ? text : `${text.slice(0, cut(text, units - 1))}…`
}

/** How many UTF-16 units fit an event for sure: a JSON escape takes up to six bytes for one, the other fields up to 256. */
function safeUnits(maxPayloadBytes: number): number {
  return Math.max(2, Math.floor((maxPayloadBytes - 256) / 6))
}

/** The place to cut at, or one before it where that would split a surrogate pair. */
function cut(text: string, end: number): number {
  if (end >= text.length) return text.length
  const last = text.charCodeAt(end - 1)
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end
}
