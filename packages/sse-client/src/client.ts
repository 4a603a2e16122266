import { TypedEventTarget } from 'typescript-event-target'
import { EventBuffer } from './event-buffer.js'
import { EventStreamError } from './event-stream-error.js'
import type { StreamState, Transport } from './machine.js'
import { type EventStreamClientOptions, resolveOptions, resolveUrl } from './options.js'
import { Session } from './session.js'
import { type EventStreamEventMap, isOwnName, type StreamEvent, StreamMessageEvent } from './stream-event.js'

/**
 * Reads one stream to its end, over as many connections as that takes (PROTOCOL.md).
 *
 * Each event is dispatched once under its own type and once as `*`, with its JSON value as `data`. The client's own events are
 * `open`, `statechange`, `gap` and `end`. A listener that throws is reported as the platform reports it and hurts nothing else.
 *
 * @example
 * const client = new EventStreamClient('/api/v1/stream/s1', { events: agentEvents })
 * client.addEventListener('agent:chunk', (event) => show(event.data.text))
 * const end = await client.done
 * finished(end?.data)
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
  /** The types that somebody has listened for: events of no other type need to be made, which is most of what they cost. */
  readonly #heard = new Set<string>()
  #autoOpen: boolean

  /** @throws TypeError or RangeError for a URL or an option that cannot work. */
  constructor(url: string | URL, options: EventStreamClientOptions<Events> = {}) {
    super()
    const resolved = resolveOptions(options)
    const { signal } = resolved
    let resolve!: (event: StreamEvent<Events> | undefined) => void
    let reject!: (error: EventStreamError) => void
    this.done = new Promise((...settlers) => {
      ;[resolve, reject] = settlers
    })
    this.done.catch(() => {})
    this.url = resolveUrl(url)
    this.#buffer = new EventBuffer(resolved.maxBufferedEvents)
    this.#autoOpen = options.autoOpen ?? true
    this.#signal = signal
    this.#session = new Session(this.url, resolved, {
      dispatch: (type, fields) => this.#dispatch(type, fields),
      deliver: (event) => this.#deliver(event),
      settle: (event, error) => {
        signal?.removeEventListener('abort', this.#abort)
        if (error?.code === 'aborted') this.#buffer.clear()
        this.#buffer.end(error)
        if (error) reject(error)
        else resolve(event as StreamEvent<Events> | undefined)
        this.#dispatch('end', { event, error })
      },
      room: () => this.#buffer.room(),
    })
    signal?.addEventListener('abort', this.#abort)
    // Listeners that are added in this turn miss nothing.
    queueMicrotask(() => (this.#autoOpen || signal?.aborted) && this.open())
  }

  get state(): StreamState {
    return this.#session.machine.state
  }

  /** How events come. */
  get transport(): Transport {
    return this.#session.machine.transport
  }

  /** The cursor: the id of the last event that was dispatched. A new client goes on from here. */
  get lastEventId(): string {
    return this.#session.lastEventId
  }

  /** Connects, with the cursor; ends a wait for the next attempt. Does nothing while connected, and after the end. */
  open(): void {
    this.#autoOpen = false
    if (this.#signal?.aborted) this.#abort()
    else this.#session.apply({ type: 'open' })
  }

  /**
   * Disconnects: from here on no event is dispatched, not even the rest of a chunk. The cursor stays, and `open()` goes on after it.
   * A `for await` loop that is running throws `aborted`, since it was neither left nor is the stream at its end.
   */
  close(): void {
    this.#autoOpen = false
    this.#session.apply({ type: 'close' })
    this.#buffer.interrupt(new EventStreamError(aborted))
  }

  /**
   * Iterates over the events from here on, and connects where that has not happened. A loop that is slow makes the connection wait,
   * and with it the listeners. The loop ends after the terminal event, or throws what `done` rejects with; leaving it closes
   * the connection. The cursor of a loop is the `id` of its last event: `lastEventId` is ahead of it by what is buffered.
   *
   * @throws TypeError where another loop is running.
   */
  [Symbol.asyncIterator](): EventIterator<StreamEvent<Events>> {
    const buffer = this.#buffer as EventBuffer<StreamEvent<Events>>
    // A loop that is over must not take from the next one, or close what open() has opened since.
    let isOver = false
    buffer.start(() => {
      isOver = true
    })
    this.open()
    const iterator: EventIterator<StreamEvent<Events>> = {
      next: () => (isOver ? Promise.resolve(over) : buffer.take()),
      return: () => {
        if (!isOver) {
          buffer.stop()
          this.close()
        }
        return Promise.resolve(over)
      },
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  /** Notes who listens to what. */
  override readonly addEventListener: TypedEventTarget<EventStreamEventMap<Events>>['addEventListener'] = (
    type,
    listener,
    options,
  ) => {
    if (!isOwnName(type)) this.#heard.add(type)
    EventTarget.prototype.addEventListener.call(this, type, listener as EventListener, options)
  }

  readonly #abort = (): void => {
    this.#session.apply({ type: 'failed', failure: { ...aborted, cause: this.#signal?.reason } })
  }

  #dispatch(type: string, fields?: object): void {
    this.dispatchEvent(Object.assign(new Event(type), fields))
  }

  #deliver(event: StreamEvent): void {
    this.#buffer.push(event)
    const heard = this.#heard
    if (event.type !== '*' && heard.has(event.type)) {
      this.dispatchEvent(new StreamMessageEvent(event.type, event.data, event.id))
    }
    if (heard.has('*')) this.#dispatch('*', { event })
  }
}

/** What a `for await` loop asks. */
interface EventIterator<Item> {
  next(): Promise<IteratorResult<Item, undefined>>
  return(): Promise<IteratorResult<Item, undefined>>
  [Symbol.asyncIterator](): EventIterator<Item>
}

const over = { value: undefined, done: true } as const
const aborted = { code: 'aborted', message: 'The reading was aborted' } as const
