import { type EventContract, type EventOf, type FailureReason, formatEventId } from '@x/sse-protocol'
import { AppendQueue, type Committed } from './append-queue.js'
import { checkEvent } from './check-event.js'
import type { EventLog, MaybePromise, NewEntry, OpenedStream } from './event-log.js'
import { expectFailure } from './expect-failure.js'
import { describe } from './expect-option.js'
import { isPromise } from './is-promise.js'
import { SseServerError, type SseServerErrorCode } from './server-error.js'
import { readStored } from './stored-events.js'
import type {
  PipeTextArguments,
  PipeTextOptions,
  PublishData,
  PublishEvent,
  PublishOptions,
  StoredEvent,
  Stream,
} from './stream.js'
import { TextPipe, type TextSource } from './text-pipe.js'
import { startTimer, type Timer } from './timer.js'

/** Milliseconds between two attempts to end a stream whose run is over. */
const retryInterval = 5_000

export interface ProducerSetup<Events extends object> {
  readonly id: string
  readonly contract: EventContract<Events, object>
  readonly log: EventLog
  readonly opened: OpenedStream
  readonly maxPayloadBytes: number
  /** Milliseconds; `Infinity`: never. */
  readonly streamTimeout: number
  readonly grace: number
  readonly onPublished: (events: number) => void
  /** The producer can append no more. */
  readonly onDone: () => void
  readonly onError: (error: unknown) => void
}

/** The one writer of a stream. */
export class Producer<Events extends object> implements Stream<Events> {
  readonly id: string
  readonly fence: number
  readonly #setup: ProducerSetup<Events>
  readonly #queue: AppendQueue
  readonly #controller = new AbortController()
  #epoch: string
  #head: number
  #ended = false
  /** The log has the end, or the stream is another producer's affair. */
  #isDone = false
  #text: TextPipe | undefined
  #timer: Timer

