import type { EventStreamFailure } from './event-stream-error.js'
import type { Drop } from './machine.js'

/** `transport: 'sse'` where nothing can be streamed. */
export const unstreamable: EventStreamFailure = {
  code: 'failed',
  message: 'This `fetch` gives no streaming body; did you mean `transport: "auto"`?',
}

/** A refusal for now, of a request that must not be repeated. */
export function refused({ status, retryAfter }: Drop & { reason: 'status' }): EventStreamFailure {
  return { code: 'rejected', message: `The server answered ${status}`, status, retryAfter }
}

/** The connection was lost, and the request must not be repeated. */
export function unresumable(drop: Drop | undefined): EventStreamFailure {
  return {
    code: 'unresumable',
    message: 'The connection was lost, and its request must not be repeated',
    ...lost(drop),
  }
}

/** More connections in a row failed than the budget allows. */
export function exhausted(attempts: number, drop: Drop): EventStreamFailure {
  return {
    code: 'exhausted',
    message: `Gave up after ${attempts} failed connections in a row`,
    attempts,
    ...lost(drop),
  }
}

function lost(drop: Drop | undefined): Partial<EventStreamFailure> {
  return drop?.reason === 'network' ? { drop, cause: drop.error } : { drop }
}
