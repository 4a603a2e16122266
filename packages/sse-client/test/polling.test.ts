import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { EventStreamClientOptions } from '../src/index.js'
import { openStream, serve } from './http-server.js'
import { answers, done, eventStream, heldBody, opening, read, type TickEvents, tick, ticks } from './reading.js'
import { settle, VirtualClock } from './virtual-clock.js'

const url = 'http://127.0.0.1/'

interface Page {
  readonly events: { id: string; type: string; data: unknown }[]
  readonly lastEventId: string
  readonly done: boolean
  readonly gap?: object
}

function page(first: number, last: number, total = 6): Page {
  const events = []
  for (let n = first; n <= last; n += 1) {
    events.push(
      n === total
        ? { id: `k-${n}`, type: 'done', data: { total: n - 1 } }
        : { id: `k-${n}`, type: 'tick', data: { n } },
    )
  }
  return { events, lastEventId: `k-${last}`, done: last === total }
}

const json = (value: unknown) => () => Response.json(value)

function poll(list: (() => Response | Promise<Response>)[], options: EventStreamClientOptions<TickEvents> = {}) {
  const clock = new VirtualClock()
  const { fetch, requests } = answers(...list)
  return {
    clock,
    requests,
    ...read(url, { fetch, clock, events: ticks, random: () => 0, transport: 'poll', ...options }),
  }
}

const ids = (events: readonly { readonly id: string }[]): string[] => events.map(({ id }) => id)
const all = ['k-1', 'k-2', 'k-3', 'k-4', 'k-5', 'k-6']

