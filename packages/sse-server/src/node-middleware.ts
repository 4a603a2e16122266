import type { NodeRequest, NodeResponse } from './exchange.js'
import { sendProblem } from './problem.js'
import type { ServerCore } from './server-core.js'

/** A handler for Express, Connect and node:http. */
export type Middleware<Req extends NodeRequest = NodeRequest> = (
  request: Req,
  response: NodeResponse,
  next?: (error?: unknown) => void,
) => void

/** Makes a handler of what answers GET, HEAD and OPTIONS; any other method goes to `next`, or gets a 405 where there is none. */
export function createMiddleware<Req extends NodeRequest>(
  core: ServerCore,
  answer: (request: Req, response: NodeResponse) => Promise<void>,
): Middleware<Req> {
  return (request, response, next) => {
    if (!['GET', 'HEAD', 'OPTIONS'].includes(request.method ?? '')) {
      if (next !== undefined) next()
      else refuseMethod(response)
      return
    }
    answer(request, response).catch(
      next ??
        ((error: unknown) => {
          core.report(error)
          sendProblem(response, { status: 500, code: 'internal_error', detail: 'The server failed' })
        }),
    )
  }
}

function refuseMethod(response: NodeResponse): void {
  const problem = { status: 405, code: 'method_not_allowed', detail: 'Expected GET, HEAD or OPTIONS' }
  sendProblem(response, problem, { Allow: 'GET, HEAD, OPTIONS' })
}
