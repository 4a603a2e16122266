import { mediaTypeOf } from './status-policy.js'

/** A problem document (RFC 9457; PROTOCOL.md §9). */
export interface Problem {
  readonly title?: string
  readonly detail?: string
  /** For programs. */
  readonly code?: string
  readonly [member: string]: unknown
}

const maxBytes = 65_536

/** Reads the problem document of an answer; `undefined` where it has none, or one that is too large or broken. Never rejects. */
export async function readProblem(response: Response): Promise<Problem | undefined> {
  if (mediaTypeOf(response.headers) !== 'application/problem+json' || !response.body) return undefined
  const decoder = new TextDecoder()
  const reader = response.body.getReader()
  let text = ''
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      bytes += value.byteLength
      if (bytes > maxBytes) return undefined
      text += decoder.decode(value, { stream: true })
    }
    const problem: unknown = JSON.parse(text)
    return isObject(problem) ? keepTexts(problem) : undefined
  } catch {
    return undefined
  } finally {
    reader.cancel().catch(() => {})
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** "If a member's value type does not match the specified type, the member MUST be ignored" (RFC 9457, section 3.1). */
function keepTexts(problem: Record<string, unknown>): Problem {
  const texts = ['title', 'detail', 'code']
  return Object.fromEntries(
    Object.entries(problem).filter(([name, value]) => !texts.includes(name) || typeof value === 'string'),
  )
}
