import { type Problem, sendProblem } from '@x/sse-server'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import type { Logger } from 'pino'
import { HttpProblem } from './http-problem.js'

const internalError: Problem = {
  status: 500,
  code: 'internal_error',
  detail: 'The request failed. The server’s log says why.',
}

/** Answers what no route took. */
export const unknownRoute: RequestHandler = (request) => {
  const detail = `There is nothing at ${request.method} ${request.path.slice(0, 200)}.`
  throw new HttpProblem({ status: 404, code: 'unknown_route', detail })
}

/** Answers errors with problem documents; what is not meant for the public goes to the log alone. */
export function problemHandler(logger: Logger): ErrorRequestHandler {
  return (error, request, response, _next) => {
    const problem = publicProblem(error)
    if (!problem) logger.error({ err: error, method: request.method, path: request.path }, 'a request failed')
    sendProblem(response, problem ?? internalError, error instanceof HttpProblem ? error.headers : {})
  }
}

/** What the client may know of an error; `undefined` where that is nothing. */
function publicProblem(error: unknown): Problem | undefined {
  if (error instanceof HttpProblem) return error.problem
  if (!isClientError(error)) return undefined
  switch (error.type) {
    case 'entity.parse.failed':
      return { status: 400, code: 'malformed_json', detail: `The body is not JSON: ${error.message}.` }
    case 'entity.too.large':
      return {
        status: 413,
        code: 'body_too_large',
        detail: `The body is larger than the limit of ${error.limit} bytes.`,
      }
    default:
      return { status: error.status, code: 'malformed_request', detail: 'The request could not be read.' }
  }
}

/** An error of Express or its body parser that is the client's fault; only the body parser gives it a `type`. */
interface ClientError {
  readonly status: number
  readonly message: string
  readonly type?: string
  readonly limit?: number
}

function isClientError(error: unknown): error is ClientError {
  return error instanceof Error && 'status' in error && Number(error.status) >= 400 && Number(error.status) < 500
}
