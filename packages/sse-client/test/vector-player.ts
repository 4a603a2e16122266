import type { ServerResponse } from 'node:http'
import type { EventStreamClient, EventStreamClientOptions } from '../src/index.js'
import { serve } from './http-server.js'
import { read } from './reading.js'
import { settle, VirtualClock } from './virtual-clock.js'

interface Answer {
  readonly status: number | 'never'
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly end?: 'hang' | 'clean' | 'reset'
  readonly redirectTo?: string
}

export interface Vector {
  readonly name: string
  readonly why: string
  readonly options?: EventStreamClientOptions & { readonly connectTimeoutMs?: number }
  /** One for each request that reaches the server; `refused` where none does. */
  readonly server: readonly (Answer | 'refused')[]
  readonly expect: Readonly<Record<string, unknown>>
}

/** What a vector cannot say in JSON. */
export interface Adaption {
  readonly options?: EventStreamClientOptions
  readonly act?: (client: EventStreamClient, clock: VirtualClock) => void
  /** The last answer is given to every further request, too. */
  readonly repeats?: boolean
}

/** Runs a script against a real server until nothing more can happen; only the waits pass in virtual time. */
export async function play(
  { server: scripts, options = {}, expect: { events: wanted = [] } }: Vector,
  adaption?: Adaption,
) {
  const clock = new VirtualClock()
  const init: RequestInit[] = []
  let hangUps = 0
  let refusals = 0
  const server = await serve((request, response) => {
    request.resume()
    response.on('close', () => {
      hangUps += 1
    })
    const index = server.requests.length - 1 + refusals
    answer(scripts[adaption?.repeats ? Math.min(index, scripts.length - 1) : index], response)
  })
  if (scripts[0] === 'refused') {
    refusals += 1
    await server.stop()
  }
  const { connectTimeoutMs: connectTimeout, ...rest } = options
  const reading = read<Record<string, unknown>>(`${server.url}/a`, {
    clock,
    connectTimeout,
    random: () => 0,
    ...rest,
    ...adaption?.options,
    fetch: (url, given) => {
      init.push(given)
      return fetch(url, given)
    },
  })
  const { client, events, waits } = reading
  adaption?.act?.(client, clock)
  const delays = (): (number | undefined)[] => waits.map(({ delay }) => delay)
  for (;;) {
    await settle()
    const next = server.requests.length + refusals
    if (client.state === 'ended' || client.state === 'idle') break
    if (client.state === 'waiting') {
      if (next >= scripts.length) break
      await server.stop()
      if (scripts[next] === 'refused') refusals += 1
      else await server.start()
      await clock.advance(waits.at(-1)!.delay!)
    } else if (next === scripts.length) {
      const last = scripts[next - 1]
      if (client.state === 'open' && isHanging(last) && events.length >= (wanted as unknown[]).length) break
      if (client.state === 'connecting' && last !== 'refused' && last?.status === 'never')
        await clock.advance(connectTimeout ?? 0)
    }
  }
  await settle()
  return { ...reading, server, clock, init, delays, hangUps: () => hangUps }
}

function isHanging(script: Answer | 'refused' | undefined): boolean {
  return script !== 'refused' && script?.end === 'hang'
}

function answer(script: Answer | 'refused' | undefined, response: ServerResponse): void {
  if (!script || script === 'refused' || script.status === 'never') return
  if (script.redirectTo !== undefined) {
    response.writeHead(script.status, { location: script.redirectTo }).end()
    return
  }
  response.writeHead(script.status, script.headers)
  response.flushHeaders()
  const bytes = bytesOf(script.body ?? '')
  if (script.end === 'clean') response.end(bytes)
  else if (script.end === 'reset') response.write(bytes, () => response.destroy())
  else if (bytes.length > 0) response.write(bytes)
}

function bytesOf(body: string): Buffer {
  const cut = ' (cut after 2 bytes)'
  return body.endsWith(cut) ? Buffer.from(body.slice(0, -cut.length)).subarray(0, -1) : Buffer.from(body)
}
