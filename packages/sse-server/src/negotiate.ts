import { preferredType, rateType } from './accept.js'
import { headerOf, type SseRequest } from './exchange.js'

/** The two ways in which a route can answer; anything may stand for them, a function for instance. */
export interface Answers<S, B> {
  /** For readers of `text/event-stream`. */
  readonly stream: S
  /** For readers of `application/json`. */
  readonly batch: B
}

export interface NegotiateOptions {
  /**
   * What a request gets that names neither. With `'batch'` only a request whose `Accept` names `text/event-stream` itself, and weighs it
   * no less than JSON, gets the stream.
   * @default 'stream'
   */
  readonly byDefault?: 'stream' | 'batch' | undefined
}

/**
 * Picks one of two answers by the request's `Accept` header (RFC 9110 §12.5.1, PROTOCOL.md §7.1). On a tie it is the stream.
 * `undefined`: neither is acceptable, which is a 406.
 *
 * @example
 * const answer = negotiate(request, { stream: sendEvents, batch: sendResult }, { byDefault: 'batch' })
 * if (answer) await answer()
 * else sendProblem(response, notAcceptable)
 */
export function negotiate<S, B>(
  request: { readonly headers: SseRequest['headers'] },
  answers: Answers<S, B>,
  options: NegotiateOptions = {},
): S | B | undefined {
  const accept = headerOf(request, 'accept')
  const types = ['text/event-stream', 'application/json'] as const
  const isStreamFirst = options.byDefault !== 'batch' || rateType(accept, 'text/event-stream').named
  const type = isStreamFirst ? preferredType(accept, types) : preferBatch(accept)
  if (type === undefined) return undefined
  return type === 'text/event-stream' ? answers.stream : answers.batch
}

/** The stream is not named, so JSON is the answer wherever it is acceptable at all. */
function preferBatch(accept: string | undefined): 'text/event-stream' | 'application/json' | undefined {
  return rateType(accept, 'application/json').quality > 0
    ? 'application/json'
    : preferredType(accept, ['text/event-stream'])
}
