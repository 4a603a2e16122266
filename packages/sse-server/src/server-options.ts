import type { EventContract } from '@x/sse-protocol'
import { clientKeyOf } from './client-key.js'
import type { EventLog } from './event-log.js'
import type { SseRequest } from './exchange.js'
import { expectDuration, expectFunction, expectLimit, expectOptions } from './expect-option.js'
import { type CorsOptions, expectCors } from './response-headers.js'

export interface SseServerOptions<Events extends object> {
  /** The contract of the streams; `open()` can give one stream another. */
  readonly events: EventContract<Events, object>
  /**
   * Where the streams live.
   * @default new MemoryEventLog()
   */
  readonly log?: EventLog | undefined
  /**
   * Milliseconds between two heartbeats of a connection; `0` or `false`: only the opening one.
   * @default 15_000
   */
  readonly heartbeatInterval?: number | false | undefined
  /**
   * Connections at a time: event streams, and long polls while they wait. `Infinity`: unlimited.
   * @default 100
   */
  readonly maxConnections?: number | undefined
  /**
   * Connections at a time of one client, as `clientKey` tells clients apart.
   * @default Infinity
   */
  readonly maxConnectionsPerClient?: number | undefined
  /**
   * Milliseconds from `open()` until a stream must have ended; `0`, `false` or `Infinity`: any time. Then `stream.signal` aborts, and
   * after `grace` the server appends the contract's failure events with code `stream_timeout`.
   * @default 30 * 60_000
   */
  readonly streamTimeout?: number | false | undefined
  /**
   * Milliseconds after which a connection ends and its reader, told to come back at once, opens the next one with its cursor: for credentials
   * that expire, and for hosts that are taken out of service. Each lasts between four fifths of this and all of it. `0`, `false` or
   * `Infinity`: any time.
   * @default Infinity
   */
  readonly connectionMaxAge?: number | false | undefined
  /**
   * Milliseconds within which a connection must take what was written, which is a page of 64 KiB or one event at most; otherwise it is cut,
   * and its reader goes on with its cursor. `0`, `false` or `Infinity`: any time.
   * @default 30_000
   */
  readonly writeTimeout?: number | false | undefined
  /**
   * Bytes of UTF-8 that the data of one event may take (PROTOCOL.md §2.4).
   * @default 65_536
   */
  readonly maxPayloadBytes?: number | undefined
  /**
   * Milliseconds after which readers reconnect, as they are told (PROTOCOL.md §4.4); a day at most.
   * @default 2_000
   */
  readonly retry?: number | undefined
  /**
   * The longest that a long poll is held, in milliseconds (PROTOCOL.md §7.3); `0` or `false`: none is held.
   * @default 60_000
   */
  readonly maxWait?: number | false | undefined
  /**
   * Milliseconds that a run has to end by itself after its signal aborted; `0` or `false`: none.
   * @default 5_000
   */
  readonly grace?: number | false | undefined
  /**
   * What an event stream request gets at a limit: `reject` is 503 or 429, which closes a native EventSource for good; `retry` is a 200
   * that only tells it to come back (PROTOCOL.md §4.6).
   * @default 'reject'
   */
  readonly whenFull?: 'reject' | 'retry' | undefined
  /**
   * Whether this request may read this stream. It is asked for unknown streams too, and a refusal looks like an unknown stream.
   * Only `true` is a yes, and only `false` a no. A throw is answered with 500, and the error is dispatched as an `error` event of the server. It is asked again for each further
   * page of a replay, where a refusal or a throw ends the connection; not for events that are new.
   * @default every request may
   */
  readonly authorize?: ((request: SseRequest, streamId: string) => boolean | Promise<boolean>) | undefined
  /**
   * The name under which a client's connections are counted; `undefined` is not counted.
   * @default the socket's address, for IPv6 its /64 network
   */
  readonly clientKey?: ((request: SseRequest) => string | undefined) | undefined
  /** Pages of other origins that may read the streams (PROTOCOL.md §4.8). By default none. */
  readonly cors?: CorsOptions | undefined
}

