import type { SSEEvent } from '@x/sse-protocol'
import { anotherTurn } from './another-turn.js'
import { type BufferedEventStream, maxBatchEvents } from './buffered-event-stream.js'
import type { ExecutionMark } from './execution-mark.js'
import { startTimer } from './timer.js'

/** What became of the events: all were taken by the sink, it failed, or it did not take them in time. */
export type EventDelivery = 'complete' | 'failed' | 'stalled'

export interface EventWriterOptions {
  readonly flushTimeout: number
  readonly preventClose: boolean
}

/** Writes what a buffer holds to a sink, one event after the other: the next one when the sink has taken the last one. */
export class EventWriter {
  readonly #writer: WritableStreamDefaultWriter<SSEEvent>
  readonly #buffer: BufferedEventStream
  readonly #render: (mark: ExecutionMark) => SSEEvent
  readonly #options: EventWriterOptions
  readonly #pumped: Promise<EventDelivery>
  #onWritten: (() => void) | undefined

  /** Takes the lock of the stream. */
  constructor(
    writable: WritableStream<SSEEvent>,
    buffer: BufferedEventStream,
    render: (mark: ExecutionMark) => SSEEvent,
    options: EventWriterOptions,
  ) {
    this.#writer = writable.getWriter()
    this.#buffer = buffer
    this.#render = render
    this.#options = options
    this.#pumped = this.#pump()
  }

  /**
   * Waits until the sink has taken what is left, as long as it takes something every `flushTimeout`. Closes the stream, unless
   * `preventClose`, and gives the lock back. A sink that stalls is told by an abort that the events are not complete.
   */
  async finish(): Promise<EventDelivery> {
    let stopTimer = (): void => undefined
    const stalled = new Promise<EventDelivery>((resolve) => {
      this.#onWritten = () => {
        stopTimer()
        stopTimer = startTimer(this.#options.flushTimeout, () => resolve('stalled'))
      }
    })
    this.#onWritten?.()
    this.#buffer.end()
    const delivery = await Promise.race([this.#pumped, stalled])
    this.#onWritten = undefined
    stopTimer()
    if (delivery === 'stalled') {
      this.#buffer.discard()
      if (!this.#options.preventClose) {
        // What the sink makes of it is its own business, and may take as long as the write it hangs in.
        this.#writer.abort(new Error('The sink did not take the events in time')).catch(() => undefined)
      }
    }
    this.#writer.releaseLock()
    return delivery
  }

  async #pump(): Promise<EventDelivery> {
    try {
      for (let written = 1; ; ) {
        const mark = this.#buffer.take()
        if (mark) {
          await this.#writer.write(this.#render(mark))
          this.#onWritten?.()
          // A sink that takes each event at once gives the event loop no turn.
          if (written % maxBatchEvents === 0) await anotherTurn()
          written += 1
        } else if (this.#buffer.ended) {
          break
        } else {
          await this.#buffer.wait()
        }
      }
      if (!this.#options.preventClose) await this.#writer.close()
      return 'complete'
    } catch {
      this.#buffer.discard()
      return 'failed'
    }
  }
}
