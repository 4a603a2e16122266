import type { EventContract } from '@x/sse-protocol'
import { type Clock, systemClock } from './clock.js'
import type { Policy, Transport } from './machine.js'
import type { HeadersSource } from './request.js'
import { type StatusPolicy, statusPolicy } from './status-policy.js'
import type { StreamGap } from './stream-gap.js'

/** What to do about a gap: read on after it, or end with an error of code `gap`. */
export type GapPolicy = 'continue' | 'fail'

export interface RetryOptions {
  /**
   * Milliseconds to the next connection until the server sends a `retry`.
   * @default 2_000
   */
  readonly initial?: number | undefined
  /**
   * Longest backoff in milliseconds, and the most that a `retry` of the server counts for. Jitter may add half of that `retry`.
   * @default 30_000
   */
  readonly max?: number | undefined
  /**
   * Reconnects in a row without a healthy connection before `done` rejects as `exhausted`; 0: none; `Infinity`: no limit.
   * @default 1_000
   */
  readonly budget?: number | undefined
  /**
   * Milliseconds that a connection has to be open, from its first byte on, to count as healthy, so that the budget and the backoff start anew.
   * @default 10_000
   */
  readonly healthyAfter?: number | undefined
}

export interface EventStreamClientOptions<Events extends object = Record<string, unknown>> {
  /**
   * The types of the stream's events, which are terminal, and their schemas, whose output is the data of events. Without a contract, only
   * status 204 is an end (PROTOCOL.md §6.3).
   */
  readonly events?: ReaderContract<Events> | undefined
  /**
   * A request other than GET is made once, unless it has an `Idempotency-Key` header. Its stream is resumed by GET at the answer's
   * `Content-Location` on the same origin, or where `resume` says.
   * @default 'GET'
   */
  readonly method?: string | undefined
  /** Sent with every request. A function is asked before each; where it fails, that counts as a failed connection. */
  readonly headers?: HeadersSource | undefined
  /**
   * Called on a 401, to renew what `headers` gives; then the request is made again. A second 401 is a refusal. Clients with the same
   * function wait for the same call. Where it fails, that counts as a failed connection.
   */
  readonly refresh?: (() => unknown) | undefined
  /** Where the stream of an answered request continues by GET, in place of its `Content-Location`; any origin. */
  readonly resume?: ((response: Response) => string | URL | null | undefined) | undefined
  /** Name of a query parameter that takes the cursor, instead of the `Last-Event-ID` header, which other origins have to allow. */
  readonly cursorParameter?: string | undefined
  /**
   * How events come: as an event stream, or as pages of JSON (PROTOCOL.md §7). `auto` begins with the stream and goes over to pages where
   * `fetch` has no streaming body, where the server sends a page, and where, with `events`, nothing or nothing but the head of an answer came
   * within `connectTimeout` twice in a row.
   * @default 'auto'
   */
  readonly transport?: Transport | 'auto' | undefined
  /**
   * Which statuses are tried again, are the end, or are refusals, by status or class.
   * @default { 204: 'end', 408: 'retry', 425: 'retry', 429: 'retry', '5xx': 'retry' }, and these stay where they are not named
   * @example { 404: 'retry' }
   */
  readonly statuses?: StatusPolicy | undefined
  readonly body?: BodyInit | undefined
  /** @default 'same-origin' */
  readonly credentials?: RequestCredentials | undefined
  /** `true` is short for `credentials: 'include'`, as EventSource has it. */
  readonly withCredentials?: boolean | undefined
  /** Ends the reading for good: `done` rejects as `aborted`. */
  readonly signal?: AbortSignal | undefined
  /** @default globalThis.fetch */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined
  /** Where to begin: the id of the last event that was seen. Nothing, or empty, is the beginning of the stream. */
  readonly lastEventId?: string | null | undefined
  /**
   * Asked after the `gap` event was dispatched; a function that throws means `fail`. A stream that is gone fails always.
   * @default 'continue'
   */
  readonly onGap?: GapPolicy | ((gap: StreamGap) => GapPolicy) | undefined
  /**
   * Milliseconds from the request to the answer and, with `events`, from there to the first byte. 0, `false`: no limit.
   * @default 30_000
   */
  readonly connectTimeout?: number | false | undefined
  /**
   * Milliseconds without a byte after which a connection is dead. 0, `false`: never.
   * @default two and a half times the interval of the server's heartbeats, or of its comments where they come regularly; else never
   */
  readonly silenceTimeout?: number | false | undefined
  readonly retry?: RetryOptions | undefined
  /**
   * Bytes of one event: its type, its data and its id together. A larger one ends the client with `failed`.
   * @default 24 MiB
   */
  readonly maxEventBytes?: number | undefined
  /**
   * Events that wait for a `for await` loop before the connection is no longer read.
   * @default 256
   */
  readonly maxBufferedEvents?: number | undefined
  /**
   * Whether to connect in the microtask after construction. Without it `open()` or a `for await` loop does.
   * @default true
   */
  readonly autoOpen?: boolean | undefined
  /** @default the platform's timers and `Date.now` */
  readonly clock?: Clock | undefined
  /**
   * Gives numbers from 0 up to, not including, 1.
   * @default Math.random
   */
  readonly random?: (() => number) | undefined
}