describe('§7 transport: poll', () => {
  it('reads page after page, asks the server to hold back empty ones, and ends with the terminal event', async () => {
    const { client, requests, events, log, states } = poll([json(page(1, 2)), json(page(3, 3)), json(page(4, 6))])
    expect(await client.done).toEqual({ type: 'done', data: { total: 5 }, id: 'k-6' })
    expect(ids(events)).toEqual(all)
    expect(states).toEqual(['connecting', 'open', 'ended'])
    expect(log.filter((line) => line.startsWith('gap'))).toEqual([])
    expect(client.transport).toBe('poll')
    const sent = requests.map(({ headers }) => ['accept', 'prefer', 'last-event-id'].map((name) => headers.get(name)))
    expect(sent).toEqual([
      ['application/json', null, null],
      ['application/json', 'wait=20', 'k-2'],
      ['application/json', 'wait=20', 'k-3'],
    ])
  })

  it('gives a page that was asked to wait that much longer than an answer', async () => {
    const clock = new VirtualClock()
    const { fetch } = answers(
      json(page(1, 2)),
      () => new Promise<Response>((resolve) => clock.setTimeout(() => resolve(Response.json(page(3, 6))), 19_000)),
    )
    const { client, waits } = read(url, { fetch, clock, events: ticks, transport: 'poll', connectTimeout: 5_000 })
    await clock.advance(19_000)
    await client.done
    expect(waits).toEqual([])
  })

  it('reads a page that comes slowly, for as long as something comes', async () => {
    const clock = new VirtualClock()
    const body = heldBody()
    const { fetch } = answers(() => new Response(body.stream, { headers: { 'content-type': 'application/json' } }))
    const { client, waits } = read(url, { fetch, clock, events: ticks, transport: 'poll' })
    const text = JSON.stringify(page(1, 6))
    for (let at = 0; at < text.length; at += 50) {
      await clock.advance(20_000)
      body.write(text.slice(at, at + 50))
    }
    await settle()
    body.end()
    await client.done
    expect(waits).toEqual([])
  })

  it('reads a page of more than a megabyte', async () => {
    const large = { ...page(1, 6) }
    large.events[0] = { id: 'k-1', type: 'tick', data: { n: 1, text: 'x'.repeat(2 * 2 ** 20) } }
    const { client, events } = poll([json(large)])
    await client.done
    expect(ids(events)).toEqual(all)
  })

  it('gives a loop the same events, and lets it hold back the next request', async () => {
    const { client, requests } = poll([json(page(1, 3)), json(page(4, 6))], { maxBufferedEvents: 1 })
    const seen: string[] = []
    for await (const { id } of client) {
      seen.push(id)
      await settle()
      if (id === 'k-1') expect(requests).toHaveLength(1)
    }
    expect(seen).toEqual(all)
  })

  it('does not ask without a pause a server that does not hold back, or that sends what was read', async () => {
    const empty = { events: [], lastEventId: 'k-2', done: false }
    const { clock, requests, events } = poll([json(page(1, 2)), json(empty), json(page(1, 2)), json(empty)])
    await clock.advance(0)
    expect(requests).toHaveLength(2)
    await clock.advance(2_000)
    expect(requests).toHaveLength(3)
    await clock.advance(60_000)
    expect(requests).toHaveLength(33)
    expect(ids(events)).toEqual(['k-1', 'k-2'])
  })

  it('§7.2 tells a gap before the events of its page, and begins again where the epoch changed', async () => {
    const gap = { requested: null, oldest: 'k-4', head: 'k-6', missed: 3, reason: 'evicted' }
    const evicted = poll([json({ ...page(4, 6), gap })])
    await evicted.client.done
    expect(evicted.log.slice(3, 5)).toEqual(['gap evicted 3', 'tick k-4'])
    const epoch = { requested: 'z-9', oldest: 'k-1', head: 'k-6', missed: null, reason: 'epoch' }
    const other = poll([json({ ...page(1, 6), gap: epoch })], { lastEventId: 'z-9' })
    await other.client.done
    expect(other.log.slice(3, 5)).toEqual(['gap epoch null', 'tick k-1'])
    const failing = poll([json({ ...page(4, 6), gap })], { onGap: 'fail' })
    await expect(failing.client.done).rejects.toMatchObject({ code: 'gap', gap })
    expect(failing.events).toEqual([])
  })

  it('§7.4 a page with done: true and no events is the end, with a contract and without one', async () => {
    const last = { events: [], lastEventId: 'k-6', done: true }
    expect(await poll([json(last)], { lastEventId: 'k-6' }).client.done).toBeUndefined()
    const plain = poll([json(page(1, 6))], { events: undefined })
    expect(await plain.client.done).toMatchObject({ id: 'k-6' })
  })

  it('takes the epoch of an empty stream from its page, so that another one shows', async () => {
    const { client, log } = poll([json({ events: [], lastEventId: 'z-0', done: false }), json({ ...page(1, 6) })], {
      retry: { initial: 0 },
    })
    await client.done
    expect(log[3]).toBe('gap epoch null')
  })

  it('asks no faster than it must where pages alternate between two lives of the stream', async () => {
    let count = 0
    const requests: number[] = []
    const clock = new VirtualClock()
    const fetch = async (): Promise<Response> => {
      count += 1
      requests.push(clock.now())
      const id = `e${count}-1`
      const gap = { requested: null, oldest: id, head: id, missed: null, reason: 'epoch' }
      return Response.json({ events: [{ id, type: 'tick', data: { n: 1 } }], lastEventId: id, done: false, gap })
    }
    read(url, { fetch, clock, events: ticks, transport: 'poll' })
    await clock.advance(60_000)
    expect(requests.length).toBeLessThanOrEqual(31)
  })

  it('asks at most ten times a second with retry.initial: 0', async () => {
    const { clock, requests } = poll([json({ events: [], lastEventId: 'k-0', done: false })], { retry: { initial: 0 } })
    await clock.advance(10_000)
    expect(requests.length).toBeLessThanOrEqual(102)
  })

  it('judges the first page like any other, also without a contract', async () => {
    const again = poll([json(page(1, 6))], { events: undefined, lastEventId: 'k-3' })
    await again.client.done
    expect(ids(again.events)).toEqual(['k-4', 'k-5', 'k-6'])
    const hole = poll([json(page(3, 6))], { events: undefined })
    await hole.client.done
    expect(hole.log).toContain('gap skipped 2')
  })

  it('takes only done: true for the end, and refuses pages whose parts are not what they must be', async () => {
    const { client, clock } = poll([json({ events: [], lastEventId: 'k-0', done: 'false' })])
    await clock.advance(0)
    expect(client.state).toBe('open')
    for (const events of [[null], [{ id: 1, type: 'tick', data: 1 }], [{ id: 'k-1', data: 1 }]]) {
      const bad = poll([json({ events, lastEventId: 'k-1', done: true })])
      await expect(bad.client.done).rejects.toMatchObject({ code: 'rejected', status: 200 })
    }
  })

  it('ends at an event or a page that is too large, and does not ask for it again', async () => {
    const large = {
      events: [{ id: 'k-1', type: 'tick', data: 'x'.repeat(25 * 2 ** 20) }],
      lastEventId: 'k-1',
      done: false,
    }
    const { client, requests, events } = poll([json(large)])
    await expect(client.done).rejects.toMatchObject({ code: 'failed' })
    expect([requests.length, events.length]).toEqual([1, 0])
  })

  it('has its credentials renewed whenever they run out', async () => {
    const unauthorized = () => new Response(null, { status: 401 })
    let calls = 0
    const { client } = poll([json(page(1, 1)), unauthorized, json(page(2, 3)), unauthorized, json(page(4, 6))], {
      refresh: () => (calls += 1),
    })
    await client.done
    expect(calls).toBe(2)
  })

  it('backs off from refusals, comes back with its cursor, and gives up a page that does not come', async () => {
    const { client, clock, waits, requests } = poll([
      json(page(1, 2)),
      () => new Response(null, { status: 503, headers: { 'retry-after': '9' } }),
      () => new Promise<Response>(() => {}),
      json(page(3, 6)),
    ])
    await clock.advance(9_000)
    expect(requests).toHaveLength(3)
    // The first request of a connection is not held back.
    await clock.advance(30_000 + 60_000)
    await client.done
    expect(waits.map(({ drop }) => drop?.reason)).toEqual(['status', 'timeout'])
    expect(requests.map(({ headers }) => headers.get('last-event-id'))).toEqual([null, 'k-2', 'k-2', 'k-2'])
  })

  it('an answer that is no JSON, or was cut, is a failed connection', async () => {
    const headers = { 'content-type': 'application/json' }
    const { clock, waits } = poll([() => new Response('{"events":[', { headers })])
    await clock.advance(0)
    expect(waits[0]?.drop).toMatchObject({ reason: 'network', error: expect.any(SyntaxError) })
  })

  it.each(['{"results":[]}', 'null', '{"events":[]}', '7'])(
    'an answer of %s is no page, and a refusal',
    async (text) => {
      const headers = { 'content-type': 'application/json' }
      const { client, requests } = poll([() => new Response(text, { headers })])
      await expect(client.done).rejects.toMatchObject({ code: 'rejected', status: 200 })
      expect(requests).toHaveLength(1)
    },
  )

  it('needs no streams at all', async () => {
    const response = Response.json(page(1, 6))
    const text = await response.text()
    vi.stubGlobal('ReadableStream', undefined)
    onTestFinished(() => void vi.unstubAllGlobals())
    const plain = { status: 200, ok: true, url, headers: response.headers, body: undefined, text: async () => text }
    await poll([() => plain as unknown as Response]).client.done
  })

  it('reads a page that fetch cannot give as a stream', async () => {
    const unstreamed = (): Response => {
      const response = Response.json(page(1, 6))
      return Object.defineProperty(response, 'body', { value: undefined })
    }
    await poll([unstreamed]).client.done
  })
})

