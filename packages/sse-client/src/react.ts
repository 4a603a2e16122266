import { useCallback, useInsertionEffect, useState, useSyncExternalStore } from 'react'
import type { EventStreamClientOptions, StreamEvent } from './index.js'
import type { StreamView } from './react-shared-stream.js'
import { StreamReader } from './react-stream-reader.js'

export interface UseEventStreamOptions<Events extends object = Record<string, unknown>>
  extends EventStreamClientOptions<Events> {
  /**
   * Tells this stream from others at the same URL, in place of the body: change it to begin anew.
   * A body that is neither text nor URLSearchParams needs one.
   */
  readonly key?: string | number | undefined
  /** Called for each event from the mount on, and renders nothing by itself. It is always the one of the last render. */
  readonly onEvent?: ((event: StreamEvent<Events>) => void) | undefined
}

/** `id && path` may be all of these. */
type StreamUrl = string | URL | false | null | undefined

/** What a component keeps of the events, where the last one is not enough. */
export interface EventStreamReduction<Events extends object, Value> {
  /**
   * Makes the `value` of all events so far. Define it outside the component: hooks with the same function share the value, and a
   * function that is not there before the stream's first event is refused. It must not change `value` in place.
   */
  readonly reduce: (value: Value, event: StreamEvent<Events>) => Value
  /** The value before the first event, and after a gap whose reason says to discard it (PROTOCOL.md §5.3). */
  readonly initialValue: Value
}

/** What a stream looks like now. It is the same object until something has changed. */
export interface UseEventStreamResult<Events extends object = Record<string, unknown>, Value = undefined>
  extends StreamView<Events> {
  /** What `reduce` made of the events; `undefined` without it. */
  readonly value: Value
}

/**
 * Follows a stream for as long as a component is mounted, and renders it when something has changed: at once for the connection's state, and
 * at most about sixty times a second for events.
 *
 * Hooks with the same `url`, `method` and `body` (or `key`) have one connection between them, however often they render; nothing else makes
 * it anew. `onEvent`, `onGap` and `headers` are always those of the last render (an `Idempotency-Key` is that of the first request), all other
 * options those of the render that began the stream.
 * The last unmount closes the connection, unless another hook is mounted in the same turn, as in StrictMode. On the server nothing is requested.
 *
 * @param url Where the stream is; empty, `null`, `false` or `undefined` where there is none yet.
 * @throws TypeError for a body that cannot be compared without a `key`, and for a `reduce` that comes after the first event.
 * @throws TypeError or RangeError on mounting, for a URL or an option that cannot work.
 * @example
 * const { text, error } = useEventStream(sessionId && `/api/v1/stream/${sessionId}`, { events: agentEvents })
 * @example
 * const countTasks = (count: number, event: StreamEvent<ExecutionEventMap>) => count + (event.type === 'task_complete' ? 1 : 0)
 * const { value } = useEventStream(url, { events: executionEvents, reduce: countTasks, initialValue: 0 })
 */
export function useEventStream<Events extends object, Value>(
  url: StreamUrl,
  options: UseEventStreamOptions<Events> & EventStreamReduction<Events, Value>,
): UseEventStreamResult<Events, Value>
export function useEventStream<Events extends object = Record<string, unknown>>(
  url: StreamUrl,
  options?: UseEventStreamOptions<Events> & { readonly reduce?: undefined; readonly initialValue?: undefined },
): UseEventStreamResult<Events>
export function useEventStream(url: StreamUrl, options: object = {}): object {
  const name = nameOf(url, options)
  const [reader] = useState(() => new StreamReader())
  // Before any effect, of children too, can hear an event.
  useInsertionEffect(() => {
    reader.url = url || ''
    reader.options = options
  })
  return useSyncExternalStore(
    useCallback((listener: () => void) => reader.join(name, listener), [reader, name]),
    () => reader.peek(name, options),
    () => reader.peek(undefined, options),
  )
}

/** What makes two hooks read the same stream. `lastEventId` is no part of it: many feed it with the id of the last event. */
function nameOf(url: StreamUrl, { method = 'GET', body, key }: UseEventStreamOptions): string | undefined {
  if (!url) return undefined
  const text = typeof body === 'string' || body instanceof URLSearchParams ? String(body) : undefined
  if (key === undefined && text === undefined && body !== undefined && body !== null) {
    throw new TypeError(
      'Expected a `key` with a body that is no text: whether another render brings another body cannot be seen',
    )
  }
  return JSON.stringify([String(url), method.toUpperCase(), key === undefined ? text : null, key])
}
