import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Agent } from '../src/agent.js'
import { collect, eventsOf, post, readToEnd, startServer, startSession } from './reference-server.js'

const waiting: Agent = {
  name: 'waiting',
  description: 'Works until it is cancelled',
  parse: async (input) => input,
  run: (_input, { signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
}

const flooding: Agent = {
  name: 'flooding',
  description: 'Says more than the network takes, and waits',
  parse: async (input) => input,
  async run(_input, { signal, write }) {
    for (let i = 0; i < 1_000; i += 1) await write('x'.repeat(16_000))
    return waiting.run({}, { signal } as never)
  },
}

const crashing: Agent = {
  name: 'crashing',
  description: 'Fails for a private reason',
  parse: async (input) => input,
  run: () => Promise.reject(new Error('password hunter2 refused at /srv/db.ts:12')),
}

const lastOf = async (stream: string) => {
  const last = (await readToEnd(stream)).at(-1)!
  return { type: last.type, ...JSON.parse(last.data) }
}

describe('a session ends', () => {
  it('A9 §6.5 with code stream_timeout when it takes too long', async () => {
    const { url } = await startServer({ agents: [waiting], streamTimeout: 100 })
    expect(await lastOf(await startSession(url, 'waiting'))).toMatchObject({
      type: 'agent:error',
      code: 'stream_timeout',
      fatal: true,
    })
  })

  it('§6.5 with code cancelled after a DELETE', async () => {
    const { url } = await startServer({ agents: [waiting] })
    const stream = await startSession(url, 'waiting')
    const last = lastOf(stream)
    expect((await fetch(stream, { method: 'DELETE' })).status).toBe(204)
    expect(await last).toMatchObject({ type: 'agent:error', code: 'cancelled', fatal: true, retryable: false })
    const session = await (await fetch(stream.replace('/stream/', '/sessions/'))).json()
    expect(session).toMatchObject({ state: 'failed', error: { code: 'cancelled' } })
  })

  it('B11 with public words when its agent crashes; the reason goes to the log alone', async () => {
    const { url, log } = await startServer({ agents: [crashing] })
    const stream = await startSession(url, 'crashing')
    const text = await (await fetch(stream)).text()
    expect(text).toMatch(/"code":"internal_error"/)
    expect(text + (await (await fetch(stream.replace('/stream/', '/sessions/'))).text())).not.toMatch(/hunter2|srv/)
    expect(log.join('')).toContain('hunter2')
  })

  it('§4.7 not when its reader goes away', async () => {
    const { url } = await startServer({ agents: [waiting] })
    const stream = await startSession(url, 'waiting')
    const controller = new AbortController()
    await fetch(stream, { signal: controller.signal })
    controller.abort()
    expect((await (await fetch(stream.replace('/stream/', '/sessions/'))).json()).state).toBe('running')
  })
})

describe('the connection limit', () => {
  it('A8 the 101st reader gets 503 with Retry-After, and a place that is left can be taken', async () => {
    const { url } = await startServer({ agents: [waiting] })
    const stream = await startSession(url, 'waiting')
    const controllers = Array.from({ length: 100 }, () => new AbortController())
    const readers = await Promise.all(controllers.map(({ signal }) => fetch(stream, { signal })))
    expect(readers.map(({ status }) => status)).toEqual(Array(100).fill(200))
    const refused = await fetch(stream)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('content-type')).toContain('application/problem+json')
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    await refused.text()
    controllers.pop()!.abort()
    const next = new AbortController()
    await expect
      .poll(async () => {
        const response = await fetch(stream, { signal: next.signal })
        if (response.status !== 200) await response.text()
        return response.status
      })
      .toBe(200)
    for (const controller of [...controllers, next]) controller.abort()
  })
})

describe('Idempotency-Key', () => {
  it('§10 the same key and request give the same stream, and start one run', async () => {
    const { url } = await startServer({ agents: [waiting] })
    const send = () => post(`${url}/api/v1/sessions`, { agent: 'waiting' }, { 'Idempotency-Key': 'k1' })
    const answers = await Promise.all([send(), send(), send()])
    expect(new Set(answers.map(({ headers }) => headers.get('location'))).size).toBe(1)
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^runs 1$/m)
    const other = await post(`${url}/api/v1/sessions`, { agent: 'scanner' }, { 'Idempotency-Key': 'k1' })
    expect(other.status).toBe(422)
  })

  it('is free again where the request started nothing', async () => {
    const { url } = await startServer({ agents: [waiting], maxRuns: 1 })
    const first = await startSession(url, 'waiting')
    const send = () => post(`${url}/api/v1/sessions`, { agent: 'waiting' }, { 'Idempotency-Key': 'k1' })
    expect((await send()).status).toBe(503)
    await fetch(first, { method: 'DELETE' })
    await expect.poll(async () => (await send()).status).toBe(201)
  })
})

