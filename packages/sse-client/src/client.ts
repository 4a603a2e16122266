import { TypedEventTarget } from 'typescript-event-target'
import { EventBuffer } from './event-buffer.js'
import { EventStreamError } from './event-stream-error.js'
import type { StreamState } from './machine.js'
import { type EventStreamClientOptions, resolveOptions, resolveUrl } from './options.js'
import { Session } from './session.js'
import {
  AnyMessageEvent,
  EndEvent,
  type EventStreamEventMap,
  isOwnName,
  type StreamEvent,
  StreamMessageEvent,
} from './stream-event.js'

/**
 * Reads one stream to its end, over as many connections as that takes (PROTOCOL.md).
 *
 * Each event is dispatched once under its own type and once as `*`, with its JSON value as `data`. The client's own events are
 * `open`, `statechange`, `gap` and `end`. A listener that throws is reported as the platform reports it and hurts nothing else.
 *
 * @example
 * const client = new EventStreamClient('/api/v1/stream/s1', { events: agentEvents })
 * client.addEventListener('agent:chunk', (event) => show(event.data.text))
 * const { data } = await client.done
 */
export class EventStreamClient<Events extends object = Record<string, unknown>> extends TypedEventTarget<
  EventStreamEventMap<Events>
> {
  /** The address as it was resolved. */
  readonly url: string
  /**
   * Resolves with the terminal event. On status 204 this is the last event that this client saw, or `undefined` where it saw
   * none: the stream had ended, and the cursor that the client was given lies at its end.
   *
   * Rejects with an {@link EventStreamError}. It belongs to the stream: `close()` leaves it pending, for `open()` to go on with.
   * Nobody has to look at it; a rejection that is not observed is no `unhandledrejection`.
   */
  readonly done: Promise<StreamEvent<Events> | undefined>

  readonly #session: Session
  readonly #buffer: EventBuffer<StreamEvent>
  readonly #signal: AbortSignal | undefined
  #autoOpen: boolean
  #resolve: (event: StreamEvent | undefined) => void = () => {}
  #reject: (error: EventStreamError) => void = () => {}
  readonly #abort = (): void => this.#session.abort(this.#signal?.reason)

  /** @throws TypeError or RangeError for a URL or an option that cannot work. */
  constructor(url: string | URL, options: EventStreamClientOptions<Events> = {}) {
    super()
    this.url = resolveUrl(url)
    const resolved = resolveOptions(options)
    this.#buffer = new EventBuffer(resolved.maxBufferedEvents)
    this.#autoOpen = resolved.autoOpen
    this.#signal = resolved.signal
    this.#session = new Session(this.url, resolved, {
      dispatch: (event) => this.dispatchEvent(event),
      deliver: (event) => this.#deliver(event),
      settle: (outcome) => this.#settle(outcome),
      room: () => this.#buffer.room(),
    })
    this.done = new Promise<StreamEvent | undefined>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    }) as Promise<StreamEvent<Events> | undefined>
    this.done.catch(() => {})
    this.#signal?.addEventListener('abort', this.#abort, { once: true })
    // Listeners that are added in this turn miss nothing.
    queueMicrotask(() => {
      if (this.#signal?.aborted) this.#abort()
      else if (this.#autoOpen) this.open()
    })
  }

  get state(): StreamState {
    return this.#session.state
  }

  /** The cursor: the id of the last event that was dispatched. A new client goes on from here. */
  get lastEventId(): string {
    return this.#session.lastEventId
  }

  /** Connects, with the cursor; ends a wait for the next attempt. Does nothing while connected, and after the end. */
  open(): void {
    this.#autoOpen = false
    if (this.#signal?.aborted) this.#abort()
    else this.#session.open()
  }

  /**
   * Disconnects: from here on no event is dispatched, not even the rest of a chunk. The cursor stays, and `open()` goes on after it.
   * A `for await` loop that is running throws `aborted`, since it was neither left nor is the stream at its end.
   */
  close(): void {
    this.#autoOpen = false
    this.#session.close()
    this.#buffer.interrupt(new EventStreamError({ code: 'aborted', message: 'The client was closed during the loop' }))
  }

  /**
   * Iterates over the events from here on, and connects where that has not happened. A loop that is slow makes the connection wait,
   * and with it the listeners. The loop ends after the terminal event, or throws what `done` rejects with; leaving it closes
   * the connection. The cursor of a loop is the `id` of its last event: `lastEventId` is ahead of it by what is buffered.
   *
   * @throws TypeError where another loop is running.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<StreamEvent<Events>, void, undefined> {
    this.#buffer.start()
    let left = false
    try {
      this.open()
      for (;;) {
        const event = await this.#buffer.take()
        if (!event) return
        left = true
        yield event as StreamEvent<Events>
        left = false
      }
    } finally {
      this.#buffer.stop()
      // A loop that was interrupted must not close what open() has opened since.
      if (left) this.close()
    }
  }

  #deliver(event: StreamEvent): void {
    this.#buffer.push(event)
    if (!isOwnName(event.type)) this.dispatchEvent(new StreamMessageEvent(event.type, event.data, event.id))
    this.dispatchEvent(new AnyMessageEvent(event))
  }

  #settle(outcome: StreamEvent | EventStreamError | undefined): void {
    this.#signal?.removeEventListener('abort', this.#abort)
    if (outcome instanceof EventStreamError) {
      if (outcome.code === 'aborted') this.#buffer.clear()
      this.#buffer.end(outcome)
      this.#reject(outcome)
      this.dispatchEvent(new EndEvent(undefined, outcome))
    } else {
      this.#buffer.end()
      this.#resolve(outcome)
      this.dispatchEvent(new EndEvent(outcome, undefined))
    }
  }
}
