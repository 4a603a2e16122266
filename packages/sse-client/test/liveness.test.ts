import { describe, expect, it } from 'vitest'
import type { EventStreamClientOptions } from '../src/index.js'
import { openStream, serve } from './http-server.js'
import { answers, done, eventStream, heldBody, opening, read, tick, ticks } from './reading.js'
import { settle, VirtualClock } from './virtual-clock.js'

const url = 'http://127.0.0.1/'
const day = 24 * 3_600_000

/** A client in virtual time whose waits have no jitter. */
function virtual<Events extends object>(
  fetch: EventStreamClientOptions['fetch'],
  options: EventStreamClientOptions<Events> = {},
) {
  const clock = new VirtualClock()
  return { clock, ...read(url, { fetch, clock, random: () => 0, ...options }) }
}

/** A client that reads a stream which a test writes by hand. */
async function reading<Events extends object>(options: EventStreamClientOptions<Events> = {}) {
  const bodies = [heldBody(), heldBody(), heldBody()]
  const { fetch, requests } = answers(
    ...bodies.map(
      ({ stream }) =>
        () =>
          eventStream(stream),
    ),
  )
  const client = virtual(fetch, options)
  await settle()
  return { ...client, bodies, requests, body: bodies[0]! }
}

describe('liveness', () => {
  it('§5.2 a connection without a byte for two and a half intervals is dead, and any byte counts', async () => {
    const body = heldBody()
    const { fetch, requests } = answers(
      () => eventStream(body.stream),
      () => eventStream(heldBody().stream),
    )
    const { client, clock, waits } = virtual(fetch, { events: ticks })
    await settle()
    body.write(opening('k-0', 15_000))
    await clock.advance(37_000)
    body.write(':')
    await clock.advance(37_499)
    expect(client.state).toBe('open')
    await clock.advance(1)
    expect(waits.map(({ drop }) => drop)).toEqual([{ reason: 'silence' }])
    expect(body.cancelled).toBe(true)
    expect(requests).toHaveLength(1)
  })

  it('what was learned of the heartbeat holds for the next connection from its beginning', async () => {
    const bodies = [heldBody(), heldBody()]
    const { fetch } = answers(
      ...bodies.map(
        ({ stream }) =>
          () =>
            eventStream(stream),
      ),
    )
    const { clock, waits } = virtual(fetch)
    await settle()
    bodies[0]!.write(opening('k-0', 15_000))
    await clock.advance(37_500 + 2_000 + 37_499)
    expect(waits).toHaveLength(1)
    await clock.advance(1)
    expect(waits.map(({ drop }) => drop?.reason)).toEqual(['silence', 'silence'])
  })

  it('a server that announces no heartbeat, or that there will be none, may be silent for a day', async () => {
    for (const text of [tick(1), opening('k-0', 0)]) {
      const body = heldBody()
      const { client, clock, waits } = virtual(answers(() => eventStream(body.stream)).fetch, { events: ticks })
      await settle()
      body.write(text)
      await clock.advance(day)
      expect([client.state, waits.length]).toEqual(['open', 0])
    }
    const quiet = virtual(answers(() => eventStream(heldBody().stream)).fetch)
    await quiet.clock.advance(day)
    expect(quiet.client.state).toBe('open')
  })

  it('§4.4 a server of this protocol speaks first: headers without a byte within the connect timeout are a drop', async () => {
    const { clock, waits } = virtual(answers(() => eventStream(heldBody().stream)).fetch, { events: ticks })
    await clock.advance(30_000)
    expect(waits.map(({ drop }) => drop)).toEqual([{ reason: 'mute' }])
  })

  it('a request without an answer within the connect timeout is given up and tried again', async () => {
    const server = await serve((_, response, count) => {
      if (count === 2) openStream(response).end(opening('k-0') + done(1))
    })
    const clock = new VirtualClock()
    const { client, waits, reach } = read(server.url, { events: ticks, clock, connectTimeout: 500, random: () => 0 })
    await reach('connecting')
    await clock.advance(4_999)
    expect(waits.map(({ drop }) => drop)).toEqual([{ reason: 'timeout' }])
    await clock.advance(2_000)
    await client.done
    expect(clock.pending).toBe(0)
  })

  it('connectTimeout: false waits for as long as it takes', async () => {
    const { client, clock } = virtual(() => new Promise(() => {}), { connectTimeout: false })
    await clock.advance(day)
    expect(client.state).toBe('connecting')
  })

  it('an answer that comes after it was given up is cancelled', async () => {
    const late = heldBody()
    let answer: (response: Response) => void = () => {}
    const { client, clock } = virtual(() => new Promise((resolve) => (answer = resolve)))
    await settle()
    client.close()
    answer(eventStream(late.stream))
    await clock.advance(0)
    expect(late.cancelled).toBe(true)
    expect(client.state).toBe('idle')
  })
})

