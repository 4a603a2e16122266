import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { defineEvents, EventStreamParser, type ParsedEvent } from '@x/sse-protocol'
import { onTestFinished } from 'vitest'
import {
  type NodeRequest,
  type NodeResponse,
  SseServer,
  type SseServerOptions,
  type StreamTarget,
} from '../src/index.js'

export interface TickEvents {
  tick: { n: number; text?: string }
  done: { total: number }
  failed: { code: string; message: string }
}

export const tickEvents = defineEvents<TickEvents>({
  types: { tick: {}, done: { terminal: true }, failed: { terminal: true } },
  failure: ({ code, message }) => [{ type: 'failed', data: { code, message } }],
})

/** A server that is closed when the test is over. */
export function createSse(options: Partial<SseServerOptions<TickEvents>> = {}): SseServer<TickEvents> {
  const sse = new SseServer({ events: tickEvents, ...options })
  onTestFinished(() => sse.close({ drain: 0 }))
  return sse
}

export interface Ask {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly query?: string
  readonly signal?: AbortSignal
  /** In the place of the stream id in the URL. */
  readonly target?: StreamTarget
}

/** One way of hosting a server; the same tests run over each. */
export interface Host {
  ask(streamId: string, ask?: Ask): Promise<Response>
}

export interface HttpHost extends Host {
  readonly origin: string
  readonly responses: ServerResponse[]
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

export async function listen(handler: Handler): Promise<string> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The targets that the requests of a test name, where they do not name a stream. Each has a path of its own. */
export class Targets {
  readonly #targets: StreamTarget[] = []

  /** The path and query of a request. */
  path(streamId: string, { target, query = '' }: Ask): string {
    if (target === undefined) return `/streams/${encodeURIComponent(streamId)}${query}`
    return `/targets/${this.#targets.push(target) - 1}${query}`
  }

  /** The target of a URL; `undefined`: it names a stream. */
  find(url = ''): StreamTarget | undefined {
    const [, place] = /^\/targets\/(\d+)/.exec(url) ?? []
    return place === undefined ? undefined : this.#targets[Number(place)]
  }
}

/** Answers a request as its test asks for it. */
export function answering(
  sse: SseServer<TickEvents>,
  targets: Targets,
): (request: NodeRequest, response: NodeResponse) => void {
  const middleware = sse.middleware()
  return (request, response) => {
    const target = targets.find(request.url)
    if (target === undefined) middleware(request, response)
    else {
      sse.handle(request, response, target).catch((error: unknown) => {
        response.statusCode = 599
        response.end(String(error))
      })
    }
  }
}

export async function httpHost(sse: SseServer<TickEvents>): Promise<HttpHost> {
  const responses: ServerResponse[] = []
  const targets = new Targets()
  const answer = answering(sse, targets)
  const origin = await listen((request, response) => {
    responses.push(response)
    answer(request, response)
  })
  return { origin, responses, ask: async (streamId, ask = {}) => fetch(origin + targets.path(streamId, ask), ask) }
}

export async function fetchHost(sse: SseServer<TickEvents>): Promise<Host> {
  return {
    ask: async (streamId, { query = '', target = streamId, ...init } = {}) => {
      try {
        return await sse.fetch(new Request(`http://localhost/${encodeURIComponent(streamId)}${query}`, init), target)
      } catch (error) {
        return new Response(String(error), { status: 599 })
      }
    },
  }
}

export type CreateHost = (sse: SseServer<TickEvents>) => Promise<Host>

/** The two handlers of a server. The frameworks are in `hosts.ts`. */
export const hosts: [name: string, host: CreateHost][] = [
  ['node:http', httpHost],
  ['fetch', fetchHost],
]

/** Reads a response event by event. */
export class Reader {
  readonly parser = new EventStreamParser()
  readonly events: ParsedEvent[] = []
  /** Pieces in which the body came. */
  chunks = 0
  bytes = 0
  readonly #body: ReadableStreamDefaultReader<Uint8Array>

  constructor(response: Response) {
    this.#body = response.body!.getReader()
  }

  /** Reads until an event fulfils the condition; returns all events up to now. */
  async until(condition: (event: ParsedEvent) => boolean): Promise<ParsedEvent[]> {
    let from = 0
    for (;;) {
      if (this.events.slice(from).some(condition)) return this.events
      from = this.events.length
      if (!(await this.#read())) throw new Error('The body ended before the event')
    }
  }

  /** Reads until the end of the body. */
  async rest(): Promise<ParsedEvent[]> {
    while (await this.#read());
    return this.events
  }

  async cancel(): Promise<void> {
    await this.#body.cancel()
  }

  async #read(): Promise<boolean> {
    const { done, value } = await this.#body.read()
    if (done) return false
    this.chunks += 1
    this.bytes += value.length
    this.events.push(...this.parser.push(value))
    return true
  }
}

export const isType =
  (type: string) =>
  (event: ParsedEvent): boolean =>
    event.type === type

export const isTick =
  (n: number) =>
  (event: ParsedEvent): boolean =>
    event.type === 'tick' && JSON.parse(event.data).n === n

/** The events of the log, without those about the connection. */
export function logged(events: readonly ParsedEvent[]): { id: string; type: string; data: unknown }[] {
  return events
    .filter(({ type }) => type !== 'heartbeat' && type !== 'stream:gap')
    .map(({ id, type, data }) => ({ id: id!, type, data: JSON.parse(data) }))
}

/** Resolves once a condition holds that other work of this process brings about. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
