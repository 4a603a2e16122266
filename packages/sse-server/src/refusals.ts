import type { RefuseReason } from './counters.js'
import type { Problem } from './problem.js'

/** Also the answer where the stream may not be seen (PROTOCOL.md §4.5). */
export const unknownStream: Problem = { status: 404, code: 'unknown_stream', detail: 'There is no such stream' }
export const notAcceptable = (types: readonly string[]): Problem => ({
  status: 406,
  code: 'not_acceptable',
  detail: `Expected an Accept header that allows ${types.join(' or ')}`,
})
export const internalError: Problem = {
  status: 500,
  code: 'internal_error',
  detail: 'The server failed',
}

export const crowded: Problem = {
  status: 429,
  code: 'too_many_pipelined',
  detail: 'Too many requests wait on this connection',
}
export const methods: readonly string[] = ['GET', 'HEAD', 'OPTIONS']
export const allowMethods = { Allow: methods.join(', ') }
export const methodNotAllowed: Problem = {
  status: 405,
  code: 'method_not_allowed',
  detail: 'Expected GET, HEAD or OPTIONS',
}

/** Why a request gets no place. */
export const refusals: Readonly<Record<RefuseReason, Problem>> = {
  full: { status: 503, code: 'too_many_connections', detail: 'The server has all the connections it may have' },
  client_full: {
    status: 429,
    code: 'too_many_connections_of_client',
    detail: 'You have all the connections you may have',
  },
  closing: { status: 503, code: 'closing', detail: 'The server shuts down' },
}