describe('a heartbeat', () => {
  it('of a server that does not speak this protocol is an event like any other', async () => {
    const { body, clock, events, waits } = await reading()
    body.write('event: heartbeat\ndata: {"interval":30}\n\nevent: stream:start\ndata: 1\n\n')
    await clock.advance(day)
    expect(events.map(({ type }) => type)).toEqual(['heartbeat', 'stream:start'])
    expect(waits).toEqual([])
  })

  it('of this protocol is none, nor is any other reserved name', async () => {
    const { body, events } = await reading()
    body.write(`${opening('k-0')}event: stream:later\ndata: 1\n\n`)
    await settle()
    expect(events).toEqual([])
  })

  it('at a distance of a millisecond does not make the client ask all the time', async () => {
    const { body, clock, waits } = await reading()
    body.write(opening('k-0', 1))
    await clock.advance(999)
    expect(waits).toEqual([])
    await clock.advance(1)
    expect(waits).toHaveLength(1)
  })
})

describe('silenceTimeout', () => {
  it('does not count the time in which a slow loop takes nothing', async () => {
    const { client, clock, waits, body } = await reading({ silenceTimeout: 1_000, maxBufferedEvents: 1, events: ticks })
    const iterator = client[Symbol.asyncIterator]()
    body.write(opening('k-0') + tick(1) + tick(2) + tick(3))
    await settle()
    await clock.advance(60_000)
    for (let n = 0; n < 3; n += 1) await iterator.next()
    await clock.advance(999)
    expect(waits).toEqual([])
  })

  it('is the limit whatever the server says, or none', async () => {
    const short = await reading({ silenceTimeout: 5_000 })
    short.body.write(opening('k-0', 15_000))
    await short.clock.advance(5_000)
    expect(short.waits.map(({ drop }) => drop)).toEqual([{ reason: 'silence' }])
    const never = await reading({ silenceTimeout: false })
    never.body.write(opening('k-0', 15_000))
    await never.clock.advance(day)
    expect(never.waits).toEqual([])
  })
})

