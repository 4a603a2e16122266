import { describe, expect, it } from 'vitest'
import { openStream, serve } from './http-server.js'
import { answers, done, eventStream, heldBody, opening, read, tick, ticks } from './reading.js'
import { settle, VirtualClock } from './virtual-clock.js'

const url = 'http://127.0.0.1/'
const noWait = { retry: { initial: 0 } }

describe('requests', () => {
  it('§4.1 ask for an event stream, past every cache, with the cursor where there is one', async () => {
    const server = await serve((_, response) => openStream(response).end(opening('k-4') + done(5)))
    await read(server.url, { events: ticks, lastEventId: 'k-4' }).client.done
    expect(server.requests[0]).toMatchObject({
      method: 'GET',
      headers: { accept: 'text/event-stream', 'cache-control': 'no-cache', 'last-event-id': 'k-4' },
    })
  })

  it('carry the cursor as UTF-8 bytes, and no cursor that would not arrive as it is', async () => {
    const ids = ['é…', 'a b', ' leading', 'bell\u0007']
    const server = await serve((_, response, count) => {
      const id = ids[count - 1]
      openStream(response).end(id === undefined ? done(1) : `retry: 0\nid: ${id}\ndata: 1\n\n`)
    })
    const { client } = read(server.url, { retry: { healthyAfter: 0, initial: 0 } })
    while (server.requests.length <= ids.length) {
      await new Promise((resolve) => client.addEventListener('statechange', resolve, { once: true }))
    }
    const sent = server.requests.map(({ headers }) => headers['last-event-id'])
    expect(sent.slice(0, 5)).toEqual([undefined, Buffer.from('é…').toString('latin1'), 'a b', undefined, undefined])
  })

  it('ask a header function before each, and count its failure as a failed connection', async () => {
    const clock = new VirtualClock()
    let count = 0
    const { fetch, requests } = answers(
      () => eventStream(),
      () => new Response(null, { status: 204 }),
    )
    const { client, waits } = read(url, {
      clock,
      fetch,
      headers: async () => {
        count += 1
        if (count === 2) throw new Error('no token')
        return { authorization: `token ${count}`, accept: 'application/json' }
      },
    })
    await clock.advance(60_000)
    await client.done
    expect(requests.map(({ headers }) => [headers.get('authorization'), headers.get('accept')])).toEqual([
      ['token 1', 'text/event-stream'],
      ['token 3', 'text/event-stream'],
    ])
    expect(waits.map(({ drop }) => drop)).toEqual([
      { reason: 'end' },
      { reason: 'network', error: new Error('no token') },
    ])
  })

  it('whose header function gives what no header can be fail at once', async () => {
    const { client } = read(url, { fetch: answers(() => eventStream()).fetch, headers: () => ({ 'x-a': 'a\nb' }) })
    await expect(client.done).rejects.toMatchObject({ code: 'failed', cause: expect.any(TypeError) })
  })

  it.each([
    [{}, 'same-origin'],
    [{ withCredentials: true }, 'include'],
    [{ credentials: 'omit' as const }, 'omit'],
  ])('with %j have credentials: %s', async (options, credentials) => {
    const { fetch, requests } = answers(() => new Response(null, { status: 204 }))
    await read(url, { fetch, ...options }).client.done
    expect(requests[0]?.init).toMatchObject({ credentials, cache: 'no-store' })
  })
})

it('a GET is repeated at its own address, whatever Content-Location its answer has', async () => {
  const { fetch, requests } = answers(
    () => eventStream(opening('k-0') + tick(1), { 'content-location': '/stream.en' }),
    () => eventStream(opening('k-1') + done(2)),
  )
  await read(url, { fetch, events: ticks, ...noWait }).client.done
  expect(requests.map(({ url }) => url)).toEqual([url, url])
})

describe('the cursor as a query parameter', () => {
  it('takes the place of the header, beside the parameters that are there, and any id can be sent', async () => {
    const ids = ['k 1', 'bell\u0007', '…']
    const server = await serve((_, response, count) => {
      const id = ids[count - 1]
      openStream(response).end(id === undefined ? done(1) : `retry: 0\nid: ${id}\ndata: 1\n\n`)
    })
    const { client } = read(`${server.url}/a?b=c`, { cursorParameter: 'after', events: ticks, ...noWait })
    await client.done
    const sent = server.requests.map((request) => new URL(request.url!, server.url).searchParams)
    expect(sent.map((parameters) => parameters.get('after'))).toEqual([null, ...ids])
    expect(sent.map((parameters) => parameters.get('b'))).toEqual(['c', 'c', 'c', 'c'])
    for (const { headers } of server.requests) expect(headers).not.toHaveProperty('last-event-id')
  })
})

