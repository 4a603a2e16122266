/** What a status means: the stream has ended, try again later, or never again. */
export type StatusVerdict = 'end' | 'retry' | 'reject'

/** Verdicts by status (`404`) or by class (`'4xx'`); the status goes first. What is not named is rejected. */
export type StatusPolicy = { readonly [status in number | `${1 | 3 | 4 | 5}xx`]?: StatusVerdict }

/** PROTOCOL.md §4.6, §6.3, §9. A 200 is read whatever a policy says. */
export const statusPolicy: StatusPolicy = { 204: 'end', 408: 'retry', 425: 'retry', 429: 'retry', '5xx': 'retry' }

/** The milliseconds that a `Retry-After` header asks to wait, in seconds or as a date (RFC 9110, section 10.2.3). */
export function readRetryAfter(headers: Headers, now: number): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  if (/^\d+$/.test(value)) return Math.min(+value * 1_000, Number.MAX_SAFE_INTEGER)
  // Against the server's own clock where it is told: the reader's may be wrong by more than the wait.
  const wait = Date.parse(value) - (Date.parse(headers.get('date') ?? '') || now)
  return Number.isNaN(wait) ? undefined : Math.max(0, wait)
}