describe('transport: auto', () => {
  const auto = { transport: 'auto' } as const

  it('goes over to pages after two answers in a row without a byte within the connect timeout, and says so', async () => {
    const bodies = [heldBody(), heldBody()]
    const { client, clock, requests, events, waits, log } = poll(
      [() => eventStream(bodies[0]!.stream), () => eventStream(bodies[1]!.stream), json(page(1, 6))],
      auto,
    )
    const transports: string[] = []
    client.addEventListener('statechange', ({ state, transport }) => void transports.push(`${state} ${transport}`))
    await clock.advance(30_000 + 2_000 + 30_000)
    expect(waits.map(({ drop }) => drop?.reason)).toEqual(['mute', 'mute'])
    await clock.advance(60_000)
    await client.done
    expect(ids(events)).toEqual(all)
    expect(log.at(-1)).toBe('end well')
    expect(transports.slice(-4)).toEqual(['waiting poll', 'connecting poll', 'open poll', 'ended poll'])
    expect(requests.map(({ headers }) => headers.get('accept'))).toEqual([
      'text/event-stream',
      'text/event-stream',
      'application/json',
    ])
    expect(bodies.map(({ cancelled }) => cancelled)).toEqual([true, true])
  })

  it.each([
    ['a 503', () => new Response(null, { status: 503 })],
    ['a lost network', () => Promise.reject(new TypeError('network'))],
    ['a 406', () => new Response(null, { status: 406 })],
  ])('goes back to the stream where the first request for a page gets %s', async (_, refusal) => {
    const { client, clock, requests } = poll(
      [
        () => eventStream(heldBody().stream),
        () => eventStream(heldBody().stream),
        refusal,
        () => eventStream(opening('k-0') + done(1)),
      ],
      auto,
    )
    await clock.advance(200_000)
    await client.done
    expect(requests.map(({ headers }) => headers.get('accept'))[3]).toBe('text/event-stream')
  })

  it('is exhausted by a server that never brings a byte', async () => {
    const { client, clock, requests } = poll([() => eventStream(heldBody().stream)], {
      transport: 'sse',
      retry: { budget: 10 },
    })
    await clock.advance(24 * 3_600_000)
    await expect(client.done).rejects.toMatchObject({ code: 'exhausted', drop: { reason: 'mute' } })
    expect(requests).toHaveLength(11)
  })

  it('does not take a network that was down for a proxy that holds streams back', async () => {
    const body = heldBody()
    const never = () => new Promise<Response>(() => {})
    const { client, clock } = poll(
      [() => eventStream(body.stream), never, never, () => eventStream(heldBody().stream)],
      auto,
    )
    await clock.advance(0)
    body.write(opening('k-0') + tick(1))
    await clock.advance(20_000)
    body.end()
    await clock.advance(100_000)
    expect(client.transport).toBe('sse')
  })

  it('says why where neither a stream nor pages can be had', async () => {
    const unstreamed = (): Response => Object.defineProperty(eventStream(), 'body', { value: undefined })
    const { client, clock, requests } = poll([unstreamed, () => new Response(null, { status: 406 })], auto)
    await clock.advance(60_000)
    await expect(client.done).rejects.toMatchObject({ code: 'rejected', status: 406 })
    expect(requests).toHaveLength(2)
  })

  it('stays with the event stream where a byte came in between', async () => {
    const bodies = [heldBody(), heldBody(), heldBody()]
    const { client, clock } = poll(
      bodies.map(
        ({ stream }) =>
          () =>
            eventStream(stream),
      ),
      { ...auto, retry: { initial: 0 } },
    )
    await clock.advance(30_000)
    bodies[1]!.write(opening('k-0'))
    await settle()
    bodies[1]!.end()
    await clock.advance(2_000 + 30_000)
    expect(client.transport).toBe('sse')
  })

  it('goes over to pages where fetch gives no streaming body', async () => {
    const unstreamed = (): Response => Object.defineProperty(eventStream(), 'body', { value: undefined })
    const { client, clock, waits, requests } = poll([unstreamed, json(page(1, 6))], auto)
    await clock.advance(60_000)
    await client.done
    expect(waits.map(({ drop }) => drop)).toEqual([{ reason: 'unstreamable' }])
    expect(requests).toHaveLength(2)
    const strict = poll([unstreamed], { transport: 'sse' })
    await expect(strict.client.done).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('transport'),
    })
  })

  it('takes an answer that is neither a stream nor a page for a refusal at once', async () => {
    const { client, requests, states } = poll([json({ message: 'hello' })], auto)
    await expect(client.done).rejects.toMatchObject({ code: 'rejected', status: 200 })
    expect([requests.length, states]).toEqual([1, ['connecting', 'ended']])
  })

  it('goes back to the stream where the server has no pages', async () => {
    const bodies = [heldBody(), heldBody()]
    const { client, clock, requests } = poll(
      [
        () => eventStream(bodies[0]!.stream),
        () => eventStream(bodies[1]!.stream),
        () => new Response(null, { status: 406 }),
        () => eventStream(opening('k-0') + done(1)),
      ],
      auto,
    )
    await clock.advance(200_000)
    await client.done
    expect(requests.map(({ headers }) => headers.get('accept'))).toEqual([
      'text/event-stream',
      'text/event-stream',
      'application/json',
      'text/event-stream',
    ])
  })

  it('reads a page that the server sends unasked, which transport: sse refuses', async () => {
    const { client, requests, events } = poll([json(page(1, 2)), json(page(3, 6))], auto)
    await client.done
    expect(ids(events)).toEqual(all)
    expect(requests.map(({ headers }) => headers.get('accept'))).toEqual(['text/event-stream', 'application/json'])
    const strict = poll([json(page(1, 6))], { transport: 'sse' })
    await expect(strict.client.done).rejects.toMatchObject({ code: 'rejected', status: 200 })
  })

  it('reads an event stream where a page was asked for', async () => {
    const { client, events } = poll([() => eventStream(opening('k-0') + tick(1) + done(2))])
    await client.done
    expect(ids(events)).toEqual(['k-1', 'k-2'])
    expect(client.transport).toBe('poll')
  })
})