/** The options with every default in place. Of durations, 0 is none for `heartbeatInterval`, `maxWait` and `grace`; timeouts are `Infinity`. */
export interface Settings {
  readonly heartbeatInterval: number
  readonly maxConnections: number
  readonly maxConnectionsPerClient: number
  readonly streamTimeout: number
  readonly connectionMaxAge: number
  readonly writeTimeout: number
  readonly maxPayloadBytes: number
  readonly retry: number
  readonly maxWait: number
  readonly grace: number
  readonly whenFull: 'reject' | 'retry'
  readonly authorize: (request: SseRequest, streamId: string) => boolean | Promise<boolean>
  readonly clientKey: (request: SseRequest) => string | undefined
  readonly cors: CorsOptions | undefined
}

/** @throws TypeError where an option is out of range. */
export function resolveOptions<Events extends object>(options: SseServerOptions<Events>): Settings {
  expectOptions('SseServer', options, names)
  const { authorize = () => true, clientKey = clientKeyOf } = options
  return {
    heartbeatInterval: finite(expectDuration('heartbeatInterval', options.heartbeatInterval, 15_000)),
    maxConnections: expectLimit('maxConnections', options.maxConnections, 100),
    maxConnectionsPerClient: expectLimit(
      'maxConnectionsPerClient',
      options.maxConnectionsPerClient,
      Number.POSITIVE_INFINITY,
    ),
    streamTimeout: timeout(expectDuration('streamTimeout', options.streamTimeout, 30 * 60_000)),
    connectionMaxAge: timeout(expectDuration('connectionMaxAge', options.connectionMaxAge, Number.POSITIVE_INFINITY)),
    writeTimeout: timeout(expectDuration('writeTimeout', options.writeTimeout, 30_000)),
    maxPayloadBytes: expectLimit('maxPayloadBytes', options.maxPayloadBytes, 65_536),
    retry: expectRetry(options.retry ?? 2_000),
    maxWait: expectDuration('maxWait', options.maxWait, 60_000),
    grace: expectDuration('grace', options.grace, 5_000),
    whenFull: expectWhenFull(options.whenFull ?? 'reject'),
    authorize: expectFunction('authorize', authorize),
    clientKey: expectFunction('clientKey', clientKey),
    cors: expectCors(options.cors),
  }
}

const names: readonly (keyof SseServerOptions<object>)[] = [
  'events',
  'log',
  'heartbeatInterval',
  'maxConnections',
  'maxConnectionsPerClient',
  'streamTimeout',
  'connectionMaxAge',
  'writeTimeout',
  'maxPayloadBytes',
  'retry',
  'maxWait',
  'grace',
  'whenFull',
  'authorize',
  'clientKey',
  'cors',
]

/** @throws TypeError where it is no log. */
export function expectLog(log: EventLog | undefined): EventLog | undefined {
  for (const method of ['open', 'append', 'read', 'subscribe', 'trim', 'delete'] as const) {
    if (log === undefined || typeof log?.[method] === 'function') continue
    throw new TypeError(`Expected \`log\` to be an EventLog, got one without \`${method}\``)
  }
  return log
}

/** A timeout of 0 is none. */
function timeout(duration: number): number {
  return duration === 0 ? Number.POSITIVE_INFINITY : duration
}

/** An endless interval has no heartbeat. */
function finite(interval: number): number {
  return interval === Number.POSITIVE_INFINITY ? 0 : interval
}

/** A day: readers that are told to come back later get up to three times as much. */
const maxRetry = 86_400_000

function expectRetry(retry: number): number {
  if (Number.isSafeInteger(retry) && retry >= 0 && retry <= maxRetry) return retry
  throw new TypeError(
    `Expected \`retry\` to be a whole number of milliseconds from 0 to ${maxRetry}, got ${String(retry)}`,
  )
}

function expectWhenFull(value: 'reject' | 'retry'): 'reject' | 'retry' {
  if (value === 'reject' || value === 'retry') return value
  throw new TypeError(`Expected \`whenFull\` to be 'reject' or 'retry', got ${JSON.stringify(value)}`)
}
