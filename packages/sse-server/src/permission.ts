import type { MaybePromise } from './event-log.js'
import type { SseRequest } from './exchange.js'
import { describe } from './expect-option.js'
import { isPromise } from './is-promise.js'
import type { Settings } from './server-options.js'

/**
 * Asks whether a request may read a stream.
 *
 * @throws What `authorize` throws; TypeError where its answer is neither yes nor no.
 */
export function askPermission({ authorize }: Settings, request: SseRequest, streamId: string): MaybePromise<boolean> {
  const answer: unknown = authorize(request, streamId)
  return isPromise(answer) ? Promise.resolve(answer).then(expectBoolean) : expectBoolean(answer)
}

/** A text, or a user, would be true. */
function expectBoolean(answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer
  throw new TypeError(`Expected \`authorize\` to answer true or false, got ${describe(answer)}`)
}
