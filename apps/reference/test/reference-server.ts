import { EventStreamParser, type ParsedEvent } from '@x/sse-protocol'
import pino from 'pino'
import { onTestFinished } from 'vitest'
import { type Config, readConfig } from '../src/config.js'
import { createReferenceServer, type ReferenceServerOptions } from '../src/server.js'

/** A reference server on a free port, closed when the test ends; its log is kept, to look for what must not be there. */
export async function startServer({
  agents,
  tools,
  ...settings
}: Partial<Config> & Pick<ReferenceServerOptions, 'agents' | 'tools'> = {}) {
  const log: string[] = []
  const server = createReferenceServer({
    config: { ...readConfig({}), port: 0, ...settings },
    logger: pino({ level: 'info' }, { write: (line) => void log.push(line) }),
    agents,
    tools,
  })
  const url = await server.listen()
  onTestFinished(() => server.close(0))
  return { url, log, close: (drain: number) => server.close(drain) }
}

export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

/** Starts a session; gives the address of its stream. */
export async function startSession(url: string, agent: string, input: unknown = {}): Promise<string> {
  const response = await post(`${url}/api/v1/sessions`, { agent, input })
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`)
  return url + response.headers.get('location')
}

/** The events of a response, as they arrive. */
export async function* eventsOf(response: Response): AsyncGenerator<ParsedEvent> {
  const parser = new EventStreamParser()
  for await (const chunk of response.body ?? []) yield* parser.push(chunk)
}

/** All events of a stream but the heartbeats, until the response ends. */
export async function readToEnd(url: string, headers: Record<string, string> = {}): Promise<ParsedEvent[]> {
  const response = await fetch(url, { headers })
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`)
  return (await collect(eventsOf(response))).filter(({ type }) => type !== 'heartbeat')
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}
