import type { EventContract, EventOf, FailureReason } from '@x/sse-protocol'
import { SseServerError } from './server-error.js'

/**
 * The events by which a contract fails.
 *
 * @throws SseServerError `invalid_contract` where they do not end a stream.
 */
export function expectFailure<Events extends object>(
  contract: EventContract<Events, object>,
  reason: FailureReason,
): readonly EventOf<Events>[] {
  const events: unknown = typeof contract.failure === 'function' ? contract.failure(reason) : undefined
  const last: EventOf<Events> | undefined = Array.isArray(events) ? events.at(-1) : undefined
  if (last !== undefined && contract.isTerminal(last.type, last.data)) return events as EventOf<Events>[]
  throw new SseServerError(
    'invalid_contract',
    'Expected `failure` of the contract to give events of which the last is terminal',
  )
}
