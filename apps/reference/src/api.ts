import type { ToolRegistry } from '@x/dag-executor'
import type { SessionEventMap } from '@x/sse-protocol'
import type { SseServer } from '@x/sse-server'
import { type Request, type RequestHandler, type Response, Router } from 'express'
import { z } from 'zod'
import type { Executions } from './executions.js'
import { HttpProblem } from './http-problem.js'
import type { IdempotencyKeys } from './idempotency.js'
import { bodyFingerprint, jsonBody } from './json-body.js'
import type { Run, RunLimit } from './run.js'
import type { Sessions } from './sessions.js'
import { describeTools } from './tools.js'
import { contentLocation, negotiateWorkflow, notAcceptable, type Workflows } from './workflows.js'

export interface ApiOptions {
  readonly sse: SseServer<SessionEventMap>
  readonly sessions: Sessions
  readonly workflows: Workflows
  readonly executions: Executions
  readonly runs: RunLimit
  readonly keys: {
    readonly sessions: IdempotencyKeys
    readonly workflows: IdempotencyKeys
  }
  readonly tools: ToolRegistry
  readonly maxBodyBytes: number
}

const sessionRequest = z.object({ agent: z.string(), input: z.unknown().optional() })

/** The routes below `/api/v1` (PROTOCOL.md §10). */
export function createApi(options: ApiOptions): Router {
  const { sse, sessions, workflows, executions, runs, keys, tools } = options
  const body = jsonBody(options.maxBodyBytes)
  const router = Router()

  router
    .route('/sessions')
    .post(acceptJson, body, async (request: Request, response: Response) => {
      const { agent, input = {} } = parseSessionRequest(request.body)
      const start = () => runs.take(() => sessions.start(agent, input))
      const run = await keys.sessions.once(request.get('idempotency-key'), bodyFingerprint(request), start)
      const streamUrl = `/api/v1/stream/${run.id}`
      response.status(201).location(streamUrl).json({ sessionId: run.id, streamUrl })
    })
    .all(allow('POST'))

  router
    .route('/sessions/:sessionId')
    .get(acceptJson, (request: Request<{ sessionId: string }>, response: Response) => {
      sendJson(response, sessions.get(request.params.sessionId), 'session')
    })
    .all(allow('GET', 'HEAD'))

  router
    .route('/stream/:sessionId')
    .delete(async (request, response) => {
      if (!(await sse.cancel(request.params.sessionId))) throw notFound('stream')
      response.status(204).end()
    })
    .options((_request, response) => {
      response.status(204).set('Allow', 'GET, HEAD, OPTIONS, DELETE').end()
    })
    .all(sse.middleware({ streamId: (request: Request<{ sessionId: string }>) => request.params.sessionId }))
    .all(allow('GET', 'HEAD', 'OPTIONS', 'DELETE'))

  router
    .route('/workflows')
    .post(body, async (request: Request, response: Response) => {
      const dag = workflows.parse(request.body)
      await answerWorkflow(request, response, async () => {
        const begin = () => runs.take(() => workflows.start(dag))
        const run = await keys.workflows.once(request.get('idempotency-key'), bodyFingerprint(request), begin)
        response.set(contentLocation(run.id))
        return run
      })
    })
    .all(allow('POST'))

  async function answerWorkflow(request: Request, response: Response, start: () => Promise<Run>): Promise<void> {
    const type = negotiateWorkflow(request)
    if (!type) throw new HttpProblem(notAcceptable)
    if (prefersAsync(request)) {
      const { id } = await start()
      response.status(202).json({ executionId: id, streamUrl: `/api/v1/stream/${id}` })
    } else if (type === 'stream') {
      await sse.handle(request, response, async () => (await start()).id)
    } else {
      response.json(await workflows.result(await start()))
    }
  }

  router
    .route('/executions/:executionId')
    .get(acceptJson, (request: Request<{ executionId: string }>, response: Response) => {
      sendJson(response, executions.get(request.params.executionId), 'execution')
    })
    .all(allow('GET', 'HEAD'))

  router
    .route('/executions/:executionId/tasks/:taskId/output')
    .get(acceptJson, (request: Request<{ executionId: string; taskId: string }>, response: Response) => {
      sendJson(response, executions.output(request.params.executionId, request.params.taskId), 'output')
    })
    .all(allow('GET', 'HEAD'))

  router
    .route('/tools')
    .get(acceptJson, (_request: Request, response: Response) => {
      response.json({ tools: describeTools(tools) })
    })
    .all(allow('GET', 'HEAD'))

  return router
}

function sendJson(response: Response, text: string | Buffer | undefined, what: string): void {
  if (text === undefined) throw notFound(what)
  response.set({ 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' }).send(text)
}

function parseSessionRequest(body: unknown): z.infer<typeof sessionRequest> {
  const parsed = sessionRequest.safeParse(body)
  if (parsed.success) return parsed.data
  throw new HttpProblem({
    status: 422,
    code: 'invalid_session',
    detail: 'Expected a body like {"agent": "scanner", "input": {"path": "."}}.',
    errors: parsed.error.issues.map(({ path, message }) => ({
      code: 'invalid_field',
      detail: message,
      pointer: path.map((step) => `/${String(step)}`).join(''),
    })),
  })
}

const acceptJson: RequestHandler = (request, _response, next) => {
  if (request.accepts('json')) return next()
  throw new HttpProblem({ status: 406, code: 'not_acceptable', detail: 'This address answers with application/json.' })
}

function allow(...methods: string[]): RequestHandler {
  const names = methods.join(', ')
  return (request, response) => {
    if (request.method === 'OPTIONS') {
      response.status(204).set('Allow', names).end()
      return
    }
    const problem = { status: 405, code: 'method_not_allowed', detail: `Expected one of ${names}.` }
    throw new HttpProblem(problem, { Allow: names })
  }
}

/** RFC 7240 §4.1; what is quoted is a value of something else. */
function prefersAsync(request: Request): boolean {
  const preferences = (request.get('prefer') ?? '').replaceAll(/"[^"]*"/g, '').split(',')
  return preferences.some((preference) => /^\s*respond-async\s*(;|$)/i.test(preference))
}

function notFound(what: string): HttpProblem {
  const detail = `There is no such ${what}, or it is no longer kept.`
  return new HttpProblem({ status: 404, code: `unknown_${what}`, detail })
}
