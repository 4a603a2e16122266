import { EventStreamClient } from '@x/sse-client'
import { agentEvents, executionEvents } from '@x/sse-protocol'
import { expect, it } from 'vitest'
import type { Agent } from '../src/agent.js'
import { cuttingProxy } from './cutting-proxy.js'
import { collect, readToEnd, startServer, startSession } from './reference-server.js'

const talking: Agent = {
  name: 'talking',
  description: 'Says many words of many bytes',
  parse: async (input) => input,
  async run(_input, { status, write }) {
    await status('talk', 'started')
    for (let i = 0; i < 200; i += 1) await write(`${i}: 語 and 😀\n`)
    return { words: 200 }
  },
}

const impatient = { initial: 1, max: 5, healthyAfter: 0 }

it('our client gets every event exactly once from our server, over connections cut in mid-event', async () => {
  const { url } = await startServer({ agents: [talking] })
  const stream = await startSession(url, 'talking')
  const events = await readToEnd(stream)
  const proxy = await cuttingProxy(url, { afterBytes: 1_009, times: 20 })
  const client = new EventStreamClient(new URL(new URL(stream).pathname, proxy.url), {
    events: agentEvents,
    retry: impatient,
  })
  const chunks: string[] = []
  client.addEventListener('agent:chunk', ({ data }) => {
    chunks.push(data.text)
  })
  const seen = await collect(client)
  expect(proxy.cuts()).toBe(20)
  expect(seen.map(({ id }) => id)).toEqual(events.map(({ id }) => id))
  expect(seen.map(({ data }) => data)).toEqual(events.map(({ data }) => JSON.parse(data)))
  expect(chunks).toHaveLength(200)
  expect(await client.done).toMatchObject({ type: 'agent:complete', data: { result: { words: 200 } } })
})

it('§10 our client starts a workflow by POST and resumes it by GET', async () => {
  const { url } = await startServer()
  const proxy = await cuttingProxy(url, { afterBytes: 700, times: 2 })
  const tasks = Array.from({ length: 10 }, (_, i) => ({ id: `t${i}`, tool: 'sleep', arguments: { ms: 1 } }))
  const client = new EventStreamClient(`${proxy.url}/api/v1/workflows`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    body: JSON.stringify({ tasks }),
    events: executionEvents,
    retry: impatient,
  })
  const seen = await collect(client)
  expect(proxy.cuts()).toBe(2)
  expect(seen.map(({ id }) => Number(id?.split('-')[1]))).toEqual(Array.from({ length: 22 }, (_, i) => i + 1))
  expect(seen.at(-1)).toMatchObject({ type: 'execution_complete', data: { status: 'success', successCount: 10 } })
})

it('our client tells a plan that was refused from one that failed', async () => {
  const { url } = await startServer()
  const client = new EventStreamClient(`${url}/api/v1/workflows`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    body: JSON.stringify({ tasks: [{ id: 'a', tool: 'none' }] }),
    events: executionEvents,
  })
  await expect(client.done).rejects.toMatchObject({ code: 'rejected', status: 422 })
})
