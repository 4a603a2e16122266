import { describe, expect, it } from 'vitest'
import type { EventStreamClientOptions } from '../src/index.js'
import { serve } from './http-server.js'
import { answers, done, eventStream, heldBody, opening, read, tick, ticks } from './reading.js'
import { settle, VirtualClock } from './virtual-clock.js'

const url = 'http://127.0.0.1/'
const day = 24 * 3_600_000

/** A client in virtual time whose waits have no jitter, or the given one. */
function virtual<Events extends object>(
  fetch: EventStreamClientOptions['fetch'],
  options: EventStreamClientOptions<Events> = {},
  jitter = 0,
) {
  const clock = new VirtualClock()
  return { clock, ...read(url, { fetch, clock, random: () => jitter, ...options }) }
}

describe('reconnecting', () => {
  it('a server that accepts and closes at once stays within the retry budget through a day', async () => {
    const { fetch, requests } = answers(() => eventStream('retry: 0\n\n'))
    const { client, clock } = virtual(fetch, {}, 0.5)
    await clock.advance(day)
    await expect(client.done).rejects.toMatchObject({ code: 'exhausted', attempts: 1_001, drop: { reason: 'end' } })
    expect(requests).toHaveLength(1_001)
    expect(clock.pending).toBe(0)
  })

  it('`retry: 99999999999` neither storms nor waits for years', async () => {
    const { fetch, requests } = answers(() => eventStream('retry: 99999999999\n\n'))
    const { clock, waits } = virtual(fetch)
    await clock.advance(30_000)
    expect(waits.map(({ delay }) => delay)).toEqual([30_000, 30_000])
    expect(requests).toHaveLength(2)
  })

  it('keeps the cursor and the last cause when the budget is spent', async () => {
    const fault = new TypeError('connect ECONNREFUSED')
    const { fetch } = answers(
      () => eventStream(opening('k-0') + tick(1)),
      () => Promise.reject(fault),
    )
    const { client, clock } = virtual(fetch, { retry: { budget: 3 } })
    await clock.advance(day)
    await expect(client.done).rejects.toMatchObject({ code: 'exhausted', attempts: 4, cause: fault })
    expect(client.lastEventId).toBe('k-1')
  })

  it('a budget of 0 never reconnects', async () => {
    const { fetch, requests } = answers(() => eventStream())
    const { client } = virtual(fetch, { retry: { budget: 0 } })
    await expect(client.done).rejects.toMatchObject({ code: 'exhausted' })
    expect(requests).toHaveLength(1)
  })

  it('the count of failures starts anew only after a connection that was healthy for a while', async () => {
    const bodies = [heldBody(), heldBody(), heldBody(), heldBody()]
    const { fetch } = answers(
      ...bodies.map(
        ({ stream }) =>
          () =>
            eventStream(stream),
      ),
    )
    const { clock, waits } = virtual(fetch, { retry: { initial: 1_000, healthyAfter: 10_000 } }, 0.5)
    const lives = [0, 9_999, 10_000]
    for (const [index, life] of lives.entries()) {
      bodies[index]!.write(':\n')
      await clock.advance(life)
      bodies[index]!.end()
      await settle()
      await clock.advance(waits.at(-1)!.delay!)
    }
    expect(waits.map(({ delay }) => delay)).toEqual([1_250, 1_500, 1_250])
  })

  it('a Retry-After lengthens the wait and never shortens it', async () => {
    const unavailable = (seconds: string, date?: string) => () =>
      new Response(null, { status: 503, headers: { 'retry-after': seconds, ...(date ? { date } : undefined) } })
    const { fetch } = answers(
      unavailable('7'),
      unavailable('0'),
      unavailable('Wed, 01 Jan 2025 00:02:00 GMT', 'Wed, 01 Jan 2025 00:00:00 GMT'),
      unavailable('soon'),
      unavailable(String(60 * 24 * 3_600)),
    )
    const { clock, waits } = virtual(fetch)
    for (let turn = 0; turn < 5; turn += 1) {
      await settle()
      if (turn < 4) await clock.advance(waits.at(-1)!.delay!)
    }
    expect(waits.map(({ delay }) => delay)).toEqual([7_000, 2_000, 120_000, 2_000, 60 * day])
    expect(waits[0]?.drop).toEqual({ reason: 'status', status: 503, retryAfter: 7_000 })
  })

  it('a wait of more than 2^31 ms does not fire at once, or early', async () => {
    const { fetch, requests } = answers(
      () => new Response(null, { status: 503, headers: { 'retry-after': String(60 * 24 * 3_600) } }),
      () => new Response(null, { status: 204 }),
    )
    const { client, clock } = virtual(fetch)
    await clock.advance(60 * day - 1)
    expect(requests).toHaveLength(1)
    await clock.advance(1)
    expect(client.state).toBe('ended')
  })

  it('a pending reconnect keeps the process alive', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const { fetch } = answers(() => new Response(null, { status: 503 }))
    const before = timers()
    const { client, reach } = read(url, { fetch, retry: { initial: 60_000, max: 60_000 } })
    await reach('waiting')
    expect(timers()).toBe(before + 1)
    client.close()
    expect(timers()).toBe(before)
  })
})

