import { randomUUID } from 'node:crypto'
import { limitPayload, ToolError } from '@x/dag-executor'
import type { SessionEventMap } from '@x/sse-protocol'
import { type SseServer, SseServerError, type Stream } from '@x/sse-server'
import type { Logger } from 'pino'
import { type Agent, InputError } from './agent.js'
import type { Executions } from './executions.js'
import { HttpProblem } from './http-problem.js'
import type { OutputStore } from './output-store.js'
import type { Run } from './run.js'
import { createSessionContext } from './session-context.js'

/** What `GET /api/v1/sessions/:sessionId` tells. */
export interface SessionState {
  readonly sessionId: string
  readonly agent: string
  state: 'running' | 'completed' | 'failed'
  readonly startedAt: string
  endedAt?: string
  result?: unknown
  error?: { readonly code: string; readonly message: string }
}

export interface SessionsOptions {
  readonly sse: SseServer<SessionEventMap>
  readonly agents: readonly Agent[]
  readonly executions: Executions
  readonly maxPayloadBytes: number
  readonly store: OutputStore
  readonly logger: Logger
}

const maxFaults = 20

/** What `agent:complete` holds beside the result: durationMs, timestamp and JSON syntax. */
const envelopeBytes = 256

/** Runs agents, each into a stream of its own. */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #running = new Map<string, SessionState>()

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** The state of a session and, at its end, its whole result, as JSON text. */
  get(sessionId: string): string | Buffer | undefined {
    const state = this.#running.get(sessionId)
    return state ? JSON.stringify(state) : this.#options.store.get(storeKey(sessionId))
  }

  /** Starts an agent; the run goes on with or without a reader. @throws HttpProblem 422 for an unknown agent or a bad input. */
  async start(name: string, input: unknown): Promise<Run> {
    const agent = this.#options.agents.find((candidate) => candidate.name === name)
    if (!agent) {
      const known = this.#options.agents.map((candidate) => candidate.name).join(', ')
      throw unprocessable([
        {
          code: 'unknown_agent',
          detail: `There is no agent ${JSON.stringify(name.slice(0, 64))}. Known: ${known}.`,
          pointer: '/agent',
        },
      ])
    }
    const parsed = await parseInput(agent, input)
    const sessionId = randomUUID()
    const stream = await this.#options.sse.open(sessionId)
    const state: SessionState = {
      sessionId,
      agent: name,
      state: 'running',
      startedAt: new Date().toISOString(),
    }
    this.#running.set(sessionId, state)
    return { id: sessionId, ended: this.#run(agent, parsed, stream, state) }
  }

  async #run(agent: Agent, input: unknown, stream: Stream<SessionEventMap>, state: SessionState): Promise<void> {
    const { executions, maxPayloadBytes, store, logger } = this.#options
    const started = performance.now()
    try {
      const result = await agent.run(input, createSessionContext(stream, executions, maxPayloadBytes))
      stream.signal.throwIfAborted()
      const limit = { maxBytes: maxPayloadBytes - envelopeBytes, ref: `/api/v1/sessions/${state.sessionId}` }
      state.result = result
      state.state = 'completed'
      await stream.end('agent:complete', {
        result: limitPayload(result, limit),
        durationMs: Math.round(performance.now() - started),
      })
    } catch (error) {
      state.state = 'failed'
      state.error = this.#publicReason(error, stream)
      await stream.fail(state.error).catch((cause: unknown) => {
        // The stream's own timeout, a lost fence or the end of the process got there first.
        logger.warn({ err: cause, sessionId: state.sessionId }, 'the session could not say how it failed')
      })
    } finally {
      state.endedAt = new Date().toISOString()
      this.#running.delete(state.sessionId)
      store.put(storeKey(state.sessionId), JSON.stringify(state))
      store.release([storeKey(state.sessionId)])
    }
  }

  #publicReason(error: unknown, stream: Stream<SessionEventMap>): { code: string; message: string } {
    const { reason } = stream.signal
    if (SseServerError.isInstance(reason)) {
      const isOurs = reason.code === 'closing' || reason.code === 'fenced'
      return { code: isOurs ? 'producer_lost' : reason.code, message: reason.message }
    }
    if (ToolError.isInstance(error)) return { code: error.code, message: error.message }
    this.#options.logger.error({ err: error, sessionId: stream.id }, 'the agent failed')
    return { code: 'internal_error', message: 'The agent failed. The server’s log says why.' }
  }
}

/** An execution may go by the same id. */
function storeKey(sessionId: string): string {
  return `session:${sessionId}`
}

async function parseInput(agent: Agent, input: unknown): Promise<unknown> {
  try {
    return await agent.parse(input)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw unprocessable(
      error.faults.slice(0, maxFaults).map(({ pointer, ...fault }) => ({ ...fault, pointer: `/input${pointer}` })),
    )
  }
}

function unprocessable(errors: { code: string; detail: string; pointer: string }[]): HttpProblem {
  return new HttpProblem({
    status: 422,
    code: errors[0]?.code ?? 'invalid_session',
    detail: errors.map(({ detail }) => detail).join(' '),
    errors,
  })
}