describe('a POST that only begins', () => {
  it('is answered by where its stream is, which is then read by GET', async () => {
    const server = await serve((request, response) => {
      request.resume()
      if (request.method === 'POST') {
        response.writeHead(202, { 'content-location': '/stream/1', 'content-type': 'application/json' }).end('{"id":1}')
      } else openStream(response).end(opening('k-0') + tick(1) + done(2))
    })
    const { client, states } = read(`${server.url}/runs`, { method: 'POST', body: '{}', events: ticks })
    expect(await client.done).toMatchObject({ id: 'k-2' })
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /runs', 'GET /stream/1'])
    expect(states).toEqual(['connecting', 'open', 'ended'])
  })

  it('or by a mapper, which may name another origin', async () => {
    const { fetch, requests } = answers(
      () => Response.json({ id: 1 }, { status: 201, headers: { location: '/runs/1' } }),
      () => eventStream(opening('k-0') + done(1)),
    )
    const { client } = read(url, {
      fetch,
      method: 'POST',
      events: ticks,
      resume: (response) => new URL(`${response.headers.get('location')}/stream`, 'http://127.0.0.2/'),
    })
    await client.done
    expect(requests.map(({ url, init }) => `${init.method} ${url}`)).toEqual([
      'POST http://127.0.0.1/',
      'GET http://127.0.0.2/runs/1/stream',
    ])
  })

  it('asks for what describes the stream where there is none yet, and then for pages where it polls', async () => {
    const { fetch, requests } = answers(
      () => Response.json({}, { status: 202, headers: { 'content-location': '/stream/1' } }),
      json(page(1, 6)),
    )
    const { client } = read(url, { fetch, method: 'POST', events: ticks })
    const transports: string[] = []
    client.addEventListener('statechange', ({ state, transport }) => void transports.push(`${state} ${transport}`))
    await client.done
    expect(requests.map(({ headers }) => headers.get('accept'))).toEqual([
      'text/event-stream, */*;q=0.1',
      'text/event-stream',
    ])
    expect(transports).toEqual(['connecting sse', 'open poll', 'ended poll'])
  })

  it('and is answered by 204 has ended, whatever a mapper would say', async () => {
    const { fetch, requests } = answers(() => new Response(null, { status: 204 }))
    const { client } = read(url, { fetch, method: 'POST', resume: () => '/stream' })
    expect(await client.done).toBeUndefined()
    expect(requests).toHaveLength(1)
  })

  it('and is answered by a page has that page read', async () => {
    const whole = () => Response.json(page(1, 6), { headers: { 'content-location': '/gone' } })
    const { fetch, requests } = answers(whole)
    const { client } = read(url, { fetch, method: 'POST', events: ticks })
    expect(await client.done).toMatchObject({ id: 'k-6' })
    expect(requests).toHaveLength(1)
  })

  it('and is answered by a result has its stream read where that is', async () => {
    const { fetch, requests } = answers(
      () => Response.json({ results: [] }, { headers: { 'content-location': '/stream/1' } }),
      () => eventStream(opening('k-0') + done(1)),
    )
    const { client } = read(url, { fetch, method: 'POST', events: ticks, resume: () => null })
    await client.done
    expect(requests).toHaveLength(2)
  })

  it('is not told so by the Location of anything but what it created', async () => {
    const { fetch } = answers(() => Response.json({}, { status: 202, headers: { location: '/elsewhere' } }))
    const { client } = read(url, { fetch, method: 'POST' })
    await expect(client.done).rejects.toMatchObject({ code: 'rejected', status: 202 })
  })

  it('is rejected where nothing says where the stream is', async () => {
    const { fetch } = answers(() => Response.json({ id: 1 }, { status: 202 }))
    const { client } = read(url, { fetch, method: 'POST' })
    await expect(client.done).rejects.toMatchObject({ code: 'rejected', status: 202 })
  })
})
