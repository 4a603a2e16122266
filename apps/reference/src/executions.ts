import {
  type DAGStructure,
  type ExecutionResult,
  StreamingExecutor,
  type TaskResult,
  ToolError,
  type ToolRegistry,
} from '@x/dag-executor'
import type { SSEEvent } from '@x/sse-protocol'
import type { Logger } from 'pino'
import { RetainedMap } from './retained-map.js'

/** What is known of one run of a task graph. */
export interface ExecutionRecord {
  readonly executionId: string
  readonly tasks: DAGStructure['tasks']
  /** Whole outputs, while their events may hold only a preview. */
  readonly results: Map<string, TaskResult>
  result?: ExecutionResult
}

/** The part of a stream that an execution needs; it may be any stream that takes execution events. */
export interface ExecutionSink {
  readonly signal: AbortSignal
  writable(): WritableStream<SSEEvent>
}

export interface ExecutionsOptions {
  readonly maxTasks: number
  readonly maxPayloadBytes: number
  /** Milliseconds that the outputs of an ended execution are kept. */
  readonly retention: number
  readonly logger: Logger
}

/** Runs task graphs into streams and keeps their whole outputs for as long as the streams are kept. */
export class Executions {
  readonly #options: ExecutionsOptions
  readonly #records: RetainedMap<ExecutionRecord>

  constructor(options: ExecutionsOptions) {
    this.#options = options
    this.#records = new RetainedMap(options.retention)
  }

  get(executionId: string): ExecutionRecord | undefined {
    return this.#records.get(executionId)
  }

  /**
   * Runs a graph until its end; its events go to the stream, whose signal cancels it. `onTaskComplete` is called when the stream
   * holds the task's `task_complete`, so that what follows from a result also follows it in the stream.
   */
  async run(
    stream: ExecutionSink,
    executionId: string,
    dag: DAGStructure,
    tools: ToolRegistry,
    onTaskComplete?: (result: TaskResult) => void,
  ): Promise<ExecutionResult> {
    const record: ExecutionRecord = { executionId, tasks: dag.tasks, results: new Map() }
    this.#records.set(executionId, record)
    const executor = new StreamingExecutor({
      tools,
      maxTasks: this.#options.maxTasks,
      maxPayloadBytes: this.#options.maxPayloadBytes,
      planRef: executionPath,
      outputRef: (id, taskId) => `${executionPath(id)}/tasks/${encodeURIComponent(taskId)}/output`,
    })
    const sink = afterTaskComplete(stream.writable(), (taskId) => onTaskComplete?.(record.results.get(taskId)!))
    try {
      record.result = await executor.executeWithStreaming(dag, sink, {
        executionId,
        signal: stream.signal,
        onTaskComplete: (result) => {
          record.results.set(result.taskId, result)
          this.#log(result, executionId)
        },
      })
      return record.result
    } finally {
      this.#records.release(executionId)
    }
  }

  /** Readers get public words only, so the reason of a failure has to be somewhere. */
  #log({ taskId, tool, status, code, cause }: TaskResult, executionId: string): void {
    if (status === 'error' && !ToolError.isInstance(cause)) {
      this.#options.logger.warn({ err: cause, code, executionId, taskId, tool }, 'a task failed')
    }
  }
}

function afterTaskComplete(target: WritableStream<SSEEvent>, then: (taskId: string) => void): WritableStream<SSEEvent> {
  const writer = target.getWriter()
  return new WritableStream({
    async write(event) {
      await writer.write(event)
      if (event.type === 'task_complete') then(event.data.taskId)
    },
    close: () => writer.close(),
    abort: (reason) => writer.abort(reason),
  })
}

function executionPath(executionId: string): string {
  return `/api/v1/executions/${encodeURIComponent(executionId)}`
}
