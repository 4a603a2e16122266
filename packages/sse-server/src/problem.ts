import type { NodeResponse } from './exchange.js'

/** One of several faults (PROTOCOL.md §9). */
export interface ProblemItem {
  readonly code: string
  readonly detail: string
  /** A JSON Pointer (RFC 6901) into the request's body. */
  readonly pointer?: string | undefined
}

/** An error that is known before the first byte of a body (RFC 9457, PROTOCOL.md §9). All its text is public. */
export interface Problem {
  readonly status: number
  /** For programs. */
  readonly code: string
  /** What is wrong and where. */
  readonly detail: string
  /**
   * The kind of problem in a few words.
   * @default the status's own phrase
   */
  readonly title?: string | undefined
  readonly errors?: readonly ProblemItem[] | undefined
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/** Headers of every problem document. */
export const problemHeaders = {
  'Content-Type': 'application/problem+json',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
} as const

/** The JSON text of a problem document. */
export function problemText({ title, status, code, detail, errors }: Problem): string {
  return JSON.stringify({ title: title ?? titles[status] ?? 'Error', status, detail, code, errors })
}

/** Answers a node:http request with a problem document. Where the headers are sent already, the socket is closed instead. */
export function sendProblem(
  response: NodeResponse,
  problem: Problem,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent) {
    if ('stream' in response) response.stream.destroy()
    else response.destroy()
    return
  }
  response.statusCode = problem.status
  for (const [name, value] of Object.entries({ ...problemHeaders, ...headers })) response.setHeader(name, value)
  response.end(problemText(problem))
}

/** A problem document as a fetch-style Response. */
export function problemResponse(problem: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(problemText(problem), { status: problem.status, headers: { ...problemHeaders, ...headers } })
}
