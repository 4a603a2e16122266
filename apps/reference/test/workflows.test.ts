import type { Tool } from '@x/dag-executor'
import { describe, expect, it } from 'vitest'
import { collect, eventsOf, post, readToEnd, startServer } from './reference-server.js'

const sleepers = (ms: number) => ({ tasks: ['a', 'b', 'c'].map((id) => ({ id, tool: 'sleep', arguments: { ms } })) })
const eventStream = { Accept: 'text/event-stream' }

const big: Tool = { run: () => ({ text: '€'.repeat(24_000) }) }
const broken: Tool = {
  run() {
    throw new Error('ENOENT: no such file, open /srv/secret/key.pem')
  },
}
const echo: Tool = { run: (given) => given }

describe('POST /api/v1/workflows', () => {
  it('B13 three parallel tasks of equal length have a speedup near 3, in the batch answer', async () => {
    const { url } = await startServer()
    const response = await post(`${url}/api/v1/workflows`, sleepers(200))
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    const result = await response.json()
    expect(result).toMatchObject({ status: 'success', parallelizationLayers: 1, errors: [] })
    expect(result.results).toHaveLength(3)
    expect(result.speedup).toBeGreaterThan(2.5)
    expect(result.speedup).toBeLessThanOrEqual(3.05)
  })

  it('B13 and in the streamed answer, where Accept names text/event-stream', async () => {
    const { url } = await startServer()
    const response = await post(`${url}/api/v1/workflows`, sleepers(200), eventStream)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const events = await collect(eventsOf(response))
    expect(events.map(({ type }) => type)).toEqual([
      'heartbeat',
      'execution_start',
      ...Array(3).fill('task_start'),
      ...Array(3).fill('task_complete'),
      'execution_complete',
    ])
    expect(JSON.parse(events.at(-1)!.data).speedup).toBeGreaterThan(2.5)
  })

  it('§10 a streamed answer names the stream to resume by GET', async () => {
    const { url } = await startServer()
    const response = await post(`${url}/api/v1/workflows`, sleepers(1), eventStream)
    const events = (await collect(eventsOf(response))).slice(1)
    const stream = url + response.headers.get('content-location')
    expect(await readToEnd(stream, { 'Last-Event-ID': events[2]!.id! })).toEqual(events.slice(3))
    expect((await fetch(stream, { headers: { 'Last-Event-ID': events.at(-1)!.id! } })).status).toBe(204)
  })

  it.each([
    ['*/*', 'application/json'],
    ['application/json', 'application/json'],
    ['text/event-stream', 'text/event-stream'],
    ['application/json, text/event-stream', 'text/event-stream'],
    ['text/event-stream;q=0.5, application/json', 'application/json'],
    ['text/event-stream;q=0, */*', 'application/json'],
  ])('B6 Accept: %s is answered with %s', async (accept, type) => {
    const { url } = await startServer()
    const response = await post(`${url}/api/v1/workflows`, sleepers(1), { Accept: accept })
    expect(response.headers.get('content-type')).toContain(type)
    await response.text()
  })

  it('§9 Accept: text/html is 406, and nothing runs', async () => {
    const { url } = await startServer()
    const response = await post(`${url}/api/v1/workflows`, sleepers(1), { Accept: 'text/html' })
    expect(response.status).toBe(406)
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^sse_streams 0$/m)
  })

  it('§10 Prefer: respond-async is answered at once with the stream', async () => {
    const { url } = await startServer()
    const response = await post(`${url}/api/v1/workflows`, sleepers(5), { Prefer: 'respond-async, wait=10' })
    expect(response.status).toBe(202)
    const events = await readToEnd(url + response.headers.get('content-location'))
    expect(events.at(-1)?.type).toBe('execution_complete')
  })

  it('passes outputs on to dependents, whole', async () => {
    const { url } = await startServer({ tools: { big, echo } })
    const dag = {
      tasks: [
        { id: 'a', tool: 'big' },
        { id: 'b', tool: 'echo', arguments: { length: { $ref: 'a', pointer: '/text' } }, dependsOn: ['a'] },
      ],
    }
    const { results } = await (await post(`${url}/api/v1/workflows`, dag)).json()
    expect(results[1].output.length).toBe('€'.repeat(24_000))
  })

  it('§2.4 a 70 KB output is truncated in its event, and whole at its ref', async () => {
    const { url } = await startServer({ tools: { big } })
    const response = await post(`${url}/api/v1/workflows`, { tasks: [{ id: 'a/b', tool: 'big' }] }, eventStream)
    const events = await collect(eventsOf(response))
    const complete = events.find(({ type }) => type === 'task_complete')!
    const { output } = JSON.parse(complete.data)
    expect(Buffer.byteLength(complete.data)).toBeLessThanOrEqual(65_536)
    expect(output).toMatchObject({ truncated: true, bytes: 72_011, preview: expect.stringContaining('€€€') })
    expect(await (await fetch(url + output.ref)).json()).toEqual({ text: '€'.repeat(24_000) })
  })

  it('§8.6 a tool that throws shows no path and no stack, in the stream, the result or the answer', async () => {
    const { url, log } = await startServer({ tools: { broken } })
    const dag = {
      tasks: [
        { id: 'a', tool: 'broken' },
        { id: 'b', tool: 'sleep', arguments: { ms: 1 } },
      ],
    }
    const streamed = await (await post(`${url}/api/v1/workflows`, dag, eventStream)).text()
    const batch = await (await post(`${url}/api/v1/workflows`, dag)).text()
    for (const text of [streamed, batch]) {
      expect(text).toMatch(/"status":"error"/)
      expect(text).not.toMatch(/secret|ENOENT|\.ts:|\bat /)
    }
    expect(JSON.parse(batch)).toMatchObject({ status: 'error', errors: [{ taskId: 'a' }] })
    expect(log.join('')).toContain('/srv/secret/key.pem')
  })

  it('B8 a failed task skips what depends on it, and the counts are right', async () => {
    const { url } = await startServer({ tools: { broken } })
    const dag = {
      tasks: [
        { id: 'a', tool: 'broken' },
        { id: 'b', tool: 'sleep', arguments: { ms: 1 }, dependsOn: ['a'] },
        { id: 'c', tool: 'sleep', arguments: { ms: 1 } },
      ],
    }
    const events = await collect(eventsOf(await post(`${url}/api/v1/workflows`, dag, eventStream)))
    const skipped = events.map(({ data }) => JSON.parse(data)).find(({ status }) => status === 'skipped')
    expect(skipped).toMatchObject({ taskId: 'b', because: 'a' })
    expect(JSON.parse(events.at(-1)!.data)).toMatchObject({
      status: 'error',
      totalTasks: 3,
      successCount: 1,
      errorCount: 1,
      skippedCount: 1,
    })
  })
})

