import { defineEvents, type EventOf } from './contract.js'

/** What stands in the place of a value that is too large for an event (PROTOCOL.md §2.4). */
export interface TruncatedValue {
  truncated: true
  /** Size of the whole value's JSON text in UTF-8. */
  bytes: number
  /** The first characters of the whole value's JSON text. */
  preview: string
  /** Path where the whole value is served; `null` where there is none. */
  ref: string | null
}

/** An execution began, or goes on with a changed plan (PROTOCOL.md §8.4). */
export interface ExecutionStart {
  executionId: string
  /** Names the plan: equal plans have equal hashes. */
  planHash: string
  tasks: { id: string; tool: string; dependsOn: string[] }[] | TruncatedValue
  timestamp: string
}

/** An attempt at a task began. */
export interface TaskStart {
  taskId: string
  tool: string
  /** Length of the longest path to this task, counted in tasks from 1. */
  layer: number
  /** From 1. */
  attempt: number
  timestamp: string
}

/** A task has its outcome. There is exactly one of these for every task. */
export interface TaskComplete {
  taskId: string
  tool: string
  status: 'success' | 'error' | 'skipped'
  output?: unknown
  /** Public text. */
  error?: string
  /** With `error`, for programs: the tool's own code, or `cancelled`, `timeout` and the like. */
  code?: string
  /** Of all attempts together, without the waits between them. */
  executionTimeMs: number
  attempts: number
  /** With `skipped`: the task whose failure, or whose own cancel, is the reason. */
  because?: string
  /**
   * The task has no output, but what depends on it runs all the same: without it (`ignored`), or with a value that the plan names
   * (`fallback`).
   */
  handled?: 'ignored' | 'fallback'
  timestamp: string
}

/** An attempt failed and another one follows after `delayMs`. */
export interface TaskRetry {
  taskId: string
  tool: string
  /** The attempt that failed. */
  attempt: number
  delayMs: number
  /** Public text. */
  error: string
  timestamp: string
}

/** How far a running task is. */
export interface TaskProgress {
  taskId: string
  attempt: number
  /** From 0 to 1. */
  progress?: number
  message?: string
  timestamp: string
}

/** Part of a task's output, void if this attempt is followed by another. */
export interface TaskOutput {
  taskId: string
  attempt: number
  output: unknown
  timestamp: string
}

/** An execution ended. */
export interface ExecutionComplete {
  status: 'success' | 'error' | 'cancelled' | 'timeout'
  totalTasks: number
  successCount: number
  /** Also of failures that were handled, which leave `status` at `success`. */
  errorCount: number
  skippedCount: number
  totalExecutionTimeMs: number
  /** Sum of the tasks' execution times divided by the wall time; 1 where nothing took any time. */
  speedup: number
  /** Length of the longest path of the graph, in tasks. */
  parallelizationLayers: number
  criticalPathMs: number
  timestamp: string
}

/** The execution itself failed, never a task; the terminal event follows (PROTOCOL.md §8.5). */
export interface ExecutionError {
  taskId?: string
  /** Public text. */
  error: string
  timestamp: string
}

/** PROTOCOL.md §8.3. */
export interface ExecutionEventMap {
  execution_start: ExecutionStart
  task_start: TaskStart
  task_complete: TaskComplete
  task_retry: TaskRetry
  task_progress: TaskProgress
  task_output: TaskOutput
  execution_complete: ExecutionComplete
  error: ExecutionError
}

/** Any event of an execution, told apart by `type`. */
export type SSEEvent = EventOf<ExecutionEventMap>

/** The contract of a workflow's stream: ends with `execution_complete` (PROTOCOL.md §8.3). */
export const executionEvents = /* @__PURE__ */ defineEvents<ExecutionEventMap>({
  types: {
    execution_start: {},
    task_start: {},
    task_complete: {},
    task_retry: {},
    task_progress: {},
    task_output: {},
    execution_complete: { terminal: true },
    error: {},
  },
  timestamped: true,
  failure: ({ code, message }) => {
    const timestamp = new Date().toISOString()
    const status = code === 'cancelled' ? 'cancelled' : code === 'stream_timeout' ? 'timeout' : 'error'
    return [
      { type: 'error', data: { error: message, timestamp } },
      {
        type: 'execution_complete',
        data: {
          status,
          totalTasks: 0,
          successCount: 0,
          errorCount: 0,
          skippedCount: 0,
          totalExecutionTimeMs: 0,
          speedup: 1,
          parallelizationLayers: 0,
          criticalPathMs: 0,
          timestamp,
        },
      },
    ]
  },
})
