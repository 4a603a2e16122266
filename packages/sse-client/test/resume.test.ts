import { encodeEvent } from '@x/sse-protocol'
import { describe, expect, it } from 'vitest'
import { openStream, serve } from './http-server.js'
import { answers, done, eventStream, opening, read, tick, ticks } from './reading.js'
import { settle } from './virtual-clock.js'

const noWait = { retry: { initial: 0, budget: 20 } }
const gone = () => new Response(null, { status: 404 })

describe('resuming', () => {
  it('§6.4 a clean end without a terminal event is a drop: the client comes back with its cursor', async () => {
    const { fetch, requests } = answers(
      () => eventStream(opening('k-0') + tick(1) + tick(2)),
      () => eventStream(opening('k-2') + done(3)),
    )
    const { client, log, waits } = read('http://127.0.0.1/', { fetch, events: ticks, ...noWait })
    await client.done
    expect(requests.map(({ headers }) => headers.get('last-event-id'))).toEqual([null, 'k-2'])
    expect(waits.map(({ drop }) => drop)).toEqual([{ reason: 'end' }])
    expect(log.filter((line) => line.startsWith('gap'))).toEqual([])
  })

  it('§5.2 the opening heartbeat gives a fresh reader its cursor, is no event, and moves no other cursor', async () => {
    const { fetch, requests } = answers(
      () => eventStream(opening('k-0')),
      () => eventStream(opening('k-7') + tick(1)),
      () => eventStream(opening('k-1') + done(2)),
    )
    const { client, events } = read('http://127.0.0.1/', { fetch, ...noWait, events: ticks })
    await client.done
    expect(requests.map(({ headers }) => headers.get('last-event-id'))).toEqual([null, 'k-0', 'k-1'])
    expect(events.map(({ id }) => id)).toEqual(['k-1', 'k-2'])
  })

  it('§11 an event that was delivered before is dropped, and moves no cursor back', async () => {
    const { fetch, requests } = answers(
      () => eventStream(opening('k-0') + tick(1) + tick(2) + tick(3)),
      () => eventStream(opening('k-3') + tick(2)),
      () => eventStream(opening('k-3') + tick(2) + tick(3) + done(4)),
    )
    const { client, events, log } = read('http://127.0.0.1/', { fetch, events: ticks, ...noWait })
    await client.done
    expect(events.map(({ id }) => id)).toEqual(['k-1', 'k-2', 'k-3', 'k-4'])
    expect(requests[2]?.headers.get('last-event-id')).toBe('k-3')
    expect(log.filter((line) => line.startsWith('gap'))).toEqual([])
  })

  it('§3.2 a jump in the sequence that nobody announced is a gap with the count of what is missing', async () => {
    const { fetch } = answers(() => eventStream(opening('k-0') + tick(1) + tick(5) + done(6)))
    const { client, log, next } = read('http://127.0.0.1/', { fetch, events: ticks })
    const gap = next('gap')
    await client.done
    expect(log.slice(3, 6)).toEqual(['tick k-1', 'gap skipped 3', 'tick k-5'])
    expect(await gap).toMatchObject({ gap: { requested: 'k-1', oldest: 'k-5', head: null } })
  })

  it('§3.4 a stream that does not begin with sequence 1 for a reader without a cursor has a gap', async () => {
    const { fetch } = answers(() => eventStream(tick(4) + done(5)))
    const { client, log } = read('http://127.0.0.1/', { fetch, events: ticks })
    await client.done
    expect(log).toContain('gap skipped 3')
  })

  it('§3.5 events of another epoch without an announcement are a gap too', async () => {
    const { fetch } = answers(() => eventStream(opening('k-0') + tick(1) + tick(1, 'z') + done(2, 'z')))
    const { client, log } = read('http://127.0.0.1/', { fetch, events: ticks })
    await client.done
    expect(log.slice(3, 6)).toEqual(['tick k-1', 'gap epoch null', 'tick z-1'])
  })

  it('an id that merely resembles the next one is not taken for it', async () => {
    const odd = (id: string): string => encodeEvent({ type: 'tick', id, data: '{"n":0}' })
    const { fetch } = answers(() =>
      eventStream(opening('k-16') + odd('k-A') + tick(17) + odd('k-018') + tick(18) + done(19)),
    )
    const { client, events } = read('http://127.0.0.1/', { fetch, events: ticks, lastEventId: 'k-16' })
    await client.done
    expect(events.map(({ id }) => id)).toEqual(['k-A', 'k-17', 'k-018', 'k-18', 'k-19'])
  })

  it('§3.4 a heartbeat that is ahead of a reader without a cursor hides nothing from it', async () => {
    const { fetch } = answers(() => eventStream(opening('k-7') + tick(1) + tick(2) + done(3)))
    const { client, events } = read('http://127.0.0.1/', { fetch, events: ticks })
    await client.done
    expect(events.map(({ id }) => id)).toEqual(['k-1', 'k-2', 'k-3'])
  })

  it('an empty id does not take the cursor of this protocol away', async () => {
    const { fetch, requests } = answers(
      () => eventStream(`${opening('k-0')}${tick(1)}id: \nevent: tick\ndata: {"n":0}\n\n`),
      () => eventStream(opening('k-1') + done(2)),
    )
    const { client, log } = read('http://127.0.0.1/', { fetch, events: ticks, ...noWait })
    await client.done
    expect(requests[1]?.headers.get('last-event-id')).toBe('k-1')
    expect(log.filter((line) => line.startsWith('gap'))).toEqual([])
  })

  it('§3.2 ids with the sequence 0 are none of this protocol, also where a contract says that it is spoken', async () => {
    const redis = (id: string): string => encodeEvent({ type: 'tick', id, data: '{"n":0}' })
    const { fetch } = answers(() => eventStream(redis('1526919030474-0') + redis('1526919030475-0') + done(1)))
    const { client, events } = read('http://127.0.0.1/', { fetch, events: ticks })
    await client.done
    expect(events.map(({ id }) => id).slice(0, 2)).toEqual(['1526919030474-0', '1526919030475-0'])
  })

  it('ids that only look alike are left alone where the server does not speak this protocol', async () => {
    const body = ['order-17', 'order-3', '1526919030474-0', '1526919030475-0'].map((id) => `id: ${id}\ndata: 1\n\n`)
    const { fetch } = answers(
      () => eventStream(body.join('')),
      () => new Response(null, { status: 204 }),
    )
    const { client, events, log } = read('http://127.0.0.1/', { fetch, ...noWait })
    await client.done
    expect(events).toHaveLength(4)
    expect(log.filter((line) => line.startsWith('gap'))).toEqual([])
  })
})

