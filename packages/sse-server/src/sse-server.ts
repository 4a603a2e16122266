import type { EventContract } from '@x/sse-protocol'
import { TypedEventTarget } from 'typescript-event-target'
import { Admission } from './admission.js'
import { afterThisTurn } from './after-this-turn.js'
import { Answer, type StreamTarget } from './answer.js'
import { type Counters, createCounters } from './counters.js'
import type { EventLog } from './event-log.js'
import type { NodeRequest, NodeResponse, SseRequest } from './exchange.js'
import { expectDuration, expectFunction } from './expect-option.js'
import { FetchExchange } from './fetch-exchange.js'
import type { EventGenerator } from './generated-stream.js'
import { createGeneratorRoute, type GeneratorRoute } from './generator-route.js'
import { Heartbeats } from './heartbeats.js'
import { MemoryEventLog } from './memory-event-log.js'
import { NodeExchange } from './node-exchange.js'
import { createMiddleware, type Middleware } from './node-middleware.js'
import { Producers } from './producers.js'
import { Readers } from './readers.js'
import { noHeaders } from './response-headers.js'
import type { Live, ServerCore } from './server-core.js'
import { ServerErrorEvent, type SseServerEventMap } from './server-events.js'
import { expectLog, resolveOptions, type SseServerOptions } from './server-options.js'
import { shutDown } from './shut-down.js'
import type { Stream } from './stream.js'
import { expectStreamId, lastSegment } from './stream-id.js'

export interface OpenOptions<Events extends object> {
  /** The contract of this stream, in the place of the server's. */
  readonly events: EventContract<Events, object>
}

export interface MiddlewareOptions<Req extends NodeRequest = NodeRequest> {
  /**
   * The stream that a request asks for.
   * @default the last segment of the URL's path, percent-decoded
   */
  readonly streamId?: ((request: Req) => string) | undefined
}

export interface AnswerOptions {
  /** Headers of a successful answer, beside the protocol's own. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface CloseOptions {
  /**
   * Milliseconds that open connections have to take what was written, before they are destroyed.
   * @default 5_000
   */
  readonly drain?: number | undefined
}

/** A server's numbers: the first four are of this moment, the others only grow. */
export interface SseServerMetrics extends Readonly<Counters> {
  /** Places taken: event streams, and long polls while they wait. */
  readonly connections: number
  /** Streams that were opened here and have not ended; those of generators are not among them. */
  readonly streams: number
  /** The most events that an event stream is behind what any reader of its stream has seen. */
  readonly maxLag: number
  /** Bytes that were written to event streams and have not left this process. */
  readonly bytesPending: number
}

/**
 * Streams of typed events that readers can leave and come back to. It knows no framework: `middleware()` and `handle()` take what
 * node:http gives, `fetch()` takes a Request.
 *
 * @example
 * const sse = new SseServer({ events: agentEvents })
 * app.get('/api/v1/stream/:sessionId', sse.middleware())
 * const stream = await sse.open(sessionId)
 * await stream.publish('agent:chunk', { text: 'Hello', index: 0, offset: 0 })
 * await stream.end('agent:complete', { result: 'Hello', durationMs: 12 })
 */
export class SseServer<Events extends object> extends TypedEventTarget<SseServerEventMap> {
  readonly #core: ServerCore
  readonly #producers: Producers
  readonly #events: EventContract<Events, object>
  /** A log that was made here is closed here. */
  readonly #ownLog: MemoryEventLog | undefined
  #closed: Promise<void> | undefined

