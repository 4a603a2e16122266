import { defineEvents } from './contract.js'
import type { ExecutionEventMap } from './execution-events.js'

/** A phase of the agent's work changed (requirement A3). */
export interface AgentStatus {
  phase: string
  status: 'started' | 'running' | 'completed' | 'failed'
  message?: string
  /** From 0 to 1. */
  progress?: number
  timestamp: string
}

/** A piece of the agent's text (requirement A2); PROTOCOL.md §8.2 says how the pieces fold into the text. */
export interface AgentChunk {
  text: string
  /** Counts the chunks from 0 and never restarts. */
  index: number
  /** UTF-16 length of the text before this chunk. */
  offset: number
  timestamp: string
}

/** The agent is done (requirement A4). */
export interface AgentComplete<Result = unknown> {
  result: Result
  durationMs: number
  timestamp: string
}

/** Something went wrong (requirement A5); with `fatal` it is the end. The text is public. */
export interface AgentError {
  code: string
  message: string
  retryable: boolean
  fatal: boolean
  timestamp: string
}

/** PROTOCOL.md §8.1. */
export interface AgentEventMap<Result = unknown> {
  'agent:status': AgentStatus
  'agent:chunk': AgentChunk
  'agent:complete': AgentComplete<Result>
  'agent:error': AgentError
}

/** An agent's stream also holds the events of the task graphs it runs, as events like any other. */
export interface SessionEventMap<Result = unknown> extends AgentEventMap<Result>, ExecutionEventMap {}

/** The contract of an agent session: ends with `agent:complete` or a fatal `agent:error` (PROTOCOL.md §8.1). */
export const agentEvents = /* @__PURE__ */ defineEvents<SessionEventMap>({
  types: {
    // Written out: a bundler keeps what spreads an object, used or not.
    execution_start: {},
    task_start: {},
    task_complete: {},
    task_retry: {},
    task_progress: {},
    task_output: {},
    execution_complete: {},
    error: {},
    'agent:status': {},
    'agent:chunk': {},
    'agent:complete': { terminal: true },
    'agent:error': { terminal: (data) => data.fatal },
  },
  timestamped: true,
  failure: ({ code, message }) => [
    {
      type: 'agent:error',
      data: { code, message, retryable: code !== 'cancelled', fatal: true, timestamp: new Date().toISOString() },
    },
  ],
})
