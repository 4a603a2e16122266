import type { SSEEvent } from '@x/sse-protocol'
import { BufferedEventStream } from './buffered-event-stream.js'
import type { DAGStructure } from './dag.js'
import type { BuiltDag } from './dag-builder.js'
import { EventRenderer } from './event-renderer.js'
import { type EventDelivery, EventWriter } from './event-writer.js'
import type { ExecutionResult } from './execution-result.js'
import type { PreparedExecution } from './execution-settings.js'
import { ExecutionStream } from './execution-stream.js'
import type { ExecuteOptions, ParallelExecutorOptions } from './executor-options.js'
import { checkDuration } from './option-checks.js'
import { ParallelExecutor } from './parallel-executor.js'

export interface StreamingExecutorOptions extends ParallelExecutorOptions {
  /**
   * Milliseconds that the sink may take for one event once the tasks are done. `0` gives it one turn, `Infinity` all the time it
   * takes.
   * @default 5_000
   */
  readonly flushTimeout?: number | undefined
}

export interface ExecuteWithStreamingOptions extends ExecuteOptions {
  /**
   * Leave the stream open at the end.
   * @default false
   */
  readonly preventClose?: boolean | undefined
}

export interface StreamingExecutionResult extends ExecutionResult {
  /** How many `task_progress` and `task_output` were dropped because the sink, or the journal, was too slow. */
  readonly droppedEvents: number
  /** `complete` where the sink took all events but the dropped ones. */
  readonly delivery: EventDelivery
}

/**
 * A ParallelExecutor that also tells what happens as it happens, as the events of PROTOCOL.md §8.3. The tasks never wait for whoever
 * takes the events: a slow, failed or closed sink changes nothing about them.
 */
export class StreamingExecutor extends ParallelExecutor {
  readonly #flushTimeout: number

  /** @throws TypeError where an option is not what it should be. */
  constructor(options: StreamingExecutorOptions = {}) {
    super(options)
    this.#flushTimeout = checkDuration('flushTimeout', options.flushTimeout ?? 5_000)
  }

  /**
   * Runs a DAG and writes its events to a stream, one at a time. Resolves when the tasks are done and the sink has taken the
   * last event, has failed, or has taken nothing for `flushTimeout`. The stream is closed at the end (aborted where it stalled), unless
   * `preventClose`, and is not locked any more.
   *
   * @throws TypeError before anything has started, where the stream is locked or an option is not what it should be.
   * @throws DagValidationError before anything has started; the stream is then untouched.
   * @throws ResumeError as `execute`; where it is about the plan, the stream is closed without an event.
   */
  async executeWithStreaming(
    dag: DAGStructure | BuiltDag,
    writable: WritableStream<SSEEvent>,
    options: ExecuteWithStreamingOptions = {},
  ): Promise<StreamingExecutionResult> {
    if (typeof writable?.getWriter !== 'function') throw new TypeError('Expected `writable` to be a WritableStream')
    if (writable.locked) throw new TypeError('Expected a stream that is not locked: release its writer first')
    // A function of its own waits, which does not keep the caller's DAG, and all that is in it, until the end.
    return this.#runWithWriter(this.prepare(dag, options), writable, options.preventClose ?? false)
  }

  /**
   * Runs a DAG, beginning at once, and gives its events to whoever iterates over them.
   *
   * @throws As `execute`, but at once; a ResumeError about the plan comes with `result`.
   * @example
   * const stream = executor.stream(dag)
   * for await (const { type, data } of stream) console.log(type, data)
   * const { status } = await stream.result
   */
  stream(dag: DAGStructure | BuiltDag, options: ExecuteOptions = {}): ExecutionStream {
    const prepared = this.prepare(dag, options)
    const { buffer, renderer } = this.#createBuffer(prepared)
    const execution = this.begin(prepared, { observe: (mark) => buffer.push(mark), withHistory: true })
    const result = this.launch(execution, prepared, true)
    return new ExecutionStream(execution, prepared, result, buffer, (mark) => renderer.render(mark))
  }

  async #runWithWriter(
    prepared: PreparedExecution,
    writable: WritableStream<SSEEvent>,
    preventClose: boolean,
  ): Promise<StreamingExecutionResult> {
    const { buffer, renderer } = this.#createBuffer(prepared)
    const writer = new EventWriter(writable, buffer, (mark) => renderer.render(mark), {
      flushTimeout: this.#flushTimeout,
      preventClose,
    })
    const execution = this.begin(prepared, { observe: (mark) => buffer.push(mark) })
    let delivery: EventDelivery
    let result: ExecutionResult
    try {
      result = await this.launch(execution, prepared, true)
    } finally {
      delivery = await writer.finish()
    }
    return { ...result, droppedEvents: buffer.dropped + execution.droppedByJournal, delivery }
  }

  #createBuffer({ executionId }: PreparedExecution) {
    const renderer = new EventRenderer(executionId, this.settings.events)
    return { buffer: new BufferedEventStream(this.settings.maxBufferedEvents), renderer }
  }
}
