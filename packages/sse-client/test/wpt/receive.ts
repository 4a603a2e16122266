import type { OutgoingHttpHeaders } from 'node:http'
import type { EventStreamClientOptions } from '../../src/index.js'
import { serve } from '../http-server.js'
import { read } from '../reading.js'

type Options = EventStreamClientOptions<Record<string, unknown>>

const eventStream = { 'content-type': 'text/event-stream' }

/** What a client without a contract makes of these bodies, one for each connection; the next answer is 204, so that it ends. */
export async function receive(
  bodies: string | readonly string[],
  given: { headers?: OutgoingHttpHeaders; options?: Options } = {},
) {
  const list = typeof bodies === 'string' ? [bodies] : bodies
  const server = await serve((_, response, count) => {
    const body = list[count - 1]
    if (body === undefined) response.writeHead(204).end()
    else response.writeHead(200, given.headers ?? eventStream).end(body)
  })
  const reading = read<Record<string, unknown>>(server.url, { retry: { initial: 0 }, ...given.options })
  const last = await reading.client.done
  const cursors = server.requests.map(({ headers }) => decode(headers['last-event-id']))
  return { ...reading, texts: reading.events.map(({ data }) => asText(data)), cursors, last, requests: server.requests }
}

/** Data is parsed where it is JSON; the texts of these tests are no strings in quotes. */
function asText(data: unknown): string {
  return typeof data === 'string' ? data : JSON.stringify(data)
}

/** Headers are bytes, and this one's are UTF-8. */
function decode(header: string | string[] | undefined): string | undefined {
  return header === undefined ? undefined : Buffer.from(String(header), 'latin1').toString()
}

/** The milliseconds that a client waits after this body, before any jitter. */
export async function waitAfter(body: string): Promise<number | undefined> {
  const server = await serve((_, response) => void response.writeHead(200, eventStream).end(body))
  const { reach, waits } = read(server.url, { random: () => 0 })
  await reach('waiting')
  return waits[0]?.delay
}
