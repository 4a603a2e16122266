import type { ToolRegistry } from '@x/dag-executor'
import type { SessionEventMap } from '@x/sse-protocol'
import type { SseServer } from '@x/sse-server'
import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import type { Executions } from './executions.js'
import { HttpProblem } from './http-problem.js'
import type { IdempotencyKeys } from './idempotency.js'
import type { Run, RunLimit } from './run.js'
import type { Sessions } from './sessions.js'
import { describeTools } from './tools.js'
import {
  contentLocation,
  negotiateWorkflow,
  notAcceptable,
  publicResult,
  type WorkflowRun,
  type Workflows,
} from './workflows.js'

export interface ApiOptions {
  readonly sse: SseServer<SessionEventMap>
  readonly sessions: Sessions
  readonly workflows: Workflows
  readonly executions: Executions
  readonly runs: RunLimit
  readonly keys: {
    readonly sessions: IdempotencyKeys<Run>
    readonly workflows: IdempotencyKeys<WorkflowRun>
  }
  readonly tools: ToolRegistry
}

const sessionRequest = z.object({ agent: z.string(), input: z.unknown().optional() })

/** The routes below `/api/v1` (PROTOCOL.md §10). */
export function createApi({ sse, sessions, workflows, executions, runs, keys, tools }: ApiOptions): Router {
  const router = Router()

  router.post('/sessions', async (request, response) => {
    const body = parseSessionRequest(request.body)
    const start = () => runs.take(() => sessions.start(body.agent, body.input ?? {}))
    const run = await keys.sessions.once(request.get('idempotency-key'), body, start)
    const streamUrl = `/api/v1/stream/${run.id}`
    response.status(201).location(streamUrl).json({ sessionId: run.id, streamUrl })
  })

  router.get('/sessions/:sessionId', (request, response) => {
    const state = sessions.get(request.params.sessionId)
    if (!state) throw notFound('session')
    response.json(state)
  })

  router
    .route('/stream/:sessionId')
    .delete(async (request, response) => {
      if (!(await sse.cancel(request.params.sessionId))) throw notFound('stream')
      response.status(204).end()
    })
    .all(sse.middleware(), () => {
      throw new HttpProblem(
        { status: 405, code: 'method_not_allowed', detail: 'Expected GET, HEAD, OPTIONS or DELETE.' },
        { Allow: 'GET, HEAD, OPTIONS, DELETE' },
      )
    })

  router.post('/workflows', async (request, response) => {
    const dag = workflows.parse(request.body)
    const begin = () => runs.take(() => workflows.start(dag))
    const start = async () => {
      const run = await keys.workflows.once(request.get('idempotency-key'), dag, begin)
      response.set(contentLocation(run.id))
      return run
    }
    await answerWorkflow(request, response, start)
  })

  async function answerWorkflow(
    request: Request,
    response: Response,
    start: () => Promise<WorkflowRun>,
  ): Promise<void> {
    if (prefersAsync(request)) {
      const { id } = await start()
      response.status(202).json({ executionId: id, streamUrl: `/api/v1/stream/${id}` })
      return
    }
    const type = negotiateWorkflow(request)
    if (!type) throw new HttpProblem(notAcceptable)
    if (type === 'stream') {
      await sse.handle(request, response, async () => (await start()).id)
      return
    }
    const { result } = await start()
    response.json(publicResult(await result))
  }

  router.get('/executions/:executionId', (request, response) => {
    const record = executions.get(request.params.executionId)
    if (!record) throw notFound('execution')
    const { executionId, tasks, result } = record
    response.json({ executionId, tasks, status: result?.status ?? 'running', result: result && publicResult(result) })
  })

  router.get('/executions/:executionId/tasks/:taskId/output', (request, response) => {
    const result = executions.get(request.params.executionId)?.results.get(request.params.taskId)
    if (result?.status !== 'success') throw notFound('output')
    response.json(result.output ?? null)
  })

  router.get('/tools', (_request, response) => {
    response.json({ tools: describeTools(tools) })
  })

  return router
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

/** RFC 7240 §4.1. */
function prefersAsync(request: Request): boolean {
  return /(^|[\s,;])respond-async($|[\s,;])/i.test(request.get('prefer') ?? '')
}

function notFound(what: string): HttpProblem {
  return new HttpProblem({
    status: 404,
    code: `unknown_${what}`,
    detail: `There is no such ${what}, or it is no longer kept.`,
  })
}
