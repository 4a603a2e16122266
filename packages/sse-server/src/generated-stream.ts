import { type EventContract, parseEventId } from '@x/sse-protocol'
import type { SseRequest } from './exchange.js'
import { describe } from './expect-option.js'
import { Interruption } from './interruption.js'
import { Producer } from './producer.js'
import { PulledLog } from './pulled-log.js'
import { Readers } from './readers.js'
import type { RecentEnds } from './recent-ends.js'
import type { Reception } from './reception.js'
import { SseServerError } from './server-error.js'
import type { PublishEvent } from './stream.js'

// biome-ignore lint/suspicious/noConfusingVoidType: a generator function that returns nothing returns that
type GeneratedEvents<Events extends object> = AsyncIterable<PublishEvent<Events>, PublishEvent<Events> | void>

type GeneratedIterator<Events extends object> = ReturnType<GeneratedEvents<Events>[typeof Symbol.asyncIterator]>

/**
 * Makes the events of one reader. The last of them is terminal, be it yielded or returned. The signal aborts when the reader has left, at
 * `streamTimeout`, and when the server closes; the generator should then come to its end.
 */
export type EventGenerator<Events extends object, Req = SseRequest> = (
  request: Req,
  signal: AbortSignal,
) => GeneratedEvents<Events>

/** A stream of its own for one reader, made by a generator, as fast as the reader takes it. */
export class GeneratedStream<Events extends object> {
  readonly #producer: Producer<Events>
  readonly #log = new PulledLog()
  readonly #report: (error: unknown) => void
  /** Interrupted when the stream has ended, or its reader has left. */
  readonly #reading = new Interruption()

  /** Begins the answer to a request that is admitted. */
  constructor(reception: Reception, contract: EventContract<Events, object>, ends: RecentEnds) {
    const { core } = reception
    const { settings } = core
    this.#report = (error) => core.report(error)
    const id = crypto.randomUUID()
    const opened = this.#log.open(id)
    this.#producer = new Producer<Events>({
      id,
      contract,
      log: this.#log,
      opened,
      maxPayloadBytes: settings.maxPayloadBytes,
      streamTimeout: settings.streamTimeout,
      grace: settings.grace,
      onPublished: (events) => {
        core.counters.published += events
      },
      onDone: () => {
        if (this.#producer.ended) ends.add(parseEventId(this.#producer.head)!)
        this.#reading.interrupt(undefined)
      },
      onError: this.#report,
    })
    const source = { streamId: id, log: this.#log, readers: new Readers(this.#log), isAllowed: () => true }
    const page = this.#log.read(id, 0, { maxEvents: 0, maxBytes: 0 })!
    const onClosed = (): void => {
      if (core.isClosing) this.#producer.abandon('closing', 'The server shuts down')
      else if (!this.#producer.ended) this.#producer.abandon('disconnected', 'The reader has left')
      this.#reading.interrupt(undefined)
      this.#log.close()
    }
    // A new connection would be a new stream: to rotate it would lose events.
    reception.connect({ source, page, maxAge: Number.POSITIVE_INFINITY, onClosed })
  }

  /** Publishes what a generator gives, until the end of either. Never rejects. */
  async run(generate: (signal: AbortSignal) => GeneratedEvents<Events>): Promise<void> {
    try {
      await this.#publishAll(open(generate(this.#producer.signal)))
    } catch (error) {
      await this.#fail(error)
    }
  }

  async #publishAll(iterator: GeneratedIterator<Events>): Promise<void> {
    const producer = this.#producer
    try {
      for (;;) {
        await this.#reading.wait(this.#log.room())
        const { done, value } = await this.#reading.wait(iterator.next())
        if (!done || value !== undefined) {
          const { type, data } = expectEvent<PublishEvent<Events>>(value)
          await producer.publish(type, data)
        }
        if (producer.ended) return
        if (done) {
          throw new SseServerError('not_terminal', 'Expected the last event of a generator to be terminal')
        }
      }
    } finally {
      // Not awaited: it may be stuck.
      Promise.resolve(iterator.return?.()).catch(this.#report)
    }
  }

  async #fail(error: unknown): Promise<void> {
    const { signal } = this.#producer
    // Nobody reads it any more, or it was ended in the generator's place.
    if (this.#reading.isInterrupted) return
    const isTimeout = SseServerError.isInstance(signal.reason) && signal.reason.code === 'stream_timeout'
    // Most of what is thrown after an abort is the abort again.
    if (!signal.aborted) this.#report(error)
    const reason = isTimeout ? signal.reason : { code: 'internal_error', message: 'The server failed' }
    await this.#producer.fail(reason).catch(this.#report)
  }
}

function open<Events extends object>(events: GeneratedEvents<Events>): GeneratedIterator<Events> {
  if (typeof events === 'object' && events !== null && Symbol.asyncIterator in events)
    return events[Symbol.asyncIterator]()
  throw new TypeError(`Expected an async generator of events, got ${describe(events)}`)
}

function expectEvent<Event extends object>(value: Event | unknown): Event {
  if (typeof value === 'object' && value !== null) return value as Event
  throw new TypeError(`Expected a generator to yield events { type, data }, got ${describe(value)}`)
}
