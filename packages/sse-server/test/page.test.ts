import type { EventPage } from '@x/sse-protocol'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { MemoryEventLog } from '../src/index.js'
import { createSse, eventually, fetchHost, listen } from './harness.js'
import { everyHost } from './hosts.js'

afterEach(() => {
  vi.useRealTimers()
})

const json = { Accept: 'application/json' }

describe.each(everyHost)('over %s', (_name, createHost) => {
  it('§7.2 a page holds the events after the cursor, and the cursor for the next page', async () => {
    const sse = createSse()
    const host = await createHost(sse)
    const stream = await sse.open('s')
    const [first, second] = await Promise.all([stream.publish('tick', { n: 1 }), stream.publish('tick', { n: 2 })])
    const response = await host.ask('s', { headers: json })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(await response.json()).toEqual({
      events: [
        { id: first, type: 'tick', data: { n: 1 } },
        { id: second, type: 'tick', data: { n: 2 } },
      ],
      lastEventId: second,
      done: false,
    })
    const next = await host.ask('s', { headers: { ...json, 'Last-Event-ID': second } })
    expect(await next.json()).toEqual({ events: [], lastEventId: second, done: false })
    expect(sse.metrics().connections).toBe(0)
  })

  it('§7.2 a page without events in an empty stream names its beginning', async () => {
    const sse = createSse()
    const { epoch } = await sse.open('s')
    const page = await (await (await createHost(sse)).ask('s', { headers: json })).json()
    expect(page).toEqual({ events: [], lastEventId: `${epoch}-0`, done: false })
  })

  it('§7.4 at the end the page has `done` and the result, with and without events', async () => {
    const sse = createSse()
    const host = await createHost(sse)
    const stream = await sse.open('s')
    await stream.publish('tick', { n: 1 })
    const last = await stream.end('done', { total: 1 })
    const whole = await (await host.ask('s', { headers: json })).json()
    expect(whole).toMatchObject({ lastEventId: last, done: true, result: { total: 1 } })
    const atEnd = await host.ask('s', { headers: { ...json, 'Last-Event-ID': last, Prefer: 'wait=30' } })
    expect(atEnd.status).toBe(200)
    expect(await atEnd.json()).toEqual({ events: [], lastEventId: last, done: true, result: { total: 1 } })
  })

  it('§7.2 pages are bounded, and following them gives the whole stream', async () => {
    const sse = createSse()
    const host = await createHost(sse)
    const stream = await sse.open('s')
    const text = '€'.repeat(20_000)
    for (let n = 0; n < 40; n++) await stream.publish('tick', { n, text })
    await stream.end('done', { total: 40 })
    const numbers: unknown[] = []
    let cursor = ''
    let pages = 0
    for (let done = false; !done; pages++) {
      const response = await host.ask('s', { headers: { ...json, 'Last-Event-ID': cursor } })
      const page = (await response.json()) as EventPage
      const bytes = page.events.reduce((sum, { data }) => sum + Buffer.byteLength(JSON.stringify(data)), 0)
      expect(bytes).toBeLessThanOrEqual(2 ** 20)
      numbers.push(...page.events.map(({ data }) => (data as { n?: number }).n))
      cursor = page.lastEventId
      done = page.done
    }
    expect(numbers).toEqual([...Array.from({ length: 40 }, (_, n) => n), undefined])
    expect(pages).toBe(3)
  })

  it('§7.2 one event that alone is larger than a page is a page', async () => {
    const sse = createSse({ maxPayloadBytes: 2 ** 22 })
    const host = await createHost(sse)
    const stream = await sse.open('s')
    const large = await stream.publish('tick', { n: 1, text: 'x'.repeat(2 ** 21) })
    await stream.publish('tick', { n: 2 })
    expect(await (await host.ask('s', { headers: json })).json()).toMatchObject({ lastEventId: large, done: false })
  })

  it('§5.3 the gap is a member of the page', async () => {
    const log = new MemoryEventLog({ maxEvents: 2 })
    const sse = createSse({ log })
    const host = await createHost(sse)
    const stream = await sse.open('s')
    for (let n = 1; n <= 5; n++) await stream.publish('tick', { n })
    const { epoch } = stream
    const evicted = await host.ask('s', { headers: { ...json, 'Last-Event-ID': `${epoch}-1` } })
    expect(await evicted.json()).toMatchObject({
      events: [{ id: `${epoch}-4` }, { id: `${epoch}-5` }],
      gap: { requested: `${epoch}-1`, oldest: `${epoch}-4`, head: `${epoch}-5`, missed: 2, reason: 'evicted' },
    })
    const other = await host.ask('s', { headers: { ...json, 'Last-Event-ID': 'zzzzzzzzzz-900' } })
    expect(await other.json()).toMatchObject({
      events: [{ id: `${epoch}-4` }, { id: `${epoch}-5` }],
      gap: { missed: null, reason: 'epoch' },
    })
  })

  it('§7.3 `Prefer: wait` holds an empty answer until there is an event', async () => {
    const sse = createSse()
    const host = await createHost(sse)
    const stream = await sse.open('s')
    const answer = host.ask('s', { headers: { ...json, Prefer: 'wait=30' } })
    await eventually(() => sse.metrics().connections === 1)
    const id = await stream.publish('tick', { n: 1 })
    const response = await answer
    expect(response.headers.get('preference-applied')).toBe('wait=30')
    expect(await response.json()).toMatchObject({ events: [{ id }], lastEventId: id, done: false })
    expect(sse.metrics().connections).toBe(0)
  })

  it('§7.3 the end of the stream also ends the wait', async () => {
    const sse = createSse()
    const host = await createHost(sse)
    const stream = await sse.open('s')
    const answer = host.ask('s', { headers: { ...json, Prefer: 'respond-async, wait="30"' } })
    await eventually(() => sse.metrics().connections === 1)
    await stream.end('done', { total: 0 })
    expect(await (await answer).json()).toMatchObject({ done: true, result: { total: 0 } })
  })

  it('§7.3 a client that goes away while it waits gives its place back', async () => {
    const sse = createSse()
    const host = await createHost(sse)
    await sse.open('s')
    const abort = new AbortController()
    const answer = host.ask('s', { headers: { ...json, Prefer: 'wait=30' }, signal: abort.signal })
    const settled = answer.then(
      () => true,
      () => true,
    )
    await eventually(() => sse.metrics().connections === 1)
    abort.abort()
    await eventually(() => sse.metrics().connections === 0)
    expect(await settled).toBe(true)
  })

  it('§7.3 only a request that waits counts as a connection', async () => {
    const sse = createSse({ maxConnections: 1 })
    const host = await createHost(sse)
    const stream = await sse.open('s')
    const taken = await host.ask('s')
    await stream.publish('tick', { n: 1 })
    expect((await host.ask('s', { headers: { ...json, Prefer: 'wait=30' } })).status).toBe(200)
    const full = await host.ask('s', { headers: { ...json, Prefer: 'wait=30', 'Last-Event-ID': stream.head } })
    expect(full.status).toBe(503)
    await taken.body!.cancel()
  })

  it('a stream that the log drops meanwhile is a 404', async () => {
    const log = new MemoryEventLog()
    const sse = createSse({ log })
    const host = await createHost(sse)
    await sse.open('s')
    const answer = host.ask('s', { headers: { ...json, Prefer: 'wait=30' } })
    await eventually(() => sse.metrics().connections === 1)
    log.delete('s')
    expect((await answer).status).toBe(404)
  })
})