describe('a 401', () => {
  const unauthorized = () => new Response(null, { status: 401 })

  it('has the credentials renewed once, and the request made again with the headers asked for anew', async () => {
    let token = 'old'
    let calls = 0
    const { fetch, requests } = answers(unauthorized, () => eventStream(opening('k-0') + done(1)))
    const { client, states } = read(url, {
      fetch,
      events: ticks,
      headers: () => ({ authorization: token }),
      refresh: async () => {
        calls += 1
        token = 'new'
      },
    })
    await client.done
    expect(requests.map(({ headers }) => headers.get('authorization'))).toEqual(['old', 'new'])
    expect([calls, states]).toEqual([1, ['connecting', 'open', 'ended']])
  })

  it('leaves no body behind', async () => {
    const body = heldBody()
    const { fetch } = answers(
      () => new Response(body.stream, { status: 401 }),
      () => eventStream(opening('k-0') + done(1)),
    )
    await read(url, { fetch, events: ticks, refresh: () => {} }).client.done
    expect(body.cancelled).toBe(true)
  })

  it('that comes again is a refusal, as is one where nothing can be renewed', async () => {
    const twice = answers(unauthorized)
    let calls = 0
    const renewing = read(url, { fetch: twice.fetch, refresh: () => (calls += 1) })
    await expect(renewing.client.done).rejects.toMatchObject({ code: 'rejected', status: 401 })
    expect([twice.requests.length, calls]).toEqual([2, 1])
    const once = answers(unauthorized)
    await expect(read(url, { fetch: once.fetch }).client.done).rejects.toMatchObject({ code: 'rejected', status: 401 })
    expect(once.requests).toHaveLength(1)
  })

  it('on a later connection has them renewed again', async () => {
    let calls = 0
    const { fetch } = answers(
      () => eventStream(opening('k-0') + tick(1)),
      unauthorized,
      () => eventStream(opening('k-1') + tick(2)),
      unauthorized,
      () => eventStream(opening('k-2') + done(3)),
    )
    await read(url, { fetch, events: ticks, refresh: () => (calls += 1), ...noWait }).client.done
    expect(calls).toBe(2)
  })

  it('of many clients at once has them renewed by one call', async () => {
    let token = 'old'
    let calls = 0
    let renew: () => void = () => {}
    const refresh = async (): Promise<void> => {
      calls += 1
      await new Promise<void>((resolve) => {
        renew = resolve
      })
      token = 'new'
    }
    const fetch = async (_: string, { headers }: RequestInit): Promise<Response> =>
      new Headers(headers).get('authorization') === 'new' ? eventStream(opening('k-0') + done(1)) : unauthorized()
    const clients = [1, 2, 3].map(
      () => read(url, { fetch, events: ticks, headers: () => ({ authorization: token }), refresh }).client,
    )
    await settle()
    renew()
    await Promise.all(clients.map(({ done }) => done))
    expect(calls).toBe(1)
  })

  it('whose renewal never ends is given up after the connect timeout, and begun anew for all', async () => {
    const clock = new VirtualClock()
    let calls = 0
    const refresh = (): Promise<void> | undefined => {
      calls += 1
      return calls === 1 ? new Promise(() => {}) : undefined
    }
    const fetch = async (): Promise<Response> => (calls < 2 ? unauthorized() : eventStream(opening('k-0') + done(1)))
    const { client, waits } = read(url, { fetch, clock, events: ticks, refresh })
    await clock.advance(60_000)
    await client.done
    expect([calls, waits.map(({ drop }) => drop?.reason)]).toEqual([2, ['timeout']])
  })

  it('whose renewal fails is a failed connection, after which it is tried again', async () => {
    let calls = 0
    const { fetch } = answers(unauthorized, unauthorized, () => eventStream(opening('k-0') + done(1)))
    const { client, waits } = read(url, {
      fetch,
      events: ticks,
      refresh: () => {
        calls += 1
        if (calls === 1) throw new Error('offline')
      },
      ...noWait,
    })
    await client.done
    expect(waits.map(({ drop }) => drop)).toEqual([{ reason: 'network', error: new Error('offline') }])
  })

  it('of a POST was not applied, so that the POST is made again', async () => {
    const bodies: string[] = []
    const server = await serve((request, response, count) => {
      request.setEncoding('utf8').on('data', (text) => bodies.push(text))
      request.on('end', () => {
        if (count === 1) response.writeHead(401).end()
        else openStream(response).end(opening('k-0') + done(1))
      })
    })
    await read(server.url, { method: 'POST', body: 'x', events: ticks, refresh: () => {} }).client.done
    expect(bodies).toEqual(['x', 'x'])
  })
})