describe('statuses', () => {
  it.each([408, 425, 429, 500, 502, 503, 504, 599])('%i is tried again', async (status) => {
    const { fetch } = answers(() => new Response('data: forged\n\n', { status }))
    const { client, events } = virtual(fetch)
    await settle()
    expect([client.state, events.length]).toEqual(['waiting', 0])
  })

  it.each([205, 299, 304, 400, 401, 403, 406, 410, 413, 422])('%i is a refusal', async (status) => {
    const { fetch, requests } = answers(() => new Response(null, { status }))
    const { client, clock } = virtual(fetch)
    await expect(client.done).rejects.toMatchObject({ code: 'rejected', status })
    expect([requests.length, clock.pending]).toEqual([1, 0])
  })

  it('the type of an answer counts whatever its case and its parameters', async () => {
    const { fetch } = answers(
      () => new Response(done(1), { headers: { 'content-type': 'Text/Event-Stream ; charset=x' } }),
    )
    expect(await virtual(fetch, { events: ticks }).client.done).toMatchObject({ id: 'k-1' })
  })

  it('the policy is data that an option adds to, by status and by class', async () => {
    const { fetch } = answers(
      () => new Response(null, { status: 404 }),
      () => new Response(null, { status: 418 }),
      () => new Response(null, { status: 410 }),
    )
    const statuses = { 404: 'retry', '4xx': 'retry', 410: 'end' } as const
    const { client, clock } = virtual(fetch, { statuses })
    await clock.advance(60_000)
    expect(await client.done).toBeUndefined()
    const { client: strict } = virtual(answers(() => new Response(null, { status: 503 })).fetch, {
      statuses: { 503: 'reject' },
    })
    await expect(strict.done).rejects.toMatchObject({ code: 'rejected', status: 503 })
  })

  it('§9 a refusal carries the problem document', async () => {
    const problem = {
      title: 'Malformed cursor',
      status: 400,
      detail: 'Expected an event id',
      code: 'bad_cursor',
      errors: [],
    }
    const server = await serve((_, response) => {
      response
        .writeHead(400, { 'content-type': 'application/problem+json; charset=utf-8' })
        .end(JSON.stringify(problem))
    })
    const { client } = read(server.url)
    const error = await client.done.catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'rejected', status: 400, problem })
    expect(String(error)).toBe('EventStreamError: The server answered 400: Expected an event id')
  })

  it.each([
    ['broken', '{"title":'],
    ['no object', '[1]'],
    ['too large', JSON.stringify({ title: 'x'.repeat(70_000) })],
  ])('a problem document that is %s is left out', async (_, body) => {
    const headers = { 'content-type': 'application/problem+json' }
    const { client } = virtual(answers(() => new Response(body, { status: 400, headers })).fetch)
    await expect(client.done).rejects.toMatchObject({ code: 'rejected', problem: undefined })
  })

  it('a problem document that does not come holds nothing up for longer than the connect timeout', async () => {
    const server = await serve((_, response) => {
      response.writeHead(400, { 'content-type': 'application/problem+json' }).write('{')
    })
    const clock = new VirtualClock()
    const { client } = read(server.url, {
      clock,
      fetch: async (url, init) => {
        const response = await fetch(url, init)
        // The head is here: from now on only the clock can end this.
        queueMicrotask(() => void clock.advance(30_000))
        return response
      },
    })
    await expect(client.done).rejects.toMatchObject({ code: 'rejected', status: 400, problem: undefined })
  })

  it.each([
    ['a Node stream', { pipe: () => {} }],
    [
      'one whose cancel throws',
      {
        cancel: () => {
          throw new Error('no')
        },
      },
    ],
    ['one whose cancel returns nothing', { cancel: () => {} }],
  ])('a body that is %s hurts nobody: a stream of it is unstreamable, a refusal is a refusal', async (_, body) => {
    const withBody = (status: number, type: string) => (): Response =>
      Object.defineProperty(new Response(null, { status, headers: { 'content-type': type } }), 'body', { value: body })
    const refused = virtual(answers(withBody(403, 'text/html')).fetch)
    await expect(refused.client.done).rejects.toMatchObject({ code: 'rejected', status: 403 })
    const streamed = virtual(answers(withBody(200, 'text/event-stream')).fetch)
    await settle()
    expect(streamed.waits.map(({ drop }) => drop)).toEqual([{ reason: 'unstreamable' }])
    streamed.client.close()
  })

  it('the body of an answer that is not read is cancelled, so that the socket is free', async () => {
    const bodies = [heldBody(), heldBody()]
    const headers = { 'content-type': 'text/html' }
    const { fetch } = answers(
      ...bodies.map(
        ({ stream }, index) =>
          () =>
            new Response(stream, { status: index === 0 ? 500 : 200, headers }),
      ),
    )
    const { client, clock } = virtual(fetch)
    await clock.advance(60_000)
    await expect(client.done).rejects.toMatchObject({ code: 'rejected', status: 200 })
    expect(bodies.map(({ cancelled }) => cancelled)).toEqual([true, true])
  })
})
