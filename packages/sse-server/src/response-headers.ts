import { describe, expectOptions } from './expect-option.js'

/** Headers of an event stream (PROTOCOL.md §4.3). */
export const streamHeaders = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
  Vary: 'Accept',
} as const

/** Headers of a page (PROTOCOL.md §7). */
export const pageHeaders = {
  'Content-Type': 'application/json',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  Vary: 'Accept',
} as const

/** Which pages of other origins may read the streams (PROTOCOL.md §4.8). */
export interface CorsOptions {
  /** Exact origins (`https://app.example.org`), or `'*'` for every one. Credentials are never allowed. */
  readonly origins: readonly string[] | '*'
}

/** Shared by all answers that need none. */
export const noHeaders: Readonly<Record<string, string>> = {}

/** @throws TypeError where an origin is none that a browser sends. */
export function expectCors(cors: CorsOptions | undefined): CorsOptions | undefined {
  if (cors === undefined) return undefined
  expectOptions('`cors`', cors, ['origins'])
  const { origins } = cors
  if (origins === '*') return cors
  if (!Array.isArray(origins)) {
    throw new TypeError(`Expected \`cors.origins\` to be an array of origins or '*', got ${describe(origins)}`)
  }
  for (const origin of origins) {
    if (isOrigin(origin)) continue
    throw new TypeError(`Expected an origin as browsers send it (https://app.example.org), got ${describe(origin)}`)
  }
  return { origins: [...origins] }
}

/** Apps and extensions have schemes of their own, whose origin the URL standard does not define, but browsers send it. */
function isOrigin(origin: unknown): boolean {
  if (typeof origin !== 'string' || !/^[a-z][a-z0-9+.-]*:\/\/[^/?#*@\s]+$/.test(origin)) return false
  return !/^https?:/.test(origin) || (URL.canParse(origin) && new URL(origin).origin === origin)
}

/** The headers that let a page of this origin read an answer. */
export function corsHeaders(
  cors: CorsOptions | undefined,
  origin: string | undefined,
): Readonly<Record<string, string>> {
  if (cors === undefined) return noHeaders
  const exposed = { 'Access-Control-Expose-Headers': 'Content-Location, Location, Retry-After' }
  if (cors.origins === '*') return { 'Access-Control-Allow-Origin': '*', ...exposed }
  // The answer depends on the origin also where this one is refused.
  const vary = { Vary: 'Origin' }
  if (origin === undefined || !cors.origins.includes(origin)) return vary
  return { 'Access-Control-Allow-Origin': origin, ...exposed, ...vary }
}

/** What a preflight request is told beside {@link corsHeaders}. */
export const preflightHeaders = {
  'Access-Control-Allow-Methods': 'GET, HEAD',
  'Access-Control-Allow-Headers': 'Authorization, Last-Event-ID, Prefer',
  'Access-Control-Max-Age': '7200',
} as const

/** Joins sets of headers, of which a later one counts, whatever its case; each one's `Vary` counts. The answer's own: middleware may write into it. */
export function joinHeaders(...sets: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const [first = noHeaders, ...others] = sets.filter((set) => set !== noHeaders)
  const joined: Record<string, string> = { ...first }
  for (const headers of others) {
    for (const [given, value] of Object.entries(headers)) {
      const name = Object.keys(joined).find((known) => known.toLowerCase() === given.toLowerCase()) ?? given
      joined[name] = name.toLowerCase() === 'vary' ? mergeVary(joined[name], value) : value
    }
  }
  return joined
}

/** Adds names to a `Vary` header without repeating any. */
export function mergeVary(present: number | string | readonly string[] | undefined, added: string): string {
  const names = (value: string): string[] => value.split(',').map((name) => name.trim())
  const held = present === undefined ? [] : names(String(present))
  const known = new Set(held.map((name) => name.toLowerCase()))
  return [...held, ...names(added).filter((name) => !known.has(name.toLowerCase()))].join(', ')
}
