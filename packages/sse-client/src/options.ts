import type { EventContract } from '@x/sse-protocol'
import { type Clock, systemClock } from './clock.js'
import type { RetryPolicy } from './machine.js'
import type { HeadersSource } from './request.js'
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
   * Milliseconds that a connection has to be open to count as healthy, so that the budget and the backoff start anew.
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
   * A request other than GET is made once. Its stream is resumed by GET at the answer's `Content-Location` on the same origin.
   * @default 'GET'
   */
  readonly method?: string | undefined
  /** Sent with every request. A function is asked before each; where it fails, that counts as a failed connection. */
  readonly headers?: HeadersSource | undefined
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
  readonly lastEventId?: string | undefined
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
  readonly retry?: RetryOptions | undefined
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
  /** @default the platform's timers and `performance.now` */
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
  const method = (options.method ?? 'GET').toUpperCase()
  const retry: RetryPolicy = {
    initial: number('retry.initial', options.retry?.initial ?? 2_000, { zero: true }),
    max: number('retry.max', options.retry?.max ?? 30_000),
    budget: number('retry.budget', options.retry?.budget ?? 1_000, { zero: true, infinity: true, integer: true }),
    healthyAfter: number('retry.healthyAfter', options.retry?.healthyAfter ?? 10_000, { zero: true, infinity: true }),
  }
  if (method === 'GET' && options.body !== undefined) {
    throw new TypeError('Expected no `body` with the method GET; did you mean `method: "POST"`?')
  }
  if (/[\0\r\n]/.test(options.lastEventId ?? '')) {
    throw new TypeError(`Expected \`lastEventId\` to be a single line, got ${JSON.stringify(options.lastEventId)}`)
  }
  // A bad header that stays the same should not first show when a connection is made.
  if (typeof options.headers !== 'function') new Headers(options.headers)
  return {
    events: options.events as ReaderContract | undefined,
    method,
    headers: options.headers,
    body: options.body,
    credentials: options.credentials ?? (options.withCredentials ? ('include' as const) : ('same-origin' as const)),
    signal: options.signal,
    fetch: options.fetch ?? ((url: string, init: RequestInit) => globalThis.fetch(url, init)),
    lastEventId: options.lastEventId ?? '',
    onGap: options.onGap ?? 'continue',
    connectTimeout: number(
      'connectTimeout',
      options.connectTimeout === false ? 0 : (options.connectTimeout ?? 30_000),
      {
        zero: true,
        infinity: true,
      },
    ),
    retry,
    maxBufferedEvents: number('maxBufferedEvents', options.maxBufferedEvents ?? 256, {
      infinity: true,
      integer: true,
    }),
    autoOpen: options.autoOpen ?? true,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  }
}

/** The address as fetch needs it; relative ones are resolved against the page or the worker. @throws TypeError */
export function resolveUrl(url: string | URL): string {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href
  let resolved: URL
  try {
    resolved = new URL(url, base)
  } catch (cause) {
    const hint = base === undefined ? ', absolute where there is no page to resolve it against' : ''
    throw new TypeError(`Expected \`url\` to be a URL${hint}, got ${JSON.stringify(String(url))}`, { cause })
  }
  if (resolved.username !== '' || resolved.password !== '') {
    throw new TypeError('Expected `url` to hold no user and no password; send them in `headers`')
  }
  return resolved.href
}

interface NumberRule {
  readonly zero?: boolean
  readonly infinity?: boolean
  readonly integer?: boolean
}

function number(name: string, value: number, { zero, infinity, integer }: NumberRule = {}): number {
  const inRange = zero ? value >= 0 : value > 0
  const whole = !integer || value === Infinity || Number.isSafeInteger(value)
  if (typeof value === 'number' && inRange && whole && (infinity || value !== Infinity)) return value
  const kind = `${zero ? 'non-negative' : 'positive'}${infinity ? '' : ' finite'} ${integer ? 'integer' : 'number'}`
  throw new RangeError(`Expected \`${name}\` to be a ${kind}, got ${value}`)
}
