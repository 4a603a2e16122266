import type { Server } from 'node:http'
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
      // Express and its body parser mean the message of such an error for the client.
      return {
        status: error.status,
        code: 'malformed_request',
        detail: `The request cannot be read: ${error.message}.`,
      }
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

/** Answers what is no request that Express could see: a broken one, one whose headers are too long, one that expects the unknown. */
export function answerBadRequests(http: Server): void {
  http.on('clientError', (error: Error & { code?: string }, socket) => {
    // Nothing can be said to a connection that is gone, or in the middle of an answer.
    const isAnswering = '_httpMessage' in socket && Boolean(socket._httpMessage)
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) {
      socket.destroy()
      return
    }
    const isTooLong = error.code === 'HPE_HEADER_OVERFLOW'
    const [status, phrase] = isTooLong ? [431, 'Request Header Fields Too Large'] : [400, 'Bad Request']
    const detail = isTooLong ? 'The headers of the request are too long.' : 'The request is not HTTP/1.1.'
    const body = JSON.stringify({ title: phrase, status, detail, code: 'malformed_request' })
    socket.end(
      `HTTP/1.1 ${status} ${phrase}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    )
  })
  http.on('checkExpectation', (_request, response) => {
    sendProblem(response, {
      status: 417,
      code: 'expectation_failed',
      detail: 'The only expectation met is 100-continue.',
    })
  })
}
