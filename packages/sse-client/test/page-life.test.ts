import { describe, expect, it, onTestFinished } from 'vitest'
import { answers, done, eventStream, heldBody, opening, read, tick, ticks } from './reading.js'
import { settle, VirtualClock } from './virtual-clock.js'

const url = 'http://127.0.0.1/'

/** Makes a page of this process: a global object that events are dispatched on. */
function page() {
  const target = new EventTarget()
  const added: AddEventListenerOptions[] = []
  const addEventListener = (type: string, listener: EventListener, options: AddEventListenerOptions): void => {
    added.push(options)
    target.addEventListener(type, listener, options)
  }
  Object.assign(globalThis, { addEventListener })
  onTestFinished(() => void Reflect.deleteProperty(globalThis, 'addEventListener'))
  return {
    tell: (type: string, persisted?: boolean) => target.dispatchEvent(Object.assign(new Event(type), { persisted })),
    listeners: () => added.filter(({ signal }) => !signal?.aborted).length,
  }
}

describe('in a page', () => {
  it('a wait ends as soon as the page is online, and an open connection stays', async () => {
    const { tell } = page()
    const clock = new VirtualClock()
    const { fetch, requests } = answers(
      () => Promise.reject(new TypeError('offline')),
      () => eventStream(heldBody().stream),
    )
    const { client, reach } = read(url, { fetch, clock })
    await reach('waiting')
    tell('online')
    await reach('open')
    tell('online')
    await settle()
    expect([client.state, requests.length]).toEqual(['open', 2])
  })

  it('a wait that the server asked for goes on', async () => {
    const { tell } = page()
    const { fetch, requests } = answers(() => new Response(null, { status: 503, headers: { 'retry-after': '60' } }))
    const { reach } = read(url, { fetch, clock: new VirtualClock() })
    await reach('waiting')
    tell('online')
    await settle()
    expect(requests).toHaveLength(1)
  })

  it('the connection closes when the page goes into the back-forward cache, and resumes with the cursor', async () => {
    const { tell } = page()
    const body = heldBody()
    const clock = new VirtualClock()
    const { fetch, requests } = answers(
      () => eventStream(body.stream),
      () => eventStream(opening('k-1') + tick(2) + done(3)),
    )
    const { client, events, waits, next } = read(url, { fetch, clock, events: ticks })
    const looped: string[] = []
    const loop = (async () => {
      for await (const { id } of client) looped.push(id)
    })()
    body.write(opening('k-0') + tick(1))
    await next('tick')
    tell('pagehide', true)
    expect(body.cancelled).toBe(true)
    expect(waits.map(({ drop, delay }) => [drop, delay])).toEqual([[{ reason: 'pagehide' }, Infinity]])
    await clock.advance(24 * 3_600_000)
    expect(requests).toHaveLength(1)
    tell('pageshow', true)
    await client.done
    await loop
    expect(requests[1]?.headers.get('last-event-id')).toBe('k-1')
    expect(events.map(({ id }) => id)).toEqual(['k-1', 'k-2', 'k-3'])
    expect(looped).toEqual(['k-1', 'k-2', 'k-3'])
  })

  it('a page that is left for good, shown for the first time, or hidden, changes nothing', async () => {
    const { tell } = page()
    const { fetch, requests } = answers(() => eventStream(heldBody().stream))
    const { client, reach } = read(url, { fetch })
    await reach('open')
    for (const [type, persisted] of [
      ['pagehide', false],
      ['pageshow', false],
      ['visibilitychange'],
      ['freeze'],
      ['blur'],
    ] as const) {
      tell(type, persisted)
    }
    expect([client.state, requests.length]).toEqual(['open', 1])
  })

  it('a client that is closed or at its end listens to nothing, and one that was closed is not opened by the page', async () => {
    const { tell, listeners } = page()
    const { fetch } = answers(
      () => eventStream(heldBody().stream),
      () => new Response(null, { status: 204 }),
    )
    const { client, reach } = read(url, { fetch })
    expect(listeners()).toBe(0)
    await reach('open')
    expect(listeners()).toBe(3)
    client.close()
    expect(listeners()).toBe(0)
    tell('online')
    tell('pageshow', true)
    expect(client.state).toBe('idle')
    client.open()
    expect(listeners()).toBe(3)
    await client.done
    expect(listeners()).toBe(0)
  })

  it('a POST that could not be resumed keeps its connection in the back-forward cache', async () => {
    const { tell } = page()
    const body = heldBody()
    const { fetch } = answers(() => eventStream(body.stream))
    const { client, reach } = read(url, { fetch, method: 'POST', events: ticks })
    await reach('open')
    tell('pagehide', true)
    tell('pageshow', true)
    body.write(opening('k-0') + done(1))
    expect(await client.done).toMatchObject({ id: 'k-1' })
  })
})
