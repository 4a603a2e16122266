/** What an answer means: read it, the stream has ended, try again later, or never again. */
export type Verdict = 'open' | 'end' | 'retry' | 'reject'

interface StatusRule {
  readonly from: number
  readonly to: number
  readonly verdict: Verdict
}

/** The first rule that holds decides; what no rule names is rejected. */
const statusPolicy: readonly StatusRule[] = [
  { from: 200, to: 200, verdict: 'open' },
  { from: 204, to: 204, verdict: 'end' },
  { from: 408, to: 408, verdict: 'retry' },
  { from: 425, to: 425, verdict: 'retry' },
  { from: 429, to: 429, verdict: 'retry' },
  { from: 500, to: 599, verdict: 'retry' },
]

/** Judges a status (PROTOCOL.md §4.3, §4.6, §6.3, §9). */
export function judgeStatus(status: number): Verdict {
  return statusPolicy.find(({ from, to }) => from <= status && status <= to)?.verdict ?? 'reject'
}

/** The media type of an answer without its parameters, which do not count: the format is always UTF-8 (HTML standard §9.2.5). */
export function mediaTypeOf(headers: Headers): string | undefined {
  const [essence] = (headers.get('content-type') ?? '').split(';', 1)
  return essence?.trim().toLowerCase() || undefined
}

/** The milliseconds that a `Retry-After` header asks to wait, in seconds or as a date (RFC 9110, section 10.2.3). */
export function readRetryAfter(headers: Headers): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1_000, Number.MAX_SAFE_INTEGER)
  // Against the server's own clock where it is told: the reader's may be wrong by more than the wait.
  const wait = Date.parse(value) - (Date.parse(headers.get('date') ?? '') || Date.now())
  return Number.isNaN(wait) ? undefined : Math.max(0, wait)
}
