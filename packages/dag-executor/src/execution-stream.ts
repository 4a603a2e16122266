import type { SSEEvent } from '@x/sse-protocol'
import type { BufferedEventStream } from './buffered-event-stream.js'
import { EventIterator } from './event-iterator.js'
import type { Execution } from './execution.js'
import type { ExecutionMark } from './execution-mark.js'
import type { ExecutionResult } from './execution-result.js'
import type { PreparedExecution } from './execution-settings.js'
import { RunningExecution } from './running-execution.js'

/** More are not made in one go, so that the events of a large graph do not hold the event loop. */

/**
 * A running execution together with its events, which can be iterated once, one by one or in batches. The tasks never wait for that, and
 * go on when the iteration is left. Where the execution fails, the iteration ends with the same error as `result`.
 */
export class ExecutionStream extends RunningExecution implements AsyncIterable<SSEEvent> {
  readonly #execution: Execution
  readonly #buffer: BufferedEventStream
  readonly #events: EventIterator<SSEEvent>
  readonly #batches: EventIterator<SSEEvent[]>

  constructor(
    execution: Execution,
    prepared: PreparedExecution,
    result: Promise<ExecutionResult>,
    buffer: BufferedEventStream,
    render: (mark: ExecutionMark) => SSEEvent,
  ) {
    super(execution, prepared, result)
    this.#execution = execution
    this.#buffer = buffer
    this.#events = new EventIterator(buffer, () => takeEvent(buffer, render), result)
    this.#batches = new EventIterator(buffer, () => takeBatch(buffer, render), result)
    // Also marks a rejection as handled: who only iterates gets it from there.
    const end = (): void => buffer.end()
    result.then(end, end)
  }

  /** How many `task_progress` and `task_output` were dropped so far because nobody took them, or the journal was too slow for them. */
  get droppedEvents(): number {
    return this.#buffer.dropped + this.#execution.droppedByJournal
  }

  [Symbol.asyncIterator](): AsyncGenerator<SSEEvent, void, undefined> {
    return this.#events
  }

  /**
   * The events in arrays: all that are waiting, up to 1,000 and never none, in order. What an array saves is a promise for each event,
   * and a write for each where they go to a connection. Each event is given once, here or by the plain iteration.
   *
   * @example
   * // With encodeEvent and serialize of @x/sse-protocol.
   * const encode = ({ type, data }) => encodeEvent({ type, data: serialize(data) })
   * for await (const events of stream.batches()) response.write(events.map(encode).join(''))
   */
  batches(): AsyncGenerator<SSEEvent[], void, undefined> {
    return this.#batches
  }
}

function takeEvent(buffer: BufferedEventStream, render: (mark: ExecutionMark) => SSEEvent): SSEEvent | undefined {
  const mark = buffer.take()
  return mark && render(mark)
}

function takeBatch(buffer: BufferedEventStream, render: (mark: ExecutionMark) => SSEEvent): SSEEvent[] | undefined {
  const marks = buffer.takeBatch()
  return marks.length === 0 ? undefined : marks.map((mark) => render(mark))
}