describe('comments as heartbeats', () => {
  it('that come at a regular distance are learned, and their absence is silence', async () => {
    const { body, clock, waits } = await reading()
    for (let n = 0; n < 3; n += 1) {
      body.write(': ping\n\n')
      await clock.advance(20_000)
    }
    await clock.advance(29_999)
    expect(waits).toEqual([])
    await clock.advance(1)
    expect(waits.map(({ drop }) => drop?.reason)).toEqual(['silence'])
  })

  it('teach only the connection that they came on, so that a slower server is not cut off for ever', async () => {
    const { bodies, clock, waits } = await reading()
    for (let n = 0; n < 3; n += 1) {
      bodies[0]!.write(':\n\n')
      await clock.advance(6_000)
    }
    await clock.advance(9_000)
    expect(waits).toHaveLength(1)
    await clock.advance(day)
    expect(waits).toHaveLength(1)
  })

  it('that come faster than every five seconds are no heartbeat', async () => {
    const { body, clock, waits } = await reading()
    for (let n = 0; n < 10; n += 1) {
      body.write(':\n\n')
      await clock.advance(4_999)
    }
    await clock.advance(day)
    expect(waits).toEqual([])
  })

  it('that come irregularly, in one chunk, or once, are no rhythm', async () => {
    const irregular = await reading()
    for (const distance of [1_000, 5_000, 20_000, 2_000]) {
      irregular.body.write(':\n\n')
      await irregular.clock.advance(distance)
    }
    irregular.body.write(':\n\n:\n\n:\n\n')
    await irregular.clock.advance(day)
    expect(irregular.waits).toEqual([])
    const once = await reading()
    once.body.write(': ok\n\n')
    await once.clock.advance(day)
    expect(once.waits).toEqual([])
  })

  it('end no stream that could not be resumed', async () => {
    const { body, clock, client } = await reading({ method: 'POST' })
    for (let n = 0; n < 4; n += 1) {
      body.write(':\n\n')
      await clock.advance(6_000)
    }
    await clock.advance(day)
    expect(client.state).toBe('open')
  })

  it('that stay away where the server has nothing to say are believed three times at most', async () => {
    const clock = new VirtualClock()
    let requests = 0
    const fetch = async (): Promise<Response> => {
      requests += 1
      const body = heldBody()
      for (const at of [0, 6_000, 12_000, 18_000]) clock.setTimeout(() => body.write(':\n\n'), at)
      return eventStream(body.stream)
    }
    read(url, { fetch, clock, random: () => 0 })
    await clock.advance(day)
    expect(requests).toBe(4)
  })

  it('say nothing where the server has real heartbeats', async () => {
    const { body, clock, waits } = await reading()
    body.write(opening('k-0', 15_000))
    for (let n = 0; n < 10; n += 1) {
      body.write(':\n\n')
      await clock.advance(1_000)
    }
    await clock.advance(36_499)
    expect(waits).toEqual([])
  })
})

describe('sleep', () => {
  it('is noticed at the first tick after it by the clock that jumped, and the connection is made anew at once', async () => {
    const { clock, waits, requests, body } = await reading()
    body.write('id: 7\ndata: 1\n\n')
    await clock.advance(20_000)
    clock.sleep(3_600_000)
    await clock.advance(15_000)
    expect(waits.map(({ drop, delay }) => [drop, delay])).toEqual([[{ reason: 'sleep' }, 0]])
    expect(requests.map(({ headers }) => headers.get('last-event-id'))).toEqual([null, '7'])
    expect(body.cancelled).toBe(true)
  })

  it('is anything above 75 seconds', async () => {
    const { clock, waits } = await reading()
    clock.sleep(75_001)
    await clock.advance(15_000)
    expect(waits.map(({ drop }) => drop?.reason)).toEqual(['sleep'])
  })

  it('is not what a timer in a hidden tab does, which may be late by a minute', async () => {
    const { clock, waits } = await reading()
    for (let n = 0; n < 10; n += 1) {
      clock.sleep(60_000)
      await clock.advance(15_000)
    }
    expect(waits).toEqual([])
  })

  it('that is short counts as silence where heartbeats are known', async () => {
    const { body, clock, waits } = await reading()
    body.write(opening('k-0', 15_000))
    await settle()
    clock.sleep(50_000)
    await clock.advance(15_000)
    expect(waits.map(({ drop }) => drop?.reason)).toEqual(['silence'])
  })

  it.each([0, 15_000])('ends no stream that could not be resumed, with heartbeats every %i ms', async (interval) => {
    const { client, clock, body } = await reading({ method: 'POST', events: ticks })
    body.write(opening('k-0', interval))
    await settle()
    clock.sleep(day)
    await clock.advance(37_000)
    body.write(done(1))
    expect(await client.done).toMatchObject({ id: 'k-1' })
  })

  it('is not taken from a clock that was set back', async () => {
    const { body, clock, waits } = await reading()
    body.write(opening('k-0', 15_000))
    await clock.advance(10_000)
    clock.sleep(-3_600_000)
    await clock.advance(37_499)
    expect(waits).toEqual([])
    await clock.advance(15_000)
    expect(waits.map(({ drop }) => drop?.reason)).toEqual(['silence'])
  })
})