it.each([
  ['wait=20', 20_000, 'wait=20'],
  ['wait=600', 60_000, 'wait=60'],
])('§7.3 `Prefer: %s` is answered without an event after %d ms', async (Prefer, milliseconds, applied) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  const sse = createSse()
  const { epoch } = await sse.open('s')
  let response: Response | undefined
  void (await fetchHost(sse)).ask('s', { headers: { ...json, Prefer } }).then((answered) => {
    response = answered
  })
  await vi.advanceTimersByTimeAsync(milliseconds - 1)
  expect(response).toBe(undefined)
  expect(sse.metrics().connections).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(response!.headers.get('preference-applied')).toBe(applied)
  expect(await response!.json()).toEqual({ events: [], lastEventId: `${epoch}-0`, done: false })
  expect(sse.metrics().connections).toBe(0)
})

it.each(['wait=0', 'wait', 'wait=-1', 'wait=1.5', 'wait=x', 'await=5', 'respond-async'])(
  '§7.3 `Prefer: %s` holds nothing back',
  async (Prefer) => {
    const sse = createSse()
    await sse.open('s')
    const response = await (await fetchHost(sse)).ask('s', { headers: { ...json, Prefer } })
    expect(response.headers.get('preference-applied')).toBe(null)
    expect(await response.json()).toMatchObject({ events: [], done: false })
  },
)

it('a page and a problem say how long they are, and are their own to write into', async () => {
  const sse = createSse()
  await (await sse.open('s')).end('done', { total: 0 })
  const middleware = sse.middleware()
  let isNosy = true
  const origin = await listen((request, response) => {
    if (isNosy) {
      const writeHead = response.writeHead
      response.writeHead = ((status: number, headers: Record<string, string>) => {
        headers['Set-Cookie'] = 'user=alice'
        return writeHead.call(response, status, headers)
      }) as never
    }
    middleware(request, response)
  })
  const ask = (path: string, accept: string) => fetch(`${origin}/${path}`, { headers: { Accept: accept } })
  const asked = [
    ['s', 'application/json'],
    ['nobody', 'application/json'],
    ['s', 'text/event-stream'],
  ] as const
  for (const [path, accept] of asked) {
    const response = await ask(path, accept)
    const body = await response.arrayBuffer()
    if (accept === 'application/json') expect(response.headers.get('content-length')).toBe(String(body.byteLength))
    expect(response.headers.get('set-cookie')).toBe('user=alice')
  }
  isNosy = false
  for (const [path, accept] of asked) {
    const response = await ask(path, accept)
    await response.arrayBuffer()
    expect(response.headers.get('set-cookie')).toBe(null)
  }
})

it('headers of the answer are one of each, whatever their case, and `Vary` is all of them', async () => {
  const sse = createSse()
  await (await sse.open('s')).end('done', { total: 0 })
  const headers = { 'content-type': 'text/event-stream; charset=utf-8', vary: 'Cookie' }
  const origin = await listen((request, response) => void sse.handle(request, response, 's', { headers }))
  const response = await fetch(`${origin}/s`, { headers: { Accept: 'text/event-stream' } })
  await response.text()
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(response.headers.get('vary')).toBe('Accept, Cookie')
})
