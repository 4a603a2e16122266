import { type EventContract, isReservedType } from '@x/sse-protocol'
import { expectFailure } from './expect-failure.js'
import { describe } from './expect-option.js'
import { Producer } from './producer.js'
import type { ServerCore } from './server-core.js'
import { SseServerError } from './server-error.js'
import type { Stream } from './stream.js'

/** A message that its event could not hold would leave the stream without an end. */
const maxMessageLength = 1_000

/** What the server asks of a producer, whatever its events. */
interface Controlled {
  readonly fence: number
  interrupt(reason: { readonly code: 'stream_timeout' | 'cancelled'; readonly message: string }): void
  abandon(code: 'fenced' | 'closing', message: string): void
}

/** The producers of this process. */
export class Producers {
  readonly #core: ServerCore
  readonly #byStream = new Map<string, Controlled>()
  /** Contracts that were looked at. */
  readonly #known = new WeakSet<object>()
  readonly #cancelling = new Map<string, Promise<boolean>>()

  constructor(core: ServerCore) {
    this.#core = core
  }

  get count(): number {
    return this.#byStream.size
  }

  /** @throws SseServerError `invalid_contract` where no frame could hold a type of it. */
  expectContract<Events extends object>(contract: EventContract<Events, object>): void {
    if (this.#known.has(contract)) return
    if (!(contract?.types instanceof Set)) {
      throw new TypeError('Expected `events` to be a contract, as `defineEvents` of @x/sse-protocol makes one')
    }
    for (const type of contract.types) {
      if (type !== '' && !/[\0\r\n]/.test(type) && !isReservedType(type)) continue
      const got = JSON.stringify(type)
      throw new SseServerError('invalid_contract', `Expected types of your own on a single line, got ${got}`, { type })
    }
    // Found out now, and not when a run has failed already and its stream could not end.
    expectFailure(contract, { code: 'stream_timeout', message: 'The run took longer than it may' })
    this.#known.add(contract)
  }

  async open<Events extends object>(
    streamId: string,
    contract: EventContract<Events, object>,
  ): Promise<Stream<Events>> {
    this.expectContract(contract)
    this.#expectOpen()
    const { settings, log, counters, report } = this.#core
    const opened = await log.open(streamId)
    this.#expectOpen()
    if (opened.ended) throw new SseServerError('stream_ended', 'This stream has ended', { streamId })
    const producer = new Producer<Events>({
      id: streamId,
      contract,
      log,
      opened,
      maxPayloadBytes: settings.maxPayloadBytes,
      streamTimeout: settings.streamTimeout,
      grace: settings.grace,
      onPublished: (events) => {
        counters.published += events
      },
      onDone: () => {
        if (this.#byStream.get(streamId) === producer) this.#byStream.delete(streamId)
      },
      onError: (error) => report(error, streamId),
    })
    this.#install(streamId, producer)
    return producer
  }

  async cancel<Events extends object>(
    streamId: string,
    message: string,
    contract: EventContract<Events, object>,
  ): Promise<boolean> {
    if (typeof message !== 'string' || message.length > maxMessageLength) {
      throw new TypeError(`Expected a message of at most ${maxMessageLength} characters, got ${describe(message)}`)
    }
    const producer = this.#byStream.get(streamId)
    if (producer !== undefined) {
      producer.interrupt({ code: 'cancelled', message })
      return true
    }
    // One for all that ask at once, or they would take the stream from each other.
    const cancelling = this.#cancelling.get(streamId) ?? this.#cancelElsewhere(streamId, message, contract)
    this.#cancelling.set(streamId, cancelling)
    try {
      return await cancelling
    } finally {
      this.#cancelling.delete(streamId)
    }
  }

  async #cancelElsewhere<Events extends object>(
    streamId: string,
    message: string,
    contract: EventContract<Events, object>,
  ): Promise<boolean> {
    const page = await this.#core.log.read(streamId, 0, { maxEvents: 0, maxBytes: 0 })
    if (page === undefined || page.ended) return page !== undefined
    const stream = await this.open(streamId, contract)
    await stream.fail({ code: 'cancelled', message })
    return true
  }

  abandonAll(): void {
    for (const producer of [...this.#byStream.values()]) producer.abandon('closing', 'The server shuts down')
  }

  /** Two `open` calls can be answered in another order than they were made: the greater fence holds the stream. */
  #install(streamId: string, producer: Controlled): void {
    const other = this.#byStream.get(streamId)
    const isNewest = other === undefined || other.fence < producer.fence
    const loser = isNewest ? other : producer
    if (isNewest) this.#byStream.set(streamId, producer)
    loser?.abandon('fenced', 'Another producer has taken this stream over')
  }

  #expectOpen(): void {
    if (this.#core.isClosing) throw new SseServerError('closing', 'The server shuts down')
  }
}
