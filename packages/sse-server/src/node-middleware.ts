import type { NodeRequest, NodeResponse } from './exchange.js'
import { sendProblem } from './problem.js'
import { allowMethods, internalError, methodNotAllowed, methods } from './refusals.js'
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
    if (!methods.includes(request.method ?? '')) {
      if (next !== undefined) next()
      else sendProblem(response, methodNotAllowed, allowMethods)
      return
    }
    answer(request, response).catch(
      next ??
        ((error: unknown) => {
          core.report(error)
          sendProblem(response, internalError)
        }),
    )
  }
}
