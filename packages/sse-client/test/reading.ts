import { defineEvents, encodeEvent } from '@x/sse-protocol'
import { onTestFinished } from 'vitest'
import { EventStreamClient, type EventStreamClientOptions, type StateChangeEvent } from '../src/index.js'

export interface TickEvents {
  tick: { n: number }
  error: { error: string }
  done: { total: number }
}

export const ticks = defineEvents<TickEvents>({
  types: { tick: {}, error: {}, done: { terminal: true } },
  failure: () => [{ type: 'done', data: { total: 0 } }],
})

export const tick = (n: number, epoch = 'k'): string =>
  encodeEvent({ type: 'tick', id: `${epoch}-${n}`, data: `{"n":${n}}` })
export const done = (n: number, epoch = 'k'): string =>
  encodeEvent({ type: 'done', id: `${epoch}-${n}`, data: `{"total":${n - 1}}` })
export const opening = (cursor: string, interval = 15_000): string =>
  encodeEvent({
    type: 'heartbeat',
    id: cursor,
    data: JSON.stringify({ timestamp: '2025-01-01T00:00:00.000Z', interval, head: 'k-9' }),
  })

/** A client that is closed with the test, and what it told: one line for each state, event, gap and end. */
export function read<Events extends object>(url: string, options: EventStreamClientOptions<Events> = {}) {
  const client = new EventStreamClient<Events>(url, options)
  onTestFinished(() => client.close())
  const states: string[] = []
  const events: { type: string; data: unknown; id: string }[] = []
  const waits: StateChangeEvent[] = []
  const log: string[] = []
  const target: EventTarget = client
  client.addEventListener('statechange', (event) => {
    states.push(event.state)
    log.push(event.state)
    if (event.state === 'waiting') waits.push(event)
  })
  client.addEventListener('open', () => void log.push('open!'))
  client.addEventListener('gap', ({ gap }) => void log.push(`gap ${gap.reason} ${gap.missed}`))
  client.addEventListener('end', ({ error }) => void log.push(`end ${error?.code ?? 'well'}`))
  client.addEventListener('*', ({ event }) => {
    events.push({ ...event })
    log.push(`${event.type} ${event.id}`)
  })
  /** The next event of the client's with this name. */
  const next = (name: string): Promise<Event> =>
    new Promise((resolve) => target.addEventListener(name, resolve, { once: true }))
  /** The moment at which the client is in a state. */
  const reach = async (state: string): Promise<void> => {
    while (client.state !== state) await next('statechange')
  }
  return { client, states, events, waits, log, next, reach }
}

/** Answers of hand-made responses, for tests that only pass virtual time. */
export function answers(...list: (() => Response | Promise<Response>)[]) {
  const requests: { url: string; init: RequestInit; headers: Headers }[] = []
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    requests.push({ url, init, headers: new Headers(init.headers) })
    return await list[Math.min(requests.length, list.length) - 1]!()
  }
  return { fetch, requests }
}

export function eventStream(body: BodyInit | null = null, headers: HeadersInit = {}): Response {
  return new Response(body, { headers: { 'content-type': 'text/event-stream', ...headers } })
}

/** A body that a test writes by hand. */
export function heldBody() {
  const encoder = new TextEncoder()
  let controller!: ReadableStreamDefaultController<Uint8Array>
  let cancelled = false
  const stream = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given
    },
    cancel: () => {
      cancelled = true
    },
  })
  return {
    stream,
    write: (text: string) => controller.enqueue(encoder.encode(text)),
    end: () => controller.close(),
    fail: (error: Error) => controller.error(error),
    get cancelled() {
      return cancelled
    },
  }
}