describe('gaps', () => {
  const gap = (data: object): string => `event: stream:gap\ndata: ${JSON.stringify(data)}\n\n`
  const evicted = { requested: 'k-1', oldest: 'k-5', head: 'k-9', missed: 3, reason: 'evicted' }

  it('§5.3 a gap is one typed event before any newer event, and moves no cursor', async () => {
    const { fetch, requests } = answers(
      () => eventStream(opening('k-1') + gap(evicted)),
      () => eventStream(opening('k-1') + gap(evicted) + tick(5) + done(6)),
    )
    const { client, log, next } = read('http://127.0.0.1/', { fetch, events: ticks, lastEventId: 'k-1', ...noWait })
    const announced = next('gap')
    await client.done
    expect(await announced).toMatchObject({ gap: evicted })
    expect(requests[1]?.headers.get('last-event-id')).toBe('k-1')
    expect(log.slice(8)).toEqual(['gap evicted 3', 'tick k-5', 'done k-6', 'ended', 'end well'])
  })

  it.each([
    { reason: 'ahead', oldest: 'k-1', requested: 'k-9' },
    { reason: 'epoch', oldest: 'z-1', requested: 'k-9' },
  ])('§5.3 after $reason the stream goes on at $oldest, though the cursor was $requested', async (data) => {
    const epoch = data.oldest.charAt(0)
    const { fetch } = answers(() =>
      eventStream(opening('k-9') + gap({ ...data, head: 'k-2', missed: null }) + tick(1, epoch) + done(2, epoch)),
    )
    const { client, log } = read('http://127.0.0.1/', { fetch, events: ticks, lastEventId: 'k-9' })
    await client.done
    expect(log.slice(3, 6)).toEqual([`gap ${data.reason} null`, `tick ${data.oldest}`, `done ${epoch}-2`])
  })

  it.each(['{}', 'null', 'x', '{"reason":"later"}'])('§5.3 a gap that says %s is still told', async (data) => {
    const { fetch } = answers(() =>
      eventStream(`${opening('k-1')}event: stream:gap\ndata: ${data}\n\n${tick(7)}${done(8)}`),
    )
    const { client, log } = read('http://127.0.0.1/', { fetch, events: ticks, lastEventId: 'k-1' })
    await client.done
    expect(log.slice(3, 5)).toEqual(['gap epoch null', 'tick k-7'])
  })

  it('§5.3 a heartbeat after a gap does not undo it', async () => {
    const ahead = gap({ requested: 'k-9', oldest: 'k-1', head: 'k-2', missed: null, reason: 'ahead' })
    const { fetch } = answers(() => eventStream(ahead + opening('k-9') + tick(1) + opening('k-1') + done(2)))
    const { client, events } = read('http://127.0.0.1/', { fetch, events: ticks, lastEventId: 'k-9' })
    await client.done
    expect(events.map(({ id }) => id)).toEqual(['k-1', 'k-2'])
  })

  it('§5.3 after evicted what was delivered is not delivered again, and what comes all the same is not dropped', async () => {
    const early = gap({ requested: 'k-5', oldest: 'k-2', head: 'k-9', missed: 0, reason: 'evicted' })
    const back = answers(() => eventStream(opening('k-5') + early + tick(2) + tick(5) + tick(6) + done(7)))
    const kept = read('http://127.0.0.1/', { fetch: back.fetch, events: ticks, lastEventId: 'k-5' })
    await kept.client.done
    expect(kept.events.map(({ id }) => id)).toEqual(['k-6', 'k-7'])
    const late = gap({ requested: 'k-5', oldest: 'k-9', head: 'k-9', missed: 3, reason: 'evicted' })
    const more = answers(() => eventStream(opening('k-5') + late + tick(7) + tick(8) + tick(9) + done(10)))
    const given = read('http://127.0.0.1/', { fetch: more.fetch, events: ticks, lastEventId: 'k-5' })
    await given.client.done
    expect(given.events.map(({ id }) => id)).toEqual(['k-7', 'k-8', 'k-9', 'k-10'])
  })

  it('§4.5 a listener of the gap of a stream that is gone may close the client', async () => {
    const { client, next } = read('http://127.0.0.1/', {
      fetch: answers(gone).fetch,
      events: ticks,
      lastEventId: 'k-4',
    })
    client.addEventListener('gap', () => client.close())
    await next('gap')
    expect(client.state).toBe('idle')
  })

  it('onGap: fail ends the reading before the event after the gap, which the cursor does not pass', async () => {
    const hole = read('http://127.0.0.1/', {
      fetch: answers(() => eventStream(opening('k-0') + tick(1) + tick(3))).fetch,
      events: ticks,
      onGap: 'fail',
    })
    await expect(hole.client.done).rejects.toMatchObject({ code: 'gap', gap: { missed: 1, reason: 'skipped' } })
    expect(hole.events).toHaveLength(1)
    expect(hole.client.lastEventId).toBe('k-1')
  })

  it('onGap: fail does nothing to a client that a listener of the gap has closed', async () => {
    const { fetch } = answers(() => eventStream(opening('k-0') + tick(1) + tick(3)))
    const { client, next } = read('http://127.0.0.1/', { fetch, events: ticks, onGap: 'fail' })
    client.addEventListener('gap', () => client.close())
    await next('gap')
    await settle()
    expect(client.state).toBe('idle')
  })

  it('§5.3 a gap that does not say who asked is that of this reader', async () => {
    const { fetch } = answers(() => eventStream(`${opening('k-1')}event: stream:gap\ndata: {}\n\n${tick(7)}${done(8)}`))
    const { client, next } = read('http://127.0.0.1/', { fetch, events: ticks, lastEventId: 'k-1' })
    const announced = next('gap')
    await client.done
    expect(await announced).toMatchObject({ gap: { requested: 'k-1' } })
  })

  it('onGap may be a function of the gap; one that throws fails the reading with its error as the cause', async () => {
    const body = opening('k-0') + tick(1) + tick(3) + tick(9)
    const asked: unknown[] = []
    const choosy = read('http://127.0.0.1/', {
      fetch: answers(() => eventStream(body)).fetch,
      events: ticks,
      onGap: (gap) => {
        asked.push(gap.missed)
        return gap.missed === 1 ? 'continue' : 'fail'
      },
    })
    await expect(choosy.client.done).rejects.toMatchObject({ code: 'gap' })
    expect(asked).toEqual([1, 5])
    const cause = new Error('of the policy')
    const throwing = read('http://127.0.0.1/', {
      fetch: answers(() => eventStream(body)).fetch,
      events: ticks,
      onGap: () => {
        throw cause
      },
    })
    await expect(throwing.client.done).rejects.toMatchObject({ code: 'gap', cause })
  })

  it('a gap listener that closes the client keeps the cursor before the gap', async () => {
    const { fetch } = answers(() => eventStream(opening('k-0') + tick(1) + tick(3)))
    const { client, events, next } = read('http://127.0.0.1/', { fetch, events: ticks })
    client.addEventListener('gap', () => client.close())
    await next('gap')
    expect([client.state, client.lastEventId, events.length]).toEqual(['idle', 'k-1', 1])
  })

  it('§4.5 404 for a reader that holds a cursor is a gap, and a plain refusal for one that does not', async () => {
    const held = read('http://127.0.0.1/', { fetch: answers(gone).fetch, events: ticks, lastEventId: 'k-4' })
    await expect(held.client.done).rejects.toMatchObject({
      code: 'gap',
      status: 404,
      gap: { requested: 'k-4', oldest: null, missed: null, reason: 'gone' },
    })
    expect(held.log).toEqual(['connecting', 'gap gone null', 'ended', 'end gap'])
    const fresh = read('http://127.0.0.1/', { fetch: answers(gone).fetch, events: ticks })
    await expect(fresh.client.done).rejects.toMatchObject({ code: 'rejected', status: 404 })
    expect(fresh.log).toEqual(['connecting', 'ended', 'end rejected'])
  })
})

it('an event that is too large for the parser ends the client after the events before it, and is not asked for again', async () => {
  let requests = 0
  const server = await serve((_, response) => {
    requests += 1
    openStream(response).end(`retry: 0\n\n${opening('k-0')}${tick(1)}data: ${'x'.repeat(25 * 2 ** 20)}\n\n`)
  })
  const { client, events } = read(server.url, { events: ticks })
  await expect(client.done).rejects.toMatchObject({ code: 'failed', cause: { code: 'line_too_long' } })
  expect(events.map(({ id }) => id)).toEqual(['k-1'])
  expect(client.lastEventId).toBe('k-1')
  expect(requests).toBe(1)
})
