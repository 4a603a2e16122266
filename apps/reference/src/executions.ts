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
import type { OutputStore } from './output-store.js'
import { outputKey, outputPath, publicResult } from './public-result.js'

/** The part of a stream that an execution needs; it may be any stream that takes execution events. */
export interface ExecutionSink {
  readonly signal: AbortSignal
  writable(): WritableStream<SSEEvent>
}

export interface ExecutionsOptions {
  readonly maxPayloadBytes: number
  /** Bytes of the outputs, as JSON, that all executions at work may hold together; the one that goes beyond is stopped. */
  readonly maxOutputBytes: number
  readonly store: OutputStore
  readonly logger: Logger
}

/** Runs task graphs into streams, and keeps their whole outputs for as long as the streams are kept. */
export class Executions {
  readonly #options: ExecutionsOptions
  readonly #running = new Map<string, DAGStructure>()
  #outputBytes = 0

  constructor(options: ExecutionsOptions) {
    this.#options = options
  }

  /** What is known of an execution, as JSON text. */
  get(executionId: string): string | Buffer | undefined {
    const dag = this.#running.get(executionId)
    if (dag) return JSON.stringify({ executionId, status: 'running', tasks: dag.tasks })
    return this.#options.store.get(executionId)
  }

  /** The result of an execution that has ended, as a client may see it. */
  result(executionId: string): unknown {
    const text = this.#running.has(executionId) ? undefined : this.#options.store.get(executionId)
    return text && JSON.parse(text.toString()).result
  }

  /** The whole output of a task, as JSON text. */
  output(executionId: string, taskId: string): Buffer | undefined {
    return this.#options.store.get(outputKey(executionId, taskId))
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
    const { maxPayloadBytes, maxOutputBytes, store } = this.#options
    const executor = new StreamingExecutor({
      tools,
      // Graphs of clients are counted where they come in; those of agents are ours.
      maxTasks: Number.POSITIVE_INFINITY,
      maxPayloadBytes,
      planRef: (id) => `/api/v1/executions/${encodeURIComponent(id)}`,
      outputRef: outputPath,
    })
    const writer = stream.writable().getWriter()
    const results = new Map<string, TaskResult>()
    const outputs = new RunningOutputs(executionId, store, writer)
    const sink = new WritableStream<SSEEvent>({
      write: async (event) => {
        await writer.write(event)
        if (event.type === 'task_complete') onTaskComplete?.(results.get(event.data.taskId)!)
      },
    })
    this.#running.set(executionId, dag)
    try {
      const result = await executor.executeWithStreaming(dag, sink, {
        executionId,
        signal: AbortSignal.any([stream.signal, outputs.signal]),
        onTaskComplete: (task) => {
          results.set(task.taskId, task)
          this.#log(task, executionId)
          this.#outputBytes += outputs.keep(task)
          if (this.#outputBytes > maxOutputBytes) outputs.stop()
        },
      })
      const tasks = dag.tasks
      store.put(
        executionId,
        JSON.stringify({ executionId, status: result.status, tasks, result: publicResult(result, store) }),
      )
      return result
    } finally {
      this.#running.delete(executionId)
      this.#outputBytes -= outputs.bytes
      store.release([executionId, ...outputs.keys])
    }
  }

  /** Readers get public words only, so the reason of a failure has to be somewhere. */
  #log({ taskId, tool, status, code, cause }: TaskResult, executionId: string): void {
    if (status === 'error' && !ToolError.isInstance(cause)) {
      this.#options.logger.warn({ err: cause, code, executionId, taskId, tool }, 'a task failed')
    }
  }
}

/** The outputs of one execution while it runs. */
class RunningOutputs {
  readonly keys: string[] = []
  bytes = 0
  readonly #executionId: string
  readonly #store: OutputStore
  readonly #writer: WritableStreamDefaultWriter<SSEEvent>
  readonly #controller = new AbortController()

  constructor(executionId: string, store: OutputStore, writer: WritableStreamDefaultWriter<SSEEvent>) {
    this.#executionId = executionId
    this.#store = store
    this.#writer = writer
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Puts a task's output into the store; gives its bytes. */
  keep({ taskId, status, output }: TaskResult): number {
    const text = status === 'success' ? jsonText(output) : undefined
    if (text === undefined) return 0
    const key = outputKey(this.#executionId, taskId)
    this.#store.put(key, text)
    this.keys.push(key)
    this.bytes += text.length
    return text.length
  }

  /** Ends the execution, which holds too much. */
  stop(): void {
    if (this.signal.aborted) return
    const error = 'The outputs of the executions at work take more room than they may: this one was stopped.'
    // A stream that does not take this has an end already.
    this.#writer.write({ type: 'error', data: { error, timestamp: new Date().toISOString() } }).catch(() => {})
    this.#controller.abort(new ToolError('outputs_too_large', error))
  }
}

/** `undefined` where there is none; the event of such an output says so. */
function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}
