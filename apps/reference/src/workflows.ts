import { randomUUID } from 'node:crypto'
import { type DAGStructure, type DagIssue, parseDag, type ToolRegistry } from '@x/dag-executor'
import { executionEvents, type SessionEventMap } from '@x/sse-protocol'
import { negotiate, type Problem, problemResponse, type SseServer } from '@x/sse-server'
import type { Logger } from 'pino'
import { validateArguments } from './define-tool.js'
import type { Executions } from './executions.js'
import { HttpProblem } from './http-problem.js'
import type { Run, RunLimit } from './run.js'

export interface WorkflowsOptions {
  readonly sse: SseServer<SessionEventMap>
  readonly tools: ToolRegistry
  readonly executions: Executions
  readonly runs: RunLimit
  readonly maxTasks: number
  readonly logger: Logger
}

/** Runs task graphs that come as JSON. */
export class Workflows {
  readonly #options: WorkflowsOptions

  constructor(options: WorkflowsOptions) {
    this.#options = options
  }

  /** Checks a graph of unknown origin. @throws HttpProblem 422 with every fault. */
  parse(value: unknown): DAGStructure {
    const { tools, maxTasks } = this.#options
    const { dag, issues = [emptyDag] } = parseDag(value, { tools, maxTasks, validateArguments })
    if (dag && dag.tasks.length > 0) return dag
    throw new HttpProblem({
      status: 422,
      code: 'invalid_dag',
      title: 'The task graph cannot run',
      detail: `The task graph has ${issues.length === 1 ? 'a fault' : `${issues.length} faults`}.`,
      errors: issues.map(({ message, ...issue }) => ({ ...issue, detail: message })),
    })
  }

  /** Starts a graph in a stream of its own. */
  async start(dag: DAGStructure, id: string = randomUUID()): Promise<Run> {
    const { sse, executions, tools, logger } = this.#options
    const stream = await sse.open(id, { events: executionEvents })
    const result = executions.run(stream, id, dag, tools)
    const ended = result.then(
      // The executor's last event ended the stream; if it could not be written, the stream still needs its end.
      () => stream.fail({ code: 'internal_error', message: 'The end of the execution could not be written.' }),
      (error: unknown) => {
        logger.error({ err: error, executionId: id }, 'the execution failed')
        return stream.fail({ code: 'internal_error', message: 'The execution failed. The server’s log says why.' })
      },
    )
    return { id, ended: ended.catch((error: unknown) => logger.warn({ err: error }, 'the stream was lost')) }
  }

  /** Waits for the end of a run; gives its result. @throws Error where it has none, because the execution itself failed. */
  async result({ id, ended }: Run): Promise<unknown> {
    await ended
    const result = this.#options.executions.result(id)
    if (result === undefined) throw new Error(`Execution ${id} has no result`)
    return result
  }

  /** `Request → Response`: the events of a graph as they happen, whatever the request accepts. */
  handleSSERequest(request: Request, dag: DAGStructure): Promise<Response> {
    const { sse, runs } = this.#options
    const id = randomUUID()
    const start = async () => (await runs.take(() => this.start(dag, id))).id
    return sse.fetch(request, start, { headers: contentLocation(id) })
  }

  /** `Request → Response`: the events where `Accept` names `text/event-stream`, else the result at the end as JSON. */
  async handleWorkflowRequest(request: Request, dag: DAGStructure): Promise<Response> {
    const type = negotiateWorkflow(request)
    if (!type) return problemResponse(notAcceptable)
    if (type === 'stream') return this.handleSSERequest(request, dag)
    const run = await this.#options.runs.take(() => this.start(dag))
    return Response.json(await this.result(run), { headers: contentLocation(run.id) })
  }
}

/** The executor runs a graph without tasks; as a request it is a mistake. */
const emptyDag: DagIssue = {
  code: 'invalid_value',
  pointer: '/tasks',
  message: 'Expected `tasks` to hold at least one task',
}

export const notAcceptable: Problem = {
  status: 406,
  code: 'not_acceptable',
  detail: 'This address answers with application/json or text/event-stream.',
}

/** What a workflow's request wants: the result, unless its `Accept` names `text/event-stream` (PROTOCOL.md §10). */
export function negotiateWorkflow(request: Parameters<typeof negotiate>[0]): 'stream' | 'batch' | undefined {
  return negotiate(request, { stream: 'stream', batch: 'batch' } as const, { byDefault: 'batch' })
}

/** The stream of a run, to be resumed from by GET. */
export function contentLocation(id: string): Record<string, string> {
  return { 'Content-Location': `/api/v1/stream/${id}` }
}