describe('a POST with an Idempotency-Key', () => {
  it('is repeated with the same key, also where the headers bring another one', async () => {
    const server = await serve((request, response, count) => {
      request.resume()
      if (count === 1) request.socket.destroy()
      else if (count === 2) openStream(response).end(`retry: 0\n\n${opening('k-0')}${tick(1)}`)
      else openStream(response).end(opening('k-1') + done(2))
    })
    let count = 0
    const { client, events } = read(server.url, {
      method: 'POST',
      body: 'x',
      events: ticks,
      headers: () => {
        count += 1
        return { 'idempotency-key': `key ${count}` }
      },
      ...noWait,
    })
    await client.done
    expect(events.map(({ id }) => id)).toEqual(['k-1', 'k-2'])
    expect(
      server.requests.map(({ method, headers }) => [method, headers['idempotency-key'], headers['last-event-id']]),
    ).toEqual([
      ['POST', 'key 1', undefined],
      ['POST', 'key 1', undefined],
      ['POST', 'key 1', 'k-1'],
    ])
  })

  it('but a stream as its body is not, since that is used up', async () => {
    const { fetch, requests } = answers(() => new Response(null, { status: 503 }))
    const body = new Blob(['x']).stream()
    const { client } = read(url, { fetch, method: 'POST', body, headers: { 'idempotency-key': 'a' } })
    await expect(client.done).rejects.toMatchObject({ code: 'rejected', status: 503 })
    expect(requests).toHaveLength(1)
  })

  it('is resumed by GET once its answer said where', async () => {
    const { fetch, requests } = answers(
      () => eventStream(opening('k-0') + tick(1), { 'content-location': '/stream/1' }),
      () => eventStream(opening('k-1') + done(2)),
    )
    await read(url, { fetch, events: ticks, method: 'POST', headers: { 'idempotency-key': 'a' }, ...noWait }).client
      .done
    expect(requests.map(({ init, url }) => `${init.method} ${url}`)).toEqual([
      'POST http://127.0.0.1/',
      'GET http://127.0.0.1/stream/1',
    ])
  })
})

