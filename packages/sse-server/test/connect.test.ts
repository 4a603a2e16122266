import { EventStreamParser } from '@x/sse-protocol'
import { describe, expect, it } from 'vitest'
import type { SseServer, Stream } from '../src/index.js'
import {
  createSse,
  fetchHost,
  type Host,
  httpHost,
  isTick,
  isType,
  logged,
  Reader,
  type TickEvents,
} from './harness.js'
import { everyHost } from './hosts.js'

async function publishTicks(stream: Stream<TickEvents>, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => stream.publish('tick', { n })))
}

/** A stream of some ticks and the end. */
async function endedStream(sse: SseServer<TickEvents>, id: string, ticks: number): Promise<string[]> {
  const stream = await sse.open(id)
  const ids = await publishTicks(stream, ticks)
  return [...ids, await stream.end('done', { total: ticks })]
}

describe.each(everyHost)('over %s', (_name, createHost) => {
  async function setUp(options = {}): Promise<{ sse: SseServer<TickEvents>; host: Host }> {
    const sse = createSse(options)
    return { sse, host: await createHost(sse) }
  }

  it('§4.3 the response has status 200 and the headers of an event stream', async () => {
    const { sse, host } = await setUp()
    await sse.open('s')
    const response = await host.ask('s')
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
      vary: 'Accept',
    })
    await response.body!.cancel()
  })

  it('§4.4 the body opens with retry and a heartbeat that has the cursor, in one piece', async () => {
    const { sse, host } = await setUp({ retry: 1_234 })
    const stream = await sse.open('s')
    const [id] = await publishTicks(stream, 1)
    const fresh = new Reader(await host.ask('s'))
    const [heartbeat] = await fresh.until(isType('heartbeat'))
    expect(fresh.parser.reconnectionTime).toBe(1_234)
    expect(heartbeat!.id).toBe(`${stream.epoch}-0`)
    expect(JSON.parse(heartbeat!.data)).toEqual({ timestamp: expect.any(String), interval: 15_000, head: id })
    const back = new Reader(await host.ask('s', { headers: { 'Last-Event-ID': id! } }))
    expect((await back.until(isType('heartbeat')))[0]!.id).toBe(id)
    await Promise.all([fresh.cancel(), back.cancel()])
  })

  it('§4.4 a reader with a cursor gets exactly the events after it, for every event id of the stream', async () => {
    const { sse, host } = await setUp()
    const ids = await endedStream(sse, 's', 30)
    for (const [index, id] of ids.slice(0, -1).entries()) {
      const events = logged(await new Reader(await host.ask('s', { headers: { 'Last-Event-ID': id } })).rest())
      expect(events.map((event) => event.id)).toEqual(ids.slice(index + 1))
    }
  })

  it('§4.4 what is published after the replay follows without a seam', async () => {
    const { sse, host } = await setUp()
    const stream = await sse.open('s')
    await publishTicks(stream, 3)
    const reader = new Reader(await host.ask('s'))
    await reader.until(isTick(2))
    for (let n = 3; n < 50; n++) await stream.publish('tick', { n })
    await stream.end('done', { total: 50 })
    const events = logged(await reader.rest())
    expect(events.map(({ id }) => id)).toEqual(Array.from({ length: 51 }, (_, n) => `${stream.epoch}-${n + 1}`))
    expect(events.slice(0, 50).map(({ data }) => data)).toEqual(Array.from({ length: 50 }, (_, n) => ({ n })))
  })

  it('§11 a reader that is cut and comes back has exactly the log, wherever it was cut', async () => {
    const { sse, host } = await setUp()
    const ids = await endedStream(sse, 's', 39)
    const whole = new Uint8Array(await (await host.ask('s')).arrayBuffer())
    // Every byte is tried in test/laws.
    for (let cut = 0; cut <= whole.length; cut += 37) {
      // What a client has seen when its connection is cut there.
      const parser = new EventStreamParser()
      const before = parser.push(whole.subarray(0, cut))
      const response = await host.ask('s', { headers: { 'Last-Event-ID': parser.lastEventId } })
      const after = response.status === 204 ? [] : await new Reader(response).rest()
      expect(logged([...before, ...after]).map(({ id }) => id)).toEqual(ids)
    }
    expect(whole.length).toBeGreaterThan(1_500)
  })

  it('§6.2 the response ends after the terminal event, also where `publish` brought it', async () => {
    const { sse, host } = await setUp()
    const stream = await sse.open('s')
    const reader = new Reader(await host.ask('s'))
    await reader.until(isType('heartbeat'))
    await stream.publish('done', { total: 0 })
    expect(logged(await reader.rest()).map(({ type }) => type)).toEqual(['done'])
    expect(stream.ended).toBe(true)
  })

  it('§6.3 a cursor at the end of an ended stream is answered with 204, also where the server is full', async () => {
    const { sse, host } = await setUp({ maxConnections: 1 })
    await sse.open('other')
    const taken = await host.ask('other')
    const ids = await endedStream(sse, 's', 2)
    const response = await host.ask('s', { headers: { 'Last-Event-ID': ids.at(-1)! } })
    expect(response.status).toBe(204)
    expect(response.body === null || (await response.text()) === '').toBe(true)
    expect((await host.ask('s')).status).toBe(503)
    await taken.body!.cancel()
  })

  it('§4.1 the query parameter stands in where the header is absent or empty, and the header counts', async () => {
    const { sse, host } = await setUp()
    const ids = await endedStream(sse, 's', 3)
    const read = async (query: string, headers: Record<string, string>): Promise<string[]> =>
      logged(await new Reader(await host.ask('s', { query, headers })).rest()).map(({ id }) => id)
    const query = `?lastEventId=${ids[1]}`
    expect(await read(query, {})).toEqual(ids.slice(2))
    expect(await read(query, { 'Last-Event-ID': '' })).toEqual(ids.slice(2))
    expect(await read(query, { 'Last-Event-ID': ids[0]! })).toEqual(ids.slice(1))
  })

  it.each([
    'x',
    '-1',
    'k--1',
    'k-01',
    'k-1.5',
    'k-NaN',
    'K-1',
    'k-99999999999999999',
    'k-99999999999999999999',
    // §3.2 sequences end at 2^53-1.
    'k-9007199254740992',
    `${'k'.repeat(70)}-1`,
  ])('§4.2 the malformed cursor %j is answered with 400 and a problem document', async (cursor) => {
    const { sse, host } = await setUp()
    await sse.open('s')
    const response = await host.ask('s', { headers: { 'Last-Event-ID': cursor } })
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ status: 400, code: 'malformed_cursor', title: 'Bad Request' })
  })

  it('§3.2 a cursor with a sequence of its own epoch beyond 2^53-1 is malformed, and with 2^53-1 it is ahead', async () => {
    const { sse, host } = await setUp()
    const { epoch } = await sse.open('s')
    const ask = (sequence: string): Promise<Response> =>
      host.ask('s', { headers: { Accept: 'application/json', 'Last-Event-ID': `${epoch}-${sequence}` } })
    expect((await ask('9007199254740992')).status).toBe(400)
    expect((await ask('99999999999999999999')).status).toBe(400)
    expect(await (await ask('9007199254740991')).json()).toMatchObject({ gap: { reason: 'ahead', missed: null } })
  })

  it('§4.5 a stream that the log does not hold is answered with 404, whatever the cursor', async () => {
    const { host } = await setUp()
    const plain = await host.ask('nobody')
    const held = await host.ask('nobody', { headers: { 'Last-Event-ID': 'k3v9x-7' } })
    expect([plain.status, held.status]).toEqual([404, 404])
    expect(await plain.json()).toMatchObject({ code: 'unknown_stream' })
    expect((await host.ask('x'.repeat(300))).status).toBe(404)
  })

  it('§9 a forbidden stream looks like an unknown one', async () => {
    const { sse, host } = await setUp({ authorize: (_request: unknown, streamId: string) => streamId !== 'secret' })
    await sse.open('secret')
    const [forbidden, unknown] = await Promise.all([host.ask('secret'), host.ask('nobody')])
    expect(forbidden.status).toBe(404)
    expect(await forbidden.text()).toBe(await unknown.text())
  })

  it('§9 `authorize` is asked for a stream that there is none of too, so that the answer takes no less time', async () => {
    const asked: string[] = []
    const { host } = await setUp({
      authorize: (_request: unknown, streamId: string) => {
        asked.push(streamId)
        return true
      },
    })
    expect((await host.ask('nobody')).status).toBe(404)
    expect(asked).toEqual(['nobody'])
  })

  it('an `authorize` that throws is a 500 that tells nothing, and an error event that tells all', async () => {
    const error = new Error('password is hunter2')
    const { sse, host } = await setUp({
      authorize: async () => {
        throw error
      },
    })
    const reported: unknown[] = []
    sse.addEventListener('error', (event) => {
      reported.push(event.error, event.streamId)
    })
    await sse.open('s')
    const response = await host.ask('s')
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('hunter2')
    expect(reported).toEqual([error, 's'])
    expect(sse.metrics().connections).toBe(0)
  })

  it('§9 an `Accept` that allows neither kind is answered with 406', async () => {
    const { sse, host } = await setUp()
    await sse.open('s')
    for (const accept of ['text/html', 'text/event-stream;q=0, application/json;q=0', '*/*;q=0']) {
      const response = await host.ask('s', { headers: { Accept: accept } })
      expect(response.status).toBe(406)
      expect(await response.json()).toMatchObject({ code: 'not_acceptable' })
    }
  })

  it('HEAD is answered with the headers alone, and takes no place', async () => {
    const { sse, host } = await setUp({ maxConnections: 1 })
    const ids = await endedStream(sse, 'ended', 1)
    await sse.open('s')
    const taken = await host.ask('s')
    const head = await host.ask('s', { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect(head.headers.get('content-type')).toBe('text/event-stream')
    expect(await head.text()).toBe('')
    expect((await host.ask('nobody', { method: 'HEAD' })).status).toBe(404)
    const atEnd = await host.ask('ended', { method: 'HEAD', headers: { 'Last-Event-ID': ids.at(-1)! } })
    expect(atEnd.status).toBe(204)
    expect(sse.metrics().opened).toBe(1)
    await taken.body!.cancel()
  })

  it('§2.2 newlines in data stay inside their event', async () => {
    const { sse, host } = await setUp()
    const stream = await sse.open('s')
    const text = 'a\nevent: done\r\ndata: {}\r\n\r\nid: forged-1\u2028\u0000\n\n'
    await stream.publish('tick', { n: 0, text })
    await stream.end('done', { total: 1 })
    expect(logged(await new Reader(await host.ask('s')).rest())).toEqual([
      { id: `${stream.epoch}-1`, type: 'tick', data: { n: 0, text } },
      { id: `${stream.epoch}-2`, type: 'done', data: { total: 1 } },
    ])
  })

  it('`internal` is never sent, neither as events nor as a page', async () => {
    const { sse, host } = await setUp()
    const stream = await sse.open('s')
    await stream.publish('tick', { n: 0 }, { internal: { secret: 'hunter2' } })
    await stream.end('done', { total: 1 })
    expect(await (await host.ask('s')).text()).not.toContain('hunter2')
    expect(await (await host.ask('s', { headers: { Accept: 'application/json' } })).text()).not.toContain('hunter2')
  })

  it('a target function is called once the request is admitted, and names the stream', async () => {
    const { sse, host } = await setUp({ maxConnections: 1 })
    let calls = 0
    const target = async (): Promise<string> => {
      calls += 1
      expect(sse.metrics().connections).toBe(1)
      await sse.open('started')
      return 'started'
    }
    const response = await host.ask('', { target })
    expect(response.status).toBe(200)
    expect((await host.ask('', { target })).status).toBe(503)
    expect(calls).toBe(1)
    await response.body!.cancel()
  })

  it('a target function that throws gives the place back, and its error reaches the caller', async () => {
    const { sse, host } = await setUp()
    const response = await host.ask('', {
      target: () => {
        throw new Error('no run today')
      },
    })
    expect([response.status, await response.text()]).toEqual([599, 'Error: no run today'])
    expect(sse.metrics().connections).toBe(0)
  })

  it('§4.8 pages of the allowed origins may read, send Last-Event-ID and see the headers they need', async () => {
    const { sse, host } = await setUp({ cors: { origins: ['https://app.example.org'] } })
    const ids = await endedStream(sse, 's', 1)
    for (const [Origin, allowed] of [
      ['https://app.example.org', 'https://app.example.org'],
      ['https://evil.example.org', null],
      ['https://app.example.org.evil.com', null],
      ['https://app.example.or', null],
      ['https://app.example.org:8443', null],
      ['http://app.example.org', null],
      ['HTTPS://APP.EXAMPLE.ORG', null],
      ['null', null],
    ] as const) {
      for (const streamId of ['s', 'nobody']) {
        const response = await host.ask(streamId, { headers: { Origin } })
        await response.text()
        expect(response.headers.get('access-control-allow-origin')).toBe(allowed)
        expect(response.headers.get('vary')).toBe('Accept, Origin')
        expect(response.headers.get('access-control-allow-credentials')).toBe(null)
      }
    }
    const preflight = await host.ask('s', {
      method: 'OPTIONS',
      headers: { Origin: 'https://app.example.org', 'Last-Event-ID': ids[0]! },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Last-Event-ID')
    expect(preflight.headers.get('access-control-expose-headers')).toBe('Content-Location, Location, Retry-After')
  })
})

it('§4.2 a cursor of a million characters is answered with 400 at once', async () => {
  const sse = createSse()
  await sse.open('s')
  const host = await fetchHost(sse)
  for (const ask of [
    { headers: { 'Last-Event-ID': 'k'.repeat(1e6) } },
    { query: `?lastEventId=${'1-'.repeat(5e5)}` },
  ]) {
    const response = await host.ask('s', ask)
    expect(response.status).toBe(400)
    expect((await response.text()).length).toBeLessThan(300)
  }
  // node:http itself refuses it before any handler is asked.
  const overHttp = await httpHost(sse)
  expect((await overHttp.ask('s', { headers: { 'Last-Event-ID': 'k'.repeat(1e6) } })).status).toBe(431)
  expect((await overHttp.ask('s', { headers: { 'Last-Event-ID': 'k'.repeat(8_000) } })).status).toBe(400)
})
