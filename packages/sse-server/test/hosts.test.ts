import { afterEach, describe, expect, it, vi } from 'vitest'
import { createSse, eventually, isTick, isType, logged, Reader } from './harness.js'
import { everyHost } from './hosts.js'

afterEach(() => {
  vi.restoreAllMocks()
})

const json = { Accept: 'application/json' }
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe.each(everyHost)('over %s', (_name, createHost) => {
  it('each event arrives before the next one is published', async () => {
    const sse = createSse()
    const stream = await sse.open('s')
    const reader = new Reader(await (await createHost(sse)).ask('s'))
    await reader.until(isType('heartbeat'))
    for (let n = 0; n < 50; n++) {
      await stream.publish('tick', { n })
      await reader.until(isTick(n))
    }
    await stream.end('done', { total: 50 })
    expect(logged(await reader.rest())).toHaveLength(51)
  })

  it('a reader that comes back where it was cut, while events are published, has the log', async () => {
    const sse = createSse()
    const stream = await sse.open('s')
    const host = await createHost(sse)
    const ids: string[] = []
    let cursor = ''
    for (let n = 0; n < 20; n++) {
      const reader = new Reader(await host.ask('s', { headers: { 'Last-Event-ID': cursor } }))
      await Promise.all([0, 1, 2].map((part) => stream.publish('tick', { n: 3 * n + part })))
      ids.push(...logged(await reader.until(isTick(3 * n + 1))).map(({ id }) => id))
      cursor = reader.parser.lastEventId
      await reader.cancel()
    }
    await stream.end('done', { total: 60 })
    const rest = await new Reader(await host.ask('s', { headers: { 'Last-Event-ID': cursor } })).rest()
    ids.push(...logged(rest).map(({ id }) => id))
    expect(ids).toEqual(Array.from({ length: 61 }, (_, n) => `${stream.epoch}-${n + 1}`))
    await eventually(() => sse.metrics().connections === 0)
  })

  it.each([
    ['an event stream', {}],
    ['a long poll', { ...json, Prefer: 'wait=30' }],
  ])('the place of %s whose client leaves is free, and nobody complains of it', async (_kind, headers) => {
    const complaints: unknown[] = []
    for (const method of ['error', 'warn', 'info'] as const) {
      vi.spyOn(console, method).mockImplementation((...told) => {
        complaints.push(told)
      })
    }
    const sse = createSse()
    sse.addEventListener('error', ({ error }) => {
      complaints.push(error)
    })
    const stream = await sse.open('s')
    const host = await createHost(sse)
    const abort = new AbortController()
    const answer = host.ask('s', { headers, signal: abort.signal }).then((response) => response.text())
    await eventually(() => sse.metrics().connections === 1)
    abort.abort()
    // `fetch` answers a long poll also where nobody is there to take it.
    await answer.catch(() => {})
    await eventually(() => sse.metrics().connections === 0)
    expect(stream.signal.aborted).toBe(false)
    for (let n = 0; n < 10; n++) await turn()
    expect(complaints).toEqual([])
  })

  it('a reader that takes nothing for a while loses nothing that the log still holds', async () => {
    const sse = createSse()
    const stream = await sse.open('s')
    const host = await createHost(sse)
    const stalled = new Reader(await host.ask('s'))
    const fast = new Reader(await host.ask('s'))
    await stalled.until(isType('heartbeat'))
    await fast.until(isType('heartbeat'))
    const text = 'x'.repeat(60_000)
    for (let n = 0; n < 100; n++) {
      await stream.publish('tick', { n, text })
      await fast.until(isTick(n))
    }
    await stream.end('done', { total: 100 })
    expect(logged(await fast.rest())).toHaveLength(101)
    expect(logged(await stalled.rest()).map(({ id }) => id)).toEqual(
      Array.from({ length: 101 }, (_, n) => `${stream.epoch}-${n + 1}`),
    )
    expect(sse.metrics().gaps).toBe(0)
  })

  it('`close` ends the responses, and the host itself can be closed', async () => {
    const sse = createSse()
    await sse.open('s')
    const host = await createHost(sse)
    const reader = new Reader(await host.ask('s'))
    await reader.until(isType('heartbeat'))
    await sse.close()
    expect(logged(await reader.rest())).toEqual([])
    expect((await host.ask('s')).status).toBe(503)
    expect(sse.metrics()).toMatchObject({ connections: 0, closed: { closing: 1 } })
  })
})