/** The part of a contract that a reader needs; `Events` are the events as readers get them, after their schemas. */
export type ReaderContract<Events extends object = Record<string, unknown>> = Pick<
  EventContract<object, Events>,
  'types' | 'isTerminal' | 'validate' | '~received'
>

export type ResolvedOptions = ReturnType<typeof resolveOptions>

/** Applies the defaults. @throws TypeError or RangeError for what cannot work. */
export function resolveOptions<Events extends object>(options: EventStreamClientOptions<Events>) {
  const { events, headers, retry, body, silenceTimeout, onGap, transport = 'auto' } = options
  const lastEventId = options.lastEventId ?? ''
  const method = (options.method ?? 'GET').toUpperCase()
  const credentials = options.credentials ?? (options.withCredentials ? 'include' : 'same-origin')
  if (/^(GET|HEAD)$/.test(method) && body != null) {
    throw new TypeError(`Expected no \`body\` with ${method}; did you mean \`method: "POST"\`?`)
  }
  if (/[\0\r\n]/.test(lastEventId)) throw new TypeError('Expected `lastEventId` to be a single line')
  if (!/^(auto|sse|poll)$/.test(transport)) throw new TypeError("Expected `transport` to be 'auto', 'sse' or 'poll'")
  if (onGap && typeof onGap !== 'function' && !/^(continue|fail)$/.test(onGap)) {
    throw new TypeError("Expected `onGap` to be 'continue', 'fail' or a function")
  }
  if (events && typeof events.isTerminal !== 'function')
    throw new TypeError('Expected `events` to be made by defineEvents()')
  // What stays the same should not first show when a request is made. Throws where fetch would.
  new Request('http://localhost', {
    method,
    credentials,
    headers: typeof headers === 'function' ? {} : (headers ?? {}),
  })
  const policy: Policy = {
    transport,
    hasPages: events !== undefined,
    initial: number('retry.initial', retry?.initial, 2_000, 0),
    max: number('retry.max', retry?.max, 30_000, 1),
    budget: number('retry.budget', retry?.budget, 1_000, 0, Infinity),
    healthyAfter: number('retry.healthyAfter', retry?.healthyAfter, 10_000, 0, Infinity),
  }
  return {
    ...options,
    events: events as ReaderContract | undefined,
    method,
    lastEventId,
    credentials,
    fetch: options.fetch ?? ((url: string, init: RequestInit) => globalThis.fetch(url, init)),
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    statuses: { ...statusPolicy, ...options.statuses },
    connectTimeout: number('connectTimeout', options.connectTimeout, 30_000, 0, Infinity),
    silenceTimeout: silenceTimeout === undefined ? undefined : number('silenceTimeout', silenceTimeout, 0, 0, Infinity),
    maxEventBytes: number('maxEventBytes', options.maxEventBytes, 3 * 2 ** 23, 1, Infinity),
    maxBufferedEvents: number('maxBufferedEvents', options.maxBufferedEvents, 256, 1, Infinity),
    policy,
  }
}

/** The address as fetch needs it; relative ones are resolved against the page or the worker. @throws TypeError */
export function resolveUrl(url: string | URL): string {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href
  let resolved: URL
  try {
    resolved = new URL(url, base)
  } catch (cause) {
    throw new TypeError(`Expected \`url\` to be a URL${base ? '' : ', absolute where there is no page'}, got ${url}`, {
      cause,
    })
  }
  if (resolved.username || resolved.password) {
    throw new TypeError('Expected `url` to hold no user and no password; send them in `headers`')
  }
  return resolved.href
}

function number(name: string, value: number | false | undefined, fallback: number, min: number, max = 1e15): number {
  const given = value === false ? 0 : (value ?? fallback)
  if (typeof given === 'number' && given >= min && given <= max) return given
  throw new RangeError(`Expected \`${name}\` to be a number from ${min} to ${max}, got ${given}`)
}
