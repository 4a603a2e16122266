import type { SSEEvent } from '@x/sse-protocol'
import type { BufferedEventStream } from './buffered-event-stream.js'
import type { ExecutionMark } from './execution-mark.js'
import type { ExecutionResult } from './execution-result.js'

/**
 * The events of a running execution, to be iterated once. The tasks never wait for it, and go on when the iteration is left. Where
 * the execution fails, the iteration ends with the same error as `result`.
 */
export class ExecutionStream implements AsyncIterable<SSEEvent> {
  /** Resolves when the tasks are done, whether or not anybody reads the events. */
  readonly result: Promise<ExecutionResult>
  readonly #buffer: BufferedEventStream
  readonly #events: AsyncGenerator<SSEEvent, void, undefined>

  constructor(
    result: Promise<ExecutionResult>,
    buffer: BufferedEventStream,
    render: (mark: ExecutionMark) => SSEEvent,
  ) {
    this.result = result
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
