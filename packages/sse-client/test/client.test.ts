import { agentEvents } from '@x/sse-protocol'
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest'
import { EventStreamClient, EventStreamError } from '../src/index.js'
import { openStream, serve } from './http-server.js'
import { answers, done, eventStream, opening, read, tick, ticks } from './reading.js'
import { catchReported } from './reported.js'
import { settle } from './virtual-clock.js'

describe('reading a stream', () => {
  it('dispatches each event once under its type with parsed data, and resolves done with the terminal event', async () => {
    const server = await serve((_, response) =>
      openStream(response).end(`retry: 5\n\n${opening('k-0')}${tick(1)}${tick(2)}${done(3)}`),
    )
    const { client, log } = read(server.url, { events: ticks })
    const seen: number[] = []
    client.addEventListener('tick', (event) => void seen.push(event.data.n))
    expect(await client.done).toEqual({ type: 'done', data: { total: 2 }, id: 'k-3' })
    expect(seen).toEqual([1, 2])
    expect(log).toEqual(['connecting', 'open', 'open!', 'tick k-1', 'tick k-2', 'done k-3', 'ended', 'end well'])
    expect(client.lastEventId).toBe('k-3')
    expect(server.requests).toHaveLength(1)
  })

  it('gives typed events to listeners, by type and as *', () => {
    const client = new EventStreamClient('http://127.0.0.1/', { events: agentEvents, autoOpen: false })
    client.addEventListener('agent:chunk', (event) => {
      expectTypeOf(event.type).toEqualTypeOf<'agent:chunk'>()
      expectTypeOf(event.data.text).toEqualTypeOf<string>()
      expectTypeOf(event.lastEventId).toEqualTypeOf<string>()
    })
    client.addEventListener('*', ({ event }) => {
      if (event.type === 'agent:error') expectTypeOf(event.data.fatal).toEqualTypeOf<boolean>()
    })
    client.addEventListener('gap', ({ gap }) => void expectTypeOf(gap.missed).toEqualTypeOf<number | null>())
    // @ts-expect-error: no such type in the contract
    client.addEventListener('agent:chonk', () => {})
    const untyped = new EventStreamClient('http://127.0.0.1/', { autoOpen: false })
    untyped.addEventListener('anything', (event) => void expectTypeOf(event.data).toEqualTypeOf<unknown>())
  })

  it('connects only after the turn in which it was made, so that no listener comes too late', async () => {
    const { fetch, requests } = answers(() => eventStream())
    const { client, states } = read('http://127.0.0.1/', { fetch })
    expect(client.state).toBe('idle')
    expect(requests).toHaveLength(0)
    await settle()
    expect(states.slice(0, 2)).toEqual(['connecting', 'open'])
  })

  it('waits for open() with autoOpen: false', async () => {
    const { fetch, requests } = answers(() => eventStream(tick(1)))
    const { client } = read('http://127.0.0.1/', { fetch, autoOpen: false })
    await settle()
    expect(requests).toHaveLength(0)
    client.open()
    client.open()
    await settle()
    expect(requests).toHaveLength(1)
  })

  it('§6.3 204 is the end: done resolves with the last event seen, or with undefined where none was', async () => {
    const fresh = read('http://127.0.0.1/', {
      fetch: answers(() => new Response(null, { status: 204 })).fetch,
      lastEventId: 'k-3',
    })
    expect(await fresh.client.done).toBeUndefined()
    expect(fresh.log).toEqual(['connecting', 'ended', 'end well'])
    const { fetch } = answers(
      () => eventStream(`retry: 0\n${tick(1)}${tick(2)}`),
      () => new Response(null, { status: 204 }),
    )
    const reading = read('http://127.0.0.1/', { fetch })
    expect(await reading.client.done).toEqual({ type: 'tick', data: { n: 2 }, id: 'k-2' })
  })

  it('§8.5 an error event of the wire is an event with data, and no lifecycle event is called error', async () => {
    const { fetch } = answers(
      () => eventStream(`event: error\nid: k-1\ndata: {"error":"disk"}\n\n`),
      () => new Response(null, { status: 404 }),
    )
    const { client } = read('http://127.0.0.1/', { fetch, events: ticks, retry: { initial: 0 } })
    const errors: unknown[] = []
    client.addEventListener('error', (event) => void errors.push(event.data))
    await expect(client.done).rejects.toThrow()
    expect(errors).toEqual([{ error: 'disk' }])
  })

  it("an event of the wire with one of the client's own names arrives as * only", async () => {
    const { fetch } = answers(
      () => eventStream('event: end\ndata: 1\n\nevent: gap\ndata: 2\n\nevent: *\ndata: 3\n\n'),
      () => new Response(null, { status: 204 }),
    )
    const { client, events, log } = read('http://127.0.0.1/', { fetch, retry: { initial: 0 } })
    await client.done
    expect(events.map(({ type, data }) => [type, data])).toEqual([
      ['end', 1],
      ['gap', 2],
      ['*', 3],
    ])
    expect(log.filter((line) => line.startsWith('end ') || line.startsWith('gap'))).toEqual([
      'end ',
      'gap ',
      'end well',
    ])
  })

  it('data that is not JSON is given as text, and fails the stream only where the contract promised JSON', async () => {
    const body = 'event: other\ndata: plain\n\nevent: tick\nid: k-1\ndata: {"n":\n\n'
    const { fetch } = answers(
      () => eventStream(body),
      () => new Response(null, { status: 204 }),
    )
    const plain = read('http://127.0.0.1/', { fetch, retry: { initial: 0 } })
    await plain.client.done
    expect(plain.events.map(({ data }) => data)).toEqual(['plain', '{"n":'])

    const strict = read('http://127.0.0.1/', { fetch: answers(() => eventStream(body)).fetch, events: ticks })
    const error = await strict.client.done.catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'failed', cause: expect.any(SyntaxError) })
    expect(EventStreamError.isInstance(error)).toBe(true)
    expect(strict.events.map(({ data }) => data)).toEqual(['plain'])
    expect(strict.client.lastEventId).toBe('')
  })

  it('a contract that throws on the data of an event fails the stream instead of crashing it', async () => {
    const { fetch } = answers(() => eventStream('event: agent:error\nid: k-1\ndata: null\n\n'))
    const { client } = read('http://127.0.0.1/', { fetch, events: agentEvents })
    await expect(client.done).rejects.toMatchObject({ code: 'failed', cause: expect.any(TypeError) })
  })

  it('a listener that throws is reported as the platform reports it, and loses, merges and relabels nothing', async () => {
    const reported = catchReported()
    const { fetch } = answers(() => eventStream(tick(1) + tick(2) + done(3)))
    const { client, log } = read('http://127.0.0.1/', { fetch, events: ticks })
    const fault = new Error('of the listener')
    client.addEventListener('tick', () => {
      throw fault
    })
    await client.done
    await settle()
    expect(reported).toEqual([fault, fault])
    expect(log.slice(3)).toEqual(['tick k-1', 'tick k-2', 'done k-3', 'ended', 'end well'])
  })

  it('a rejection of done that nobody looks at is no unhandled rejection', async () => {
    const unhandled: unknown[] = []
    const listener = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', listener)
    onTestFinished(() => void process.off('unhandledRejection', listener))
    const { client } = read('http://127.0.0.1/', { fetch: answers(() => new Response('', { status: 403 })).fetch })
    await settle()
    expect(client.state).toBe('ended')
    expect(unhandled).toEqual([])
  })

  it('says at once what cannot work', () => {
    const make =
      (url: string, options: object = {}) =>
      () =>
        new EventStreamClient(url, { autoOpen: false, ...options })
    expect(make('/stream')).toThrow(/Expected `url` to be a URL, absolute where there is no page/)
    expect(make(`http://${'user:secret'}@127.0.0.1/`)).toThrow(/send them in `headers`/)
    const url = 'http://127.0.0.1/'
    expect(make(url, { retry: { max: -1 } })).toThrow(
      'Expected `retry.max` to be a number from 1 to 1000000000000000, got -1',
    )
    expect(make(url, { retry: { max: Infinity } })).toThrow(RangeError)
    expect(make(url, { retry: { budget: -1 } })).toThrow(/`retry.budget` to be a number from 0 to Infinity, got -1/)
    expect(make(url, { connectTimeout: Number.NaN })).toThrow(/`connectTimeout`/)
    expect(make(url, { maxBufferedEvents: 0 })).toThrow(/`maxBufferedEvents` to be a number from 1/)
    expect(make(url, { body: 'x' })).toThrow(/no `body` with GET/)
    expect(make(url, { headers: { 'x-a': 'a\nb' } })).toThrow(TypeError)
    expect(make(url, { transport: 'websocket' })).toThrow(/`transport` to be 'auto', 'sse' or 'poll'/)
    expect(make(url, { silenceTimeout: -1 })).toThrow(/`silenceTimeout`/)
    expect(make(url, { lastEventId: 'a\nb' })).toThrow(/`lastEventId` to be a single line/)
    expect(make(url, { method: 'PO ST' })).toThrow(TypeError)
    expect(make(url, { headers: 5 })).toThrow(TypeError)
    expect(make(url, { credentials: 'yes' })).toThrow(TypeError)
    expect(make(url, { method: 'HEAD', body: 'x' })).toThrow(/no `body` with HEAD/)
    expect(make(url, { onGap: 'fial' })).toThrow(/`onGap` to be/)
    expect(make(url, { events: { done: { terminal: true } } })).toThrow(/made by defineEvents/)
    expect(make(url, { lastEventId: null })).not.toThrow()
    expect(make(url, { connectTimeout: false, retry: { budget: Infinity } })).not.toThrow()
  })
})