describe('a POST', () => {
  it('is made once: its stream is resumed by GET at the Content-Location, with the cursor and without a body', async () => {
    const bodies: string[] = []
    const server = await serve((request, response, count) => {
      request.setEncoding('utf8').on('data', (text) => bodies.push(text))
      request.on('end', () => {
        if (count === 1) {
          response.setHeader('content-location', '../stream/e1')
          openStream(response).end(`retry: 0\n\n${opening('k-0')}${tick(1)}`)
        } else if (count === 2) openStream(response).end(opening('k-1') + tick(2))
        else openStream(response).end(opening('k-2') + done(3))
      })
    })
    const { client, events } = read(`${server.url}/api/workflows/new`, {
      events: ticks,
      method: 'post',
      body: '{"tasks":[]}',
      headers: { 'content-type': 'application/json', authorization: 'token' },
    })
    await client.done
    expect(events.map(({ id }) => id)).toEqual(['k-1', 'k-2', 'k-3'])
    expect(bodies).toEqual(['{"tasks":[]}'])
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /api/workflows/new',
      'GET /api/stream/e1',
      'GET /api/stream/e1',
    ])
    expect(server.requests[0]?.headers).toMatchObject({ 'content-type': 'application/json', authorization: 'token' })
    expect(server.requests[1]?.headers).toMatchObject({ 'last-event-id': 'k-1', authorization: 'token' })
    expect(server.requests[1]?.headers).not.toHaveProperty('content-type')
  })

  it('that created its stream goes on by GET at the Location of that', async () => {
    const { fetch, requests } = answers(
      () => new Response('{}', { status: 201, headers: { location: '/stream/1' } }),
      () => eventStream(opening('k-0') + done(1)),
    )
    await read(url, { fetch, events: ticks, method: 'POST' }).client.done
    expect(requests.map(({ init, url }) => `${init.method} ${url}`)).toEqual([
      'POST http://127.0.0.1/',
      'GET http://127.0.0.1/stream/1',
    ])
  })

  it('that is lost before its answer is unresumable, and is not repeated', async () => {
    const server = await serve((request) => request.socket.destroy())
    const { client, events } = read(server.url, { method: 'POST', body: 'x' })
    await expect(client.done).rejects.toMatchObject({
      code: 'unresumable',
      drop: { reason: 'network' },
      cause: expect.any(TypeError),
    })
    expect([server.requests.length, events.length]).toEqual([1, 0])
  })

  it.each([
    ['without a Content-Location', {}],
    ['with one of another origin, which would get the credentials', { 'content-location': 'http://127.0.0.2/stream' }],
    ['with one that is no URL', { 'content-location': 'http://[' }],
  ])('%s is unresumable once its stream is lost', async (_, headers) => {
    const { fetch, requests } = answers(() => eventStream(tick(1), headers))
    const { client, events } = read(url, { fetch, method: 'POST', ...noWait })
    await expect(client.done).rejects.toMatchObject({ code: 'unresumable', drop: { reason: 'end' } })
    expect([requests.length, events.length]).toEqual([1, 1])
  })

  it('that was redirected to another origin does not go on there', async () => {
    const other = await serve((_, response) => {
      response.setHeader('content-location', '/stream')
      openStream(response).end(opening('k-0') + tick(1))
    })
    const server = await serve((request, response) => {
      request.resume()
      response.writeHead(307, { location: `${other.url}/x` }).end()
    })
    const headers = { authorization: 'secret' }
    const { client } = read(server.url, { method: 'POST', body: 'x', headers, events: ticks, ...noWait })
    await expect(client.done).rejects.toMatchObject({ code: 'unresumable' })
    expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  it('whose mapper throws is failed by that', async () => {
    const cause = new Error('of the mapper')
    const { client } = read(url, {
      fetch: answers(() => eventStream(tick(1))).fetch,
      method: 'POST',
      resume: () => {
        throw cause
      },
    })
    await expect(client.done).rejects.toMatchObject({ code: 'failed', cause })
  })

  it('is resumed where a mapper says, relative to its answer; the mapper is not asked about refusals', async () => {
    const { fetch, requests } = answers(
      () => eventStream(opening('k-0') + tick(1)),
      () => new Response(null, { status: 404 }),
    )
    const asked: number[] = []
    const { client } = read(`${url}a/b`, {
      fetch,
      method: 'POST',
      events: ticks,
      resume: ({ status }) => {
        asked.push(status)
        return '../stream/1'
      },
      ...noWait,
    })
    await expect(client.done).rejects.toMatchObject({ code: 'gap', gap: { reason: 'gone' } })
    expect(requests.map(({ url }) => url)).toEqual(['http://127.0.0.1/a/b', 'http://127.0.0.1/stream/1'])
    expect(asked).toEqual([200])
  })

  it('that is refused for now is rejected with the time to wait, for the caller to decide', async () => {
    const { fetch, requests } = answers(() => new Response(null, { status: 503, headers: { 'retry-after': '3' } }))
    const { client } = read(url, { fetch, method: 'POST' })
    await expect(client.done).rejects.toMatchObject({ code: 'rejected', status: 503, retryAfter: 3_000 })
    expect(requests).toHaveLength(1)
  })

  it('that was under way at close() is not repeated by open()', async () => {
    const { fetch, requests } = answers(() => new Promise<Response>(() => {}))
    const { client } = read(url, { fetch, method: 'POST' })
    await settle()
    client.close()
    client.open()
    await expect(client.done).rejects.toMatchObject({ code: 'unresumable' })
    expect(requests).toHaveLength(1)
  })

  it('may have a stream as its body', async () => {
    const server = await serve((request, response) => {
      request.pipe(openStream(response)).on('error', () => {})
    })
    const body = new Blob([opening('k-0') + done(1)]).stream()
    expect(await read(server.url, { method: 'POST', body, events: ticks }).client.done).toMatchObject({ id: 'k-1' })
  })
})
