import type { SSEEvent } from '@x/sse-protocol'
import type { BufferedEventStream } from './buffered-event-stream.js'
import type { Execution } from './execution.js'
import type { ExecutionMark } from './execution-mark.js'
import type { ExecutionResult } from './execution-result.js'
import type { PreparedExecution } from './execution-settings.js'
import { RunningExecution } from './running-execution.js'

/**
 * A running execution together with its events, which can be iterated once. The tasks never wait for that, and go on when the iteration
 * is left. Where the execution fails, the iteration ends with the same error as `result`.
 */
export class ExecutionStream extends RunningExecution implements AsyncIterable<SSEEvent> {
  readonly #buffer: BufferedEventStream
  readonly #events: AsyncGenerator<SSEEvent, void, undefined>

  constructor(
    execution: Execution,
    prepared: PreparedExecution,
    result: Promise<ExecutionResult>,
    buffer: BufferedEventStream,
    render: (mark: ExecutionMark) => SSEEvent,
  ) {
    super(execution, prepared, result)
    this.#buffer = buffer
    this.#events = this.#generate(render)
    // Also marks a rejection as handled: who only iterates gets it from there.
    const end = (): void => buffer.end()
    result.then(end, end)
  }

  /** How many `task_progress` and `task_output` were dropped so far because nobody took them. */
  get droppedEvents(): number {
    return this.#buffer.dropped
  }

  [Symbol.asyncIterator](): AsyncGenerator<SSEEvent, void, undefined> {
    return this.#events
  }

  async *#generate(render: (mark: ExecutionMark) => SSEEvent): AsyncGenerator<SSEEvent, void, undefined> {
    try {
      for (;;) {
        const mark = this.#buffer.take()
        if (mark) yield render(mark)
        else if (this.#buffer.ended) break
        else await this.#buffer.wait()
      }
    } finally {
      this.#buffer.discard()
    }
    await this.result
  }
}
