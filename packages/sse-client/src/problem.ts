/** A problem document (RFC 9457; PROTOCOL.md §9). */
export interface Problem {
  readonly title?: string
  readonly detail?: string
  /** For programs. */
  readonly code?: string
  readonly [member: string]: unknown
}

/** Reads a problem document; `undefined` where the text is none. */
export function parseProblem(text = ''): Problem | undefined {
  try {
    const problem = JSON.parse(text)
    // "If a member's value type does not match the specified type, the member MUST be ignored" (RFC 9457, section 3.1).
    for (const name of ['title', 'detail', 'code']) if (typeof problem[name] !== 'string') delete problem[name]
    return Object(problem) === problem && !Array.isArray(problem) ? problem : undefined
  } catch {
    return undefined
  }
}
