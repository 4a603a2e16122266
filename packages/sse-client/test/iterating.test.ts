import { describe, expect, it } from 'vitest'
import { openStream, serve } from './http-server.js'
import { answers, done, eventStream, heldBody, opening, read, tick, ticks } from './reading.js'
import { settle, VirtualClock } from './virtual-clock.js'

const url = 'http://127.0.0.1/'
const noWait = { retry: { initial: 0 } }

async function collect(client: AsyncIterable<{ id: string }>, limit = Infinity): Promise<string[]> {
  const ids: string[] = []
  for await (const event of client) {
    ids.push(event.id)
    if (ids.length === limit) break
  }
  return ids
}

describe('for await', () => {
  it('opens the client, goes on over drops and ends after the terminal event', async () => {
    const { fetch } = answers(
      () => eventStream(opening('k-0') + tick(1)),
      () => eventStream(opening('k-1') + tick(2) + done(3)),
    )
    const { client } = read(url, { fetch, events: ticks, autoOpen: false, ...noWait })
    const seen: unknown[] = []
    for await (const event of client) seen.push(event)
    expect(seen).toEqual([
      { type: 'tick', data: { n: 1 }, id: 'k-1' },
      { type: 'tick', data: { n: 2 }, id: 'k-2' },
      { type: 'done', data: { total: 2 }, id: 'k-3' },
    ])
  })

  it('throws what done rejects with, after the events that came before', async () => {
    const { fetch } = answers(
      () => eventStream(opening('k-0') + tick(1)),
      () => new Response(null, { status: 403 }),
    )
    const { client } = read(url, { fetch, events: ticks, ...noWait })
    const seen: string[] = []
    const loop = async (): Promise<void> => {
      for await (const { id } of client) seen.push(id)
    }
    await expect(loop()).rejects.toMatchObject({ code: 'rejected', status: 403 })
    expect(seen).toEqual(['k-1'])
    await expect(collect(client)).rejects.toMatchObject({ code: 'rejected' })
  })

  it('left by break closes the connection, and a later loop gets the rest of the stream', async () => {
    let gone: () => void = () => {}
    const closed = new Promise<void>((resolve) => {
      gone = resolve
    })
    const server = await serve((request, response, count) => {
      if (count === 1) openStream(response, opening('k-0') + tick(1) + tick(2) + tick(3)).on('close', gone)
      else openStream(response).end(opening(String(request.headers['last-event-id'])) + tick(4) + done(5))
    })
    const { client } = read(server.url, { events: ticks })
    expect(await collect(client, 1)).toEqual(['k-1'])
    expect(client.state).toBe('idle')
    await closed
    expect(await collect(client)).toEqual(['k-2', 'k-3', 'k-4', 'k-5'])
  })

  it('after a break does not hand out what an earlier loop left over, once events were missed in between', async () => {
    const bodies = [heldBody(), heldBody()]
    const { fetch } = answers(
      ...bodies.map(
        ({ stream }) =>
          () =>
            eventStream(stream),
      ),
    )
    const { client, next } = read(url, { fetch, events: ticks })
    bodies[0]!.write(opening('k-0') + tick(1) + tick(2))
    expect(await collect(client, 1)).toEqual(['k-1'])
    client.open()
    bodies[1]!.write(opening('k-2') + tick(3))
    await next('tick')
    const loop = collect(client)
    bodies[1]!.write(tick(4) + done(5))
    expect(await loop).toEqual(['k-4', 'k-5'])
  })

  it('that is slow makes the connection wait: no more than the buffer is taken from the socket', async () => {
    const clock = new VirtualClock()
    const encoder = new TextEncoder()
    let pulled = 0
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          pulled += 1
          controller.enqueue(
            encoder.encode(pulled === 1 ? opening('k-0', 1_000) : pulled < 100 ? tick(pulled - 1) : done(99)),
          )
        },
      },
      { highWaterMark: 0 },
    )
    const { fetch } = answers(() => eventStream(body))
    const { client, events, waits } = read(url, { fetch, clock, events: ticks, maxBufferedEvents: 10 })
    const iterator = client[Symbol.asyncIterator]()
    expect((await iterator.next()).value?.id).toBe('k-1')
    await settle()
    // One taken, ten that wait, the heartbeat, and one more that a transform on the way may hold.
    expect(pulled).toBeLessThanOrEqual(13)
    const held = pulled
    // Silence is the reader's own doing now, so that the watchdog has nothing to say.
    await clock.advance(3_600_000)
    expect([pulled, client.state, waits.length]).toEqual([held, 'open', 0])
    const rest: string[] = []
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) rest.push(next.value.id)
    expect(rest).toHaveLength(98)
    expect(events).toHaveLength(99)
  })

  it('holds a chunk of many events back too, event by event', async () => {
    const chunk = opening('k-0') + Array.from({ length: 50 }, (_, n) => tick(n + 1)).join('') + done(51)
    const { client, events } = read(url, {
      fetch: answers(() => eventStream(chunk)).fetch,
      events: ticks,
      maxBufferedEvents: 5,
    })
    const iterator = client[Symbol.asyncIterator]()
    await iterator.next()
    await settle()
    expect(events).toHaveLength(6)
    await iterator.return()
    expect([client.state, client.lastEventId]).toEqual(['idle', 'k-6'])
  })

  it('throws aborted when the client is closed meanwhile, and keeps what it did not hand out', async () => {
    const body = heldBody()
    const { fetch } = answers(
      () => eventStream(body.stream),
      () => eventStream(opening('k-2') + done(3)),
    )
    const { client } = read(url, { fetch, events: ticks })
    body.write(opening('k-0') + tick(1) + tick(2))
    const loop = async (): Promise<void> => {
      for await (const { id } of client) {
        if (id === 'k-1') await settle()
        client.close()
      }
    }
    await expect(loop()).rejects.toMatchObject({ code: 'aborted' })
    expect(await collect(client)).toEqual(['k-2', 'k-3'])
  })

  it('that waits throws aborted on close(), and does not close what open() opens in the same tick', async () => {
    const { fetch } = answers(
      () => eventStream(heldBody().stream),
      () => eventStream(opening('k-0') + done(1)),
    )
    const { client, reach } = read(url, { fetch, events: ticks })
    const loop = collect(client)
    await reach('open')
    client.close()
    client.open()
    await expect(loop).rejects.toMatchObject({ code: 'aborted' })
    expect(await client.done).toMatchObject({ id: 'k-1' })
  })

  it('gets what waits when the client is closed after the end', async () => {
    const { fetch } = answers(() => eventStream(opening('k-0') + tick(1) + done(2)))
    const { client } = read(url, { fetch, events: ticks })
    const iterator = client[Symbol.asyncIterator]()
    await client.done
    client.close()
    expect((await iterator.next()).value?.id).toBe('k-1')
    expect((await iterator.next()).value?.id).toBe('k-2')
  })

  it('throws the abortion of the signal before anything that waits', async () => {
    const controller = new AbortController()
    const { fetch } = answers(() => eventStream(opening('k-0') + tick(1) + tick(2)))
    const { client } = read(url, { fetch, events: ticks, signal: controller.signal })
    const iterator = client[Symbol.asyncIterator]()
    await iterator.next()
    await settle()
    controller.abort('enough')
    await expect(iterator.next()).rejects.toMatchObject({ code: 'aborted', cause: 'enough' })
  })

  it('asked for many events at once gives each of them, and then the end', async () => {
    const { client } = read(url, {
      fetch: answers(() => eventStream(opening('k-0') + tick(1) + done(2))).fetch,
      events: ticks,
    })
    const iterator = client[Symbol.asyncIterator]()
    const results = await Promise.all([1, 2, 3, 4].map(() => iterator.next()))
    expect(results.map(({ value }) => value?.id)).toEqual(['k-1', 'k-2', undefined, undefined])
    expect(await iterator.next()).toEqual({ value: undefined, done: true })
  })

  it('that is over gives nothing more, settles who waits, and closes nothing that was opened since', async () => {
    const { fetch } = answers(
      () => eventStream(heldBody().stream),
      () => eventStream(opening('k-0') + tick(1) + done(2)),
    )
    const { client, reach } = read(url, { fetch, events: ticks })
    const first = client[Symbol.asyncIterator]()
    const waiting = first.next()
    await reach('open')
    await first.return()
    expect(await waiting).toEqual({ value: undefined, done: true })
    const second = client[Symbol.asyncIterator]()
    await first.return()
    expect(await first.next()).toEqual({ value: undefined, done: true })
    expect((await second.next()).value?.id).toBe('k-1')
    expect((await second.next()).value?.id).toBe('k-2')
  })

  it('takes a hundred thousand events that wait in a time that grows with their number', async () => {
    const count = 100_000
    const text = Array.from({ length: count }, (_, n) => tick(n + 1)).join('')
    const { fetch } = answers(() => eventStream(opening('k-0') + text + done(count + 1)))
    const { client } = read(url, { fetch, events: ticks, maxBufferedEvents: Infinity })
    const iterator = client[Symbol.asyncIterator]()
    await client.done
    let seen = 0
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) seen += 1
    expect(seen).toBe(count + 1)
  })

  it('allows one loop at a time', async () => {
    const { client } = read(url, { fetch: answers(() => eventStream(heldBody().stream)).fetch })
    const first = collect(client)
    await expect(collect(client)).rejects.toThrow(/one `for await` loop/)
    client.close()
    await expect(first).rejects.toMatchObject({ code: 'aborted' })
  })
})
