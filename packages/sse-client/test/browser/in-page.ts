/** What pages and workers get beside the client: bundled for them as the global `sse`, or as a module. */
import { defineEvents } from '@x/sse-protocol'
import { EventStreamClient, type EventStreamClientOptions } from '../../src/index.js'

export { EventStreamClient } from '../../src/index.js'

export interface TickEvents {
  tick: { n: number }
  done: { total: number }
}

export const ticks = defineEvents<TickEvents>({
  types: { tick: {}, done: { terminal: true } },
  failure: () => [{ type: 'done', data: { total: 0 } }],
})

/** A client and what it told: one line for each state, event, gap and end. */
export function start<Events extends object = TickEvents>(url: string, options: EventStreamClientOptions<Events> = {}) {
  const client = new EventStreamClient<Events>(url, { retry: { initial: 0 }, ...options })
  const target: EventTarget = client
  const log: string[] = []
  client.addEventListener('statechange', ({ state }) => void log.push(state))
  client.addEventListener('gap', ({ gap }) => void log.push(`gap ${gap.reason} ${gap.missed}`))
  client.addEventListener('end', ({ error }) => void log.push(`end ${error?.code ?? 'well'}`))
  client.addEventListener('*', ({ event }) => void log.push(`${event.type} ${event.id}`))
  /** Waits for a line of the log, or until the stream's end. */
  const until = async (line: string): Promise<string[]> => {
    while (!log.includes(line) && client.state !== 'ended') await told()
    return log
  }
  const told = (): Promise<unknown> =>
    Promise.race(
      ['statechange', '*'].map(
        (type) => new Promise((resolve) => target.addEventListener(type, resolve, { once: true })),
      ),
    )
  return { client, log, until }
}

/** Reads a stream to its end; workers answer with this. */
export async function follow(url: string, options: EventStreamClientOptions<TickEvents> = {}): Promise<Report> {
  const { client, log } = start<TickEvents>(url, { events: ticks, ...options })
  const scope = (globalThis as { constructor: { name: string } }).constructor.name
  const outcome = await client.done.then(
    (event) => `${event?.type} ${event?.id}`,
    (error: Error) => `${error}: ${error.cause ?? ''}`,
  )
  return { scope, window: typeof window, document: typeof document, url: client.url, log, outcome }
}

export interface Report {
  readonly scope: string
  readonly window: string
  readonly document: string
  readonly url: string
  readonly log: readonly string[]
  readonly outcome: string
}

/** Reads the streams at the places, some at a time, and tells of those that were not read exactly once. */
export async function readPlaces(task: PlacesTask): Promise<string[]> {
  const { url, count, atOnce } = task
  const places = [...task.places]
  const faults: string[] = []
  const work = async (): Promise<void> => {
    for (let place = places.pop(); place !== undefined; place = places.pop()) {
      const listened: string[] = []
      const iterated: string[] = []
      const client = new EventStreamClient<TickEvents>(`${url}${place}`, { events: ticks, retry: { initial: 0 } })
      client.addEventListener('tick', ({ id }) => void listened.push(id))
      client.addEventListener('done', ({ id }) => void listened.push(id))
      client.addEventListener('gap', ({ gap }) => void faults.push(`${place}: gap ${gap.reason}`))
      try {
        for await (const event of client) iterated.push(event.id)
        await client.done
      } catch (error) {
        faults.push(`${place}: ${error}`)
      }
      const once = (ids: readonly string[]): boolean =>
        ids.length === count && ids.every((id, index) => id === `k-${index + 1}`)
      if (!once(listened)) faults.push(`${place}: the listeners had ${listened}`)
      if (!once(iterated)) faults.push(`${place}: the loop had ${iterated}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return faults
}

export interface PlacesTask {
  /** The address before the place. */
  readonly url: string
  /** Events in a stream. */
  readonly count: number
  readonly places: readonly number[]
  readonly atOnce: number
}
