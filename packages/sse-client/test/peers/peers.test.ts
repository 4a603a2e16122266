import { describe, expect, it } from 'vitest'
import { read } from '../reading.js'
import { VirtualClock } from '../virtual-clock.js'
import { Feed, type FeedEvent } from './feed.js'
import { peers } from './peers.js'
import { listen, startWire } from './wire.js'

const retry = { initial: 1, max: 2, budget: Infinity }
const types = ['tick', 'note', 'agent:chunk', 'message'] as const

/** Events from one number to another, of all types in turn. */
const events = (from: number, to: number): FeedEvent[] =>
  Array.from({ length: to - from + 1 }, (_, index) => {
    const n = from + index
    return { type: types[n % types.length]!, data: { n, text: `line 1\nline 2, ünïcode 🙂 ${n}` }, id: `event ${n}` }
  })

describe.each(peers)('against $name', ({ create, headers }) => {
  async function start(keepAlive?: number) {
    const feed = new Feed()
    return { feed, ...(await listen(await create(feed, keepAlive))) }
  }

  it('events of several types arrive once and in order, by listener and by for await, and 204 is the end', async () => {
    const { feed, url, requests } = await start()
    const listening = read<Record<string, unknown>>(url, { retry })
    const heard: FeedEvent[] = []
    for (const type of types)
      listening.client.addEventListener(type, ({ data, id }) => void heard.push({ type, data, id }))
    const { client } = read(url, { retry, autoOpen: false })
    const looped: FeedEvent[] = []
    const loop = (async () => {
      for await (const event of client) looped.push(event)
    })()
    feed.publish(...events(1, 30))
    await listening.reach('open')
    feed.publish(...events(31, 60))
    feed.end()
    const all = events(1, 60)
    expect(await listening.client.done).toEqual(all[59])
    await loop
    expect(await client.done).toEqual(all[59])
    expect(listening.events).toEqual(all)
    expect(heard).toEqual(all)
    expect(looped).toEqual(all)
    expect(listening.log.filter((line) => line.startsWith('gap'))).toEqual([])
    // Two readers, each with a request for the stream and one that is told of the end.
    expect(requests.map(({ headers }) => headers['last-event-id']).sort()).toEqual([
      'event 60',
      'event 60',
      undefined,
      undefined,
    ])
  })

  it('a connection that is cut is resumed after the last event, and what came meanwhile is not missed', async () => {
    const { feed, url, requests, cut } = await start()
    const { client, events: seen, waits, next } = read(url, { retry })
    feed.publish(...events(1, 20))
    while (seen.length < 20) await next('*')
    cut()
    feed.publish(...events(21, 40))
    while (seen.length < 40) await next('*')
    feed.publish(...events(41, 45))
    while (seen.length < 45) await next('*')
    cut()
    feed.end()
    await client.done
    expect(seen).toEqual(events(1, 45))
    expect(requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'event 20', 'event 45'])
    expect(waits.map(({ drop }) => drop?.reason)).toEqual(['network', 'network'])
  })

  it('every event arrives once wherever the connection is cut, between lines and in the middle of a character', async () => {
    const { feed, port } = await start()
    // Each connection brings a little more than its headers, and ends at another place.
    const wire = await startWire({ port, host: '127.0.0.1' }, (count) => 400 + 29 * count)
    feed.publish(...events(1, 40))
    feed.end()
    const { client, events: seen, waits } = read(wire.url, { retry })
    expect(await client.done).toEqual(events(40, 40)[0])
    expect(seen).toEqual(events(1, 40))
    expect(waits.length).toBeGreaterThan(10)
  })

  it('ids that look like those of the protocol are only ids: no order is asked of them, and no event is a duplicate', async () => {
    const { feed, url, requests, cut } = await start()
    const ids = ['17-3', '17-7', '17-2', '18-1', '17-3', '0-0', 'ümlaut-1']
    const list = ids.map((id, n) => ({ type: 'tick', data: n, id }))
    const { client, events: seen, log, next } = read(url, { retry })
    feed.publish(...list)
    while (seen.length < ids.length) await next('*')
    cut()
    feed.end()
    await client.done
    expect(seen).toEqual(list)
    expect(log.filter((line) => line.startsWith('gap'))).toEqual([])
    expect(Buffer.from(String(requests[1]!.headers['last-event-id']), 'latin1').toString()).toBe('ümlaut-1')
  })

  it('a server with nothing to say yet is waited for: where it keeps its headers back, up to connectTimeout', async () => {
    const { feed, url, requests } = await start()
    const clock = new VirtualClock()
    const patient = read(url, { clock, retry, connectTimeout: false })
    const hasty = read(url, { clock, retry })
    while (requests.length < 2) await new Promise((resolve) => setImmediate(resolve))
    if (headers === 'at once') await Promise.all([patient.reach('open'), hasty.reach('open')])
    await clock.advance(29_000)
    expect(requests).toHaveLength(2)
    await clock.advance(2_000)
    expect(patient.waits).toEqual([])
    expect(hasty.waits.map(({ drop }) => drop?.reason)).toEqual(headers === 'at once' ? [] : ['timeout'])
    feed.publish(...events(1, 5))
    for (const { events: seen, next } of [patient, hasty]) while (seen.length < 5) await next('*')
    expect([patient.events, hasty.events]).toEqual([events(1, 5), events(1, 5)])
  })

  it('an event that the application calls heartbeat does not size the watchdog: its interval may be in seconds', async () => {
    const { feed, url } = await start()
    const clock = new VirtualClock()
    const { waits, events: seen, next } = read(url, { clock, retry })
    feed.publish({ type: 'heartbeat', data: { interval: 30 }, id: 'event 0' }, ...events(1, 1))
    while (!seen.some(({ id }) => id === 'event 1')) await next('*')
    await clock.advance(60_000)
    expect(waits).toEqual([])
  })

  describe('that sends comments to keep connections alive', () => {
    /** A reader for whom each piece of the answer comes so many milliseconds after the one before, until `hold` is called. */
    function reading(url: string, distance: number) {
      const clock = new VirtualClock()
      let pieces = 0
      let isHeld = false
      let onPiece = (): void => {}
      const fetch = async (address: string, init: RequestInit): Promise<Response> => {
        const response = await globalThis.fetch(address, init)
        const slow = new TransformStream<Uint8Array, Uint8Array>({
          async transform(piece, controller) {
            if (isHeld) return
            await clock.advance(distance)
            controller.enqueue(piece)
            pieces += 1
            onPiece()
          },
        })
        return new Response(response.body!.pipeThrough(slow), response)
      }
      const passed = async (count: number): Promise<void> => {
        while (pieces < count) {
          await new Promise<void>((resolve) => {
            onPiece = resolve
          })
        }
      }
      const hold = (): void => {
        isHeld = true
      }
      return { ...read(url, { fetch, clock, retry }), clock, passed, hold }
    }

    it('a connection with nothing but comments stays open, and is dead once they stay away', async () => {
      const { feed, url } = await start(2)
      feed.publish(...events(1, 1))
      const { passed, hold, clock, states, waits, events: seen } = reading(url, 10_000)
      await passed(30)
      hold()
      await clock.advance(24_000)
      expect(states).toEqual(['connecting', 'open'])
      expect(seen).toEqual(events(1, 1))
      await clock.advance(2_000)
      expect(waits.map(({ drop }) => drop?.reason)).toEqual(['silence'])
    })

    it('comments in quick succession are no rhythm: silence after them is no alarm', async () => {
      const { feed, url } = await start(2)
      feed.publish(...events(1, 1))
      const { passed, hold, clock, states } = reading(url, 100)
      await passed(30)
      hold()
      await clock.advance(3_600_000)
      expect(states).toEqual(['connecting', 'open'])
    })
  })
})
