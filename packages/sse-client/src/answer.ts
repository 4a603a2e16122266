import type { EventStreamFailure } from './event-stream-error.js'
import type { Drop } from './machine.js'
import { readProblem } from './problem.js'
import { judgeStatus, mediaTypeOf, readRetryAfter } from './status-policy.js'

/** What an answer means. Everything but `open` is the connection's last word. */
export type Answer =
  | { readonly type: 'open' }
  /** 204 (PROTOCOL.md §6.3). */
  | { readonly type: 'ended' }
  | { readonly type: 'refused'; readonly failure: EventStreamFailure }
  | { readonly type: 'dropped'; readonly drop: Drop }

/** Judges an answer by its head; of one that is rejected, the problem document is read too. */
export async function judgeAnswer(response: Response): Promise<Answer> {
  const { status, headers } = response
  const retryAfter = readRetryAfter(headers)
  const verdict = judgeStatus(status)
  switch (verdict) {
    case 'open':
      return judgeBody(response)
    case 'end':
      return { type: 'ended' }
    case 'retry':
      return { type: 'dropped', drop: { reason: 'status', status, retryAfter } }
    case 'reject': {
      const problem = await readProblem(response)
      const reason = problem?.detail ?? problem?.title
      const message = `The server answered ${status}${reason === undefined ? '' : `: ${reason}`}`
      return { type: 'refused', failure: { code: 'rejected', message, status, problem, retryAfter } }
    }
    default:
      return verdict satisfies never
  }
}

function judgeBody(response: Response): Answer {
  const { status, body, headers } = response
  const type = mediaTypeOf(headers)
  if (type !== 'text/event-stream') {
    const message = `Expected an answer of type text/event-stream, got ${type}`
    return { type: 'refused', failure: { code: 'rejected', message, status } }
  }
  // `null` is an empty body; where fetch cannot stream, there is no such property.
  if (body !== undefined) return { type: 'open' }
  return {
    type: 'refused',
    failure: { code: 'failed', message: 'This `fetch` gives answers without a streaming body', status },
  }
}