  constructor(setup: ProducerSetup<Events>) {
    this.#setup = setup
    this.id = setup.id
    this.fence = setup.opened.fence
    this.#epoch = setup.opened.epoch
    this.#head = setup.opened.head
    this.#queue = new AppendQueue(setup.log, setup.id, setup.opened.fence)
    this.#timer = startTimer(setup.streamTimeout, () => {
      this.interrupt({ code: 'stream_timeout', message: 'The run took longer than it may' })
    })
  }

  get epoch(): string {
    return this.#epoch
  }

  get head(): string {
    return formatEventId(this.#epoch, this.#head)
  }

  get ended(): boolean {
    return this.#ended
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  publish<Type extends keyof Events & string>(
    type: Type,
    data: PublishData<Events[Type]>,
    options?: PublishOptions,
  ): Promise<string> {
    return this.#publish(type, data, options?.internal)
  }

  async end<Type extends keyof Events & string>(
    type: Type,
    data: PublishData<Events[Type]>,
    options: PublishOptions = {},
  ): Promise<string> {
    this.#expectOpen()
    // First, so that the contract judges no data that its schema refuses.
    const entry = this.#check(type, data, options.internal)
    if (!this.#setup.contract.isTerminal(type, data)) {
      throw new SseServerError('not_terminal', `Expected a terminal event, got ${JSON.stringify(type)}`, {
        streamId: this.id,
        type,
      })
    }
    const sequence = await this.#append([entry], true)
    return formatEventId(this.#epoch, sequence)
  }

  async fail(reason: FailureReason): Promise<void> {
    if (typeof reason?.code !== 'string' || typeof reason.message !== 'string') {
      throw new TypeError(`Expected a code and a message that readers may see, got ${describe(reason)}`)
    }
    if (this.#ended) return
    const events = expectFailure(this.#setup.contract, { code: reason.code, message: reason.message })
    await this.#append(
      // An end that its schema refuses is better than none: without it readers would wait for ever.
      events.map(({ type, data }) => this.#check(type, data, undefined, this.#setup.onError)),
      true,
    )
  }

  async publishAll(events: readonly PublishEvent<Events>[]): Promise<string> {
    if (!Array.isArray(events)) throw new TypeError(`Expected an array of events, got ${describe(events)}`)
    if (events.length === 0) return this.head
    this.#expectOpen()
    const entries = events.map(({ type, data, internal }) => this.#check(type, data, internal))
    const end = events.findIndex(({ type, data }) => this.#setup.contract.isTerminal(type, data))
    if (end >= 0 && end < events.length - 1) {
      throw new SseServerError('stream_ended', `Expected nothing after the terminal event ${events[end]!.type}`, {
        streamId: this.id,
      })
    }
    const sequence = await this.#append(entries, end >= 0)
    return formatEventId(this.#epoch, sequence)
  }

  pipeText(source: TextSource, ...[options = {}]: PipeTextArguments<Events>): Promise<string> {
    const { type, from = { index: 0, offset: 0 } }: PipeTextOptions<Events> = options
    this.#text ??= new TextPipe(this.#setup.maxPayloadBytes, from)
    return this.#text.pipe(source, this.signal, (chunk) => this.#publish(type ?? 'agent:chunk', chunk, undefined))
  }

  entries(): Promise<StoredEvent[]> {
    return readStored(this.#setup.log, this.id)
  }

  writable(): WritableStream<EventOf<Events>> {
    return new WritableStream({
      write: async ({ type, data }) => {
        await this.#publish(type, data, undefined)
      },
    })
  }

  /** Tells the run to stop, and ends the stream after the grace where the run has not. */
  interrupt(reason: { readonly code: 'stream_timeout' | 'cancelled'; readonly message: string }): void {
    if (this.#isDone || this.signal.aborted) return
    this.#controller.abort(new SseServerError(reason.code, reason.message, { streamId: this.id }))
    // The run may have ended its stream when it heard of it.
    if (!this.#isDone) this.#failIn(this.#setup.grace, reason)
  }

  /** Ends the stream where it has not ended by then, and goes on trying while the log does not take the end. */
  #failIn(milliseconds: number, reason: FailureReason): void {
    this.#timer.stop()
    const fail = (): void => {
      this.#failIn(retryInterval, reason)
      this.fail(reason).catch((error: unknown) => {
        this.#setup.onError(error)
        // There is nothing left to end.
        if (isCode(error, 'unknown_stream')) this.#finish()
      })
    }
    if (milliseconds === 0) fail()
    else this.#timer = startTimer(milliseconds, fail)
  }

  /** Tells the run that it cannot go on here. The stream stays as it is. */
  abandon(code: 'fenced' | 'closing' | 'disconnected', message: string): void {
    this.#finish()
    this.#controller.abort(new SseServerError(code, message, { streamId: this.id }))
  }

  async #publish(type: string, data: unknown, internal: unknown): Promise<string> {
    this.#expectOpen()
    const entry = this.#check(type, data, internal)
    const appended = this.#append([entry], this.#setup.contract.isTerminal(type, data))
    // Without a turn of the queue of promises where there is nothing to wait for.
    const sequence = typeof appended === 'number' ? appended : await appended
    return formatEventId(this.#epoch, sequence)
  }

  #expectOpen(): void {
    if (this.#ended) throw this.#endedError()
  }

  #endedError(): SseServerError {
    return new SseServerError('stream_ended', 'This stream has ended', { streamId: this.id })
  }

  #check(type: string, data: unknown, internal: unknown, onInvalid?: (error: unknown) => void): NewEntry {
    const { id, contract, maxPayloadBytes } = this.#setup
    return checkEvent(id, contract, maxPayloadBytes, { type, data, internal }, onInvalid)
  }

  /** Nothing more is to be done for the stream here. */
  #finish(): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#timer.stop()
    if (this.#ended) this.#text?.stop(this.#endedError())
    this.#setup.onDone()
  }

  /** The sequence of the last entry, at once where the log answers at once. */
  #append(entries: readonly NewEntry[], isEnd: boolean): MaybePromise<number> {
    // Its own data may have ended the stream while it was made a text.
    this.#expectOpen()
    // Set at once and not when the log answers, or a second terminal event could follow the first.
    this.#ended = isEnd
    try {
      const committed = this.#queue.append(entries, isEnd)
      if (!isPromise(committed)) return this.#accepted(committed, entries.length, isEnd)
      return committed.then(
        (value) => this.#accepted(value, entries.length, isEnd),
        (error: unknown) => this.#refused(error, isEnd),
      )
    } catch (error) {
      return this.#refused(error, isEnd)
    }
  }

  #accepted({ epoch, last }: Committed, count: number, isEnd: boolean): number {
    this.#epoch = epoch
    this.#head = Math.max(this.#head, last)
    this.#setup.onPublished(count)
    if (isEnd) this.#finish()
    return last
  }

  #refused(error: unknown, isEnd: boolean): never {
    // A log that ended with its server holds nothing any more.
    if (isCode(error, 'unknown_stream') && isCode(this.signal.reason, 'closing')) throw this.signal.reason
    if (isCode(error, 'fenced')) this.abandon('fenced', error.message)
    // An end of before, which the log took and whose answer was lost.
    const hasEnded = isCode(error, 'stream_ended')
    if (isEnd || hasEnded) this.#ended = hasEnded
    if (hasEnded) this.#finish()
    throw error
  }
}

function isCode(error: unknown, code: SseServerErrorCode): error is SseServerError {
  return SseServerError.isInstance(error) && error.code === code
}