  /** @throws TypeError where an option is out of range; SseServerError `invalid_contract`. */
  constructor(options: SseServerOptions<Events>) {
    super()
    const settings = resolveOptions(options)
    this.#events = options.events
    this.#ownLog = options.log === undefined ? new MemoryEventLog() : undefined
    const log: EventLog = expectLog(options.log) ?? this.#ownLog ?? new MemoryEventLog()
    this.#core = {
      settings,
      log,
      admission: new Admission(settings.maxConnections, settings.maxConnectionsPerClient),
      readers: new Readers(log),
      heartbeats: new Heartbeats(settings.heartbeatInterval || 15_000),
      counters: createCounters(),
      live: new Set(),
      isClosing: false,
      onIdle: undefined,
      report: (error, streamId) => {
        this.#core.counters.errors += 1
        this.dispatchTypedEvent('error', new ServerErrorEvent(error, streamId))
      },
      dispatch: (type, event) => this.dispatchTypedEvent(type, event),
    }
    this.#producers = new Producers(this.#core)
    this.#producers.expectContract(options.events)
  }

  /** Whether `close()` was called. */
  get closing(): boolean {
    return this.#core.isClosing
  }

  /**
   * Takes a stream over, or creates it. An earlier producer of it can append no more, and its signal aborts.
   *
   * @throws SseServerError `stream_ended`, `closing`, `log_full` or `invalid_contract`; TypeError where the id is empty, longer than 256 or not
   * well-formed.
   */
  open(streamId: string): Promise<Stream<Events>>
  open<Own extends object>(streamId: string, options: OpenOptions<Own>): Promise<Stream<Own>>
  async open(streamId: string, options?: OpenOptions<Events>): Promise<Stream<Events>> {
    expectStreamId(streamId)
    return this.#producers.open(streamId, options?.events ?? this.#events)
  }

  /**
   * A handler for Express, Connect and node:http. It answers GET, HEAD and OPTIONS; any other method goes to `next`, or gets a 405
   * where there is none.
   *
   * @example app.get('/api/v1/stream/:sessionId', sse.middleware())
   */
  middleware<Req extends NodeRequest = NodeRequest>(options: MiddlewareOptions<Req> = {}): Middleware<Req> {
    expectCalled(this, options)
    const { streamId: streamIdOf = (request: Req) => lastSegment(request.url ?? '') } = options
    expectFunction('streamId', streamIdOf)
    return createMiddleware(this.#core, async (request: Req, response) =>
      this.handle(request, response, streamIdOf(request)),
    )
  }

  /**
   * A handler whose every reader has a generator of its own, and a stream that nobody else reads: for simple routes. The generator is asked for
   * more as the reader takes it, and its signal aborts when the reader leaves. A reader that comes back is told of the gap, and begins a
   * new generator; one that had the end gets a 204. `authorize` is not asked, and `connectionMaxAge` does not hold. What the generator
   * throws ends the stream with the contract's failure events, and is dispatched as an `error` event.
   *
   * @example
   * app.get('/ticks', sse.from(async function* (request, signal) {
   *   for await (const _ of setInterval(1_000, undefined, { signal })) yield { type: 'tick', data: { time: Date.now() } }
   * }))
   */
  from<Req extends SseRequest = NodeRequest>(
    generate: EventGenerator<Events, Req>,
  ): GeneratorRoute<Extract<Req, NodeRequest>> {
    expectFunction('generate', generate)
    return createGeneratorRoute(this.#core, this.#events, generate)
  }

  /**
   * Answers one request of node:http, whatever its method. Resolves when the answer has begun; rejects, with nothing sent, with
   * what a target function threw.
   */
  async handle(
    request: NodeRequest,
    response: NodeResponse,
    target: StreamTarget,
    options: AnswerOptions = {},
  ): Promise<void> {
    await new Answer(this.#core, new NodeExchange(request, response), options.headers ?? noHeaders).begin(target)
  }

  /** Answers one Request of a fetch-style host, as {@link handle} does. The body is made as the host pulls it. */
  async fetch(request: Request, target: StreamTarget, options: AnswerOptions = {}): Promise<Response> {
    const exchange = new FetchExchange(request)
    try {
      await new Answer(this.#core, exchange, options.headers ?? noHeaders).begin(target)
    } catch (error) {
      exchange.forget()
      throw error
    }
    return exchange.response
  }

  /**
   * Cancels a run: its producer's signal aborts with code `cancelled`, and after `grace` the stream ends with the contract's failure events.
   * A stream whose producer is not here is taken from it and ended at once. False: the log does not hold the stream.
   */
  async cancel(streamId: string, message = 'The run was cancelled'): Promise<boolean> {
    return this.#producers.cancel(streamId, message, this.#events)
  }

  /**
   * Shuts down: new requests are refused, producers' signals abort with code `closing`, readers are told to come back a little later
   * and their responses end. Resolves when no connection is left. A log that was passed in stays open.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    this.#closed ??= this.#shutDown(expectDuration('drain', options.drain, 5_000))
    return this.#closed
  }

  metrics(): SseServerMetrics {
    const { admission, counters } = this.#core
    return {
      ...counters,
      closed: { ...counters.closed },
      refused: { ...counters.refused },
      connections: admission.connections,
      streams: this.#producers.count,
      ...readingStates(this.#core.live),
    }
  }

  async #shutDown(drain: number): Promise<void> {
    this.#core.isClosing = true
    this.#producers.abandonAll()
    // What runs publish at once, when they hear of it, is still sent.
    await new Promise<void>(afterThisTurn)
    await shutDown(this.#core, drain)
    this.#ownLog?.close()
  }
}

/** @throws TypeError where the method itself was given as a handler. */
function expectCalled(self: unknown, options: object): void {
  if (self instanceof SseServer && !('url' in options)) return
  throw new TypeError('Expected a call: `sse.middleware()` makes the handler')
}

function readingStates(live: Iterable<Live>): Pick<SseServerMetrics, 'maxLag' | 'bytesPending'> {
  let [maxLag, bytesPending] = [0, 0]
  for (const { state } of live) {
    maxLag = Math.max(maxLag, state?.lag ?? 0)
    bytesPending += state?.bytesPending ?? 0
  }
  return { maxLag, bytesPending }
}