it('A7 a heartbeat comes with every interval, without an id', async () => {
  const { url } = await startServer({ agents: [waiting], heartbeatInterval: 20 })
  const response = await fetch(await startSession(url, 'waiting'))
  const heartbeats = []
  for await (const event of eventsOf(response)) {
    heartbeats.push(event)
    if (heartbeats.length === 4) break
  }
  expect(heartbeats.map(({ type }) => type)).toEqual(Array(4).fill('heartbeat'))
  expect(heartbeats.map(({ id }) => id === undefined)).toEqual([false, true, true, true])
  expect(JSON.parse(heartbeats[3]!.data)).toMatchObject({ interval: 20 })
})

it('REPLAY_MAX_EVENTS bounds what is kept, and what is gone is announced', async () => {
  const chatty: Agent = {
    name: 'chatty',
    description: 'Says ten words',
    parse: async (input) => input,
    async run(_input, { write }) {
      for (let i = 0; i < 10; i += 1) await write(`word${i} `)
      return {}
    },
  }
  const { url } = await startServer({ agents: [chatty], replayMaxEvents: 5 })
  const stream = await startSession(url, 'chatty')
  await expect
    .poll(async () => (await (await fetch(stream.replace('/stream/', '/sessions/'))).json()).state)
    .toBe('completed')
  const [gap, ...events] = await readToEnd(stream)
  expect(gap).toMatchObject({ type: 'stream:gap' })
  expect(gap).not.toHaveProperty('id')
  expect(JSON.parse(gap!.data)).toMatchObject({ requested: null, reason: 'evicted', missed: 6 })
  expect(events).toHaveLength(5)
})

it('drains: says that it is not ready while a reader takes its time, starts nothing new, ends the streams', async () => {
  const { url, close } = await startServer({ agents: [waiting, flooding] })
  const stream = await startSession(url, 'waiting')
  const events = collect(eventsOf(await fetch(stream)))
  // A reader that reads nothing holds the drain up.
  const { hostname, port, pathname } = new URL(await startSession(url, 'flooding'))
  const slow = connect(Number(port), hostname)
  slow.on('error', () => {}).pause()
  slow.write(`GET ${pathname} HTTP/1.1\r\nHost: x\r\n\r\n`)
  await expect.poll(async () => (await fetch(`${url}/metrics`)).text()).toMatch(/^sse_connections 2$/m)
  await expect.poll(async () => (await fetch(`${url}/metrics`)).text()).toMatch(/^sse_pending_bytes [1-9]/m)
  const closed = close(2_000)
  expect((await fetch(`${url}/readyz`)).status).toBe(503)
  expect((await post(`${url}/api/v1/sessions`, { agent: 'waiting' })).status).toBe(503)
  expect((await events)[0]?.type).toBe('heartbeat')
  await closed
  slow.destroy()
  await expect(fetch(`${url}/healthz`)).rejects.toThrow()
})

it('an unreadable file is told by an agent:error that does not end the stream', async () => {
  const warning: Agent = {
    name: 'warning',
    description: 'Warns, and goes on',
    parse: async (input) => input,
    async run(_input, { warn }) {
      await warn({ code: 'file_unreadable', message: 'Cannot read a.ts.' })
      return 'done'
    },
  }
  const { url } = await startServer({ agents: [warning] })
  const events = await readToEnd(await startSession(url, 'warning'))
  expect(events.map(({ type }) => type)).toEqual(['agent:error', 'agent:complete'])
  expect(JSON.parse(events[0]!.data)).toMatchObject({ code: 'file_unreadable', fatal: false, retryable: false })
})

it('MAX_PAYLOAD_BYTES bounds every event, and what does not fit is whole elsewhere', async () => {
  const talking: Agent = {
    name: 'talking',
    description: 'Says much at once',
    parse: async (input) => input,
    async run(_input, { write, status }) {
      await status('talk', 'started', { message: '€'.repeat(5_000) })
      await write('\u0001😀'.repeat(2_000))
      return 'x'.repeat(5_000)
    },
  }
  const { url } = await startServer({ agents: [talking], maxPayloadBytes: 1_024 })
  const stream = await startSession(url, 'talking')
  const events = await readToEnd(stream)
  for (const { data } of events) expect(Buffer.byteLength(data)).toBeLessThanOrEqual(1_024)
  const chunks = events.filter(({ type }) => type === 'agent:chunk').map(({ data }) => JSON.parse(data))
  expect(chunks.map(({ text }) => text).join('')).toBe('\u0001😀'.repeat(2_000))
  const { result } = JSON.parse(events.at(-1)!.data)
  expect(result).toMatchObject({ truncated: true, bytes: 5_002 })
  expect((await (await fetch(url + result.ref)).json()).result).toBe('x'.repeat(5_000))
})

it('answers a batch request that is at work when the server ends, and starts nothing new', async () => {
  const { url, close } = await startServer()
  const dag = { tasks: [{ id: 'a', tool: 'sleep', arguments: { ms: 60_000 } }] }
  const answer = post(`${url}/api/v1/workflows`, dag)
  // Not before the task runs: one that has not started is skipped.
  await expect.poll(async () => (await fetch(`${url}/metrics`)).text()).toMatch(/^sse_events_published_total 2$/m)
  await close(2_000)
  expect(await (await answer).json()).toMatchObject({
    status: 'cancelled',
    errors: [{ taskId: 'a', code: 'cancelled' }],
  })
})