it('keeps what outputs and answers take within bounds', async () => {
  const huge: Tool = { run: () => 'x'.repeat(3 * 2 ** 20) }
  const { url } = await startServer({ tools: { huge } })
  const batch = async (count: number) => {
    const tasks = Array.from({ length: count }, (_, i) => ({ id: `t${i}`, tool: 'huge' }))
    return (await post(`${url}/api/v1/workflows`, { tasks })).json()
  }
  const { results } = await batch(4)
  expect(results.map(({ output }: { output: string }) => output.length)).toEqual([
    3 * 2 ** 20,
    3 * 2 ** 20,
    undefined,
    undefined,
  ])
  expect(results[3].output).toMatchObject({ truncated: true, bytes: 3 * 2 ** 20 + 2 })
  expect(await (await fetch(url + results[3].output.ref)).json()).toHaveLength(3 * 2 ** 20)
  const tooMuch = await batch(30)
  expect(tooMuch.status).toBe('cancelled')
  const stream = await (await fetch(`${url}/api/v1/stream/${tooMuch.executionId}`)).text()
  expect(stream).toMatch(/event: error\n.*\ndata: .*take more room than they may/)
  expect((await batch(1)).status).toBe('success')
})

describe('the limits of a workflow', () => {
  it('B10 MAX_TASKS tasks run, one more is 422', async () => {
    const { url } = await startServer({ maxTasks: 3 })
    expect((await post(`${url}/api/v1/workflows`, sleepers(1))).status).toBe(200)
    const tasks = [...sleepers(1).tasks, { id: 'd', tool: 'sleep', arguments: { ms: 1 } }]
    const response = await post(`${url}/api/v1/workflows`, { tasks })
    expect(response.status).toBe(422)
    expect(await response.json()).toMatchObject({
      code: 'invalid_dag',
      errors: [{ detail: expect.stringMatching(/3/) }],
    })
  })

  it('§10 the same Idempotency-Key gets the same result again, also after the end', async () => {
    const { url } = await startServer()
    const send = async () => (await post(`${url}/api/v1/workflows`, sleepers(1), { 'Idempotency-Key': 'k' })).json()
    const first = await send()
    expect(first).toMatchObject({ status: 'success', results: [{}, {}, {}] })
    expect(await send()).toEqual(first)
  })

  it('§10 Prefer asks by its name, not by a value of something else', async () => {
    const { url } = await startServer()
    for (const prefer of ['foo; respond-async', 'foo="x, respond-async"']) {
      expect((await post(`${url}/api/v1/workflows`, sleepers(1), { Prefer: prefer })).status).toBe(200)
    }
  })

  it('§10 at the connection limit a streamed POST is refused before its run starts', async () => {
    const { url } = await startServer({ maxConnections: 1 })
    const controller = new AbortController()
    const first = fetch(`${url}/api/v1/workflows`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...eventStream },
      body: JSON.stringify(sleepers(60_000)),
      signal: controller.signal,
    })
    await first
    const second = await post(`${url}/api/v1/workflows`, sleepers(1), eventStream)
    expect(second.status).toBe(503)
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^sse_streams 1$/m)
    controller.abort()
  })

  it('MAX_RUNS runs are at work at a time; one more is 503', async () => {
    const { url } = await startServer({ maxRuns: 1 })
    const first = await post(`${url}/api/v1/workflows`, sleepers(60_000), { Prefer: 'respond-async' })
    const second = await post(`${url}/api/v1/workflows`, sleepers(1))
    expect(second.status).toBe(503)
    expect(second.headers.get('retry-after')).toBe('5')
    const stream = url + first.headers.get('content-location')
    const { executionId } = await first.json()
    const running = await (await fetch(`${url}/api/v1/executions/${executionId}`)).json()
    expect(running).toMatchObject({ executionId, status: 'running', tasks: sleepers(60_000).tasks })
    const events = readToEnd(stream)
    await expect.poll(async () => (await fetch(`${url}/metrics`)).text()).toMatch(/^sse_events_published_total 4$/m)
    expect((await fetch(stream, { method: 'DELETE' })).status).toBe(204)
    expect(JSON.parse((await events).at(-1)!.data)).toMatchObject({ status: 'cancelled', errorCount: 3 })
    await expect.poll(async () => (await post(`${url}/api/v1/workflows`, sleepers(1))).status).toBe(200)
  })
})

it('GET /api/v1/tools lists the tools with the JSON Schemas of their arguments', async () => {
  const { url } = await startServer()
  const { tools } = await (await fetch(`${url}/api/v1/tools`)).json()
  const sleep = tools.find(({ name }: { name: string }) => name === 'sleep')
  expect(sleep.inputSchema).toMatchObject({ type: 'object', properties: { ms: { type: 'number' } }, required: ['ms'] })
  for (const tool of tools)
    expect(tool).toMatchObject({
      name: expect.any(String),
      description: expect.stringMatching(/\w/),
      inputSchema: { type: 'object' },
    })
})
