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
  const known: readonly EventOf<Events>[] = Array.isArray(events) ? events : []
  const last = known.at(-1)
  const areKnown = known.every(({ type }) => contract.types.has(type))
  if (last !== undefined && areKnown && contract.isTerminal(last.type, last.data)) return known
  throw new SseServerError(
    'invalid_contract',
    'Expected `failure` of the contract to give events of its types, of which the last is terminal',
  )
}
