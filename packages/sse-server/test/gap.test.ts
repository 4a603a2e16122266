import { describe, expect, it } from 'vitest'
import { MemoryEventLog, type MemoryEventLogOptions } from '../src/index.js'
import { createSse, type Host, isTick, isType, logged, Reader } from './harness.js'
import { everyHost } from './hosts.js'

describe.each(everyHost)('over %s', (_name, createHost) => {
  async function setUp(options: MemoryEventLogOptions = {}) {
    const log = new MemoryEventLog(options)
    const sse = createSse({ log })
    const host: Host = await createHost(sse)
    return { log, sse, host, stream: await sse.open('s') }
  }

  const gaps = (events: readonly { type: string; data: string }[]): unknown[] =>
    events.filter(({ type }) => type === 'stream:gap').map(({ data }) => JSON.parse(data))

  it('§5.3 a gap is announced before the first event after it, with its reason `evicted`', async () => {
    const { host, sse, stream } = await setUp({ maxEvents: 3 })
    for (let n = 1; n <= 10; n++) await stream.publish('tick', { n })
    const reader = new Reader(await host.ask('s', { headers: { 'Last-Event-ID': `${stream.epoch}-4` } }))
    const events = await reader.until(isTick(10))
    expect(events.map(({ type }) => type)).toEqual(['heartbeat', 'stream:gap', 'tick', 'tick', 'tick'])
    expect(events[1]!.id).toBe(undefined)
    expect(gaps(events)).toEqual([
      {
        requested: `${stream.epoch}-4`,
        oldest: `${stream.epoch}-8`,
        head: `${stream.epoch}-10`,
        missed: 3,
        reason: 'evicted',
      },
    ])
    expect(logged(events)[0]!.id).toBe(`${stream.epoch}-8`)
    expect(sse.metrics().gaps).toBe(1)
    await reader.cancel()
  })

  it('§5.3 without a cursor the missing beginning is a gap with `requested: null`', async () => {
    const { host, stream } = await setUp({ maxEvents: 3 })
    for (let n = 1; n <= 10; n++) await stream.publish('tick', { n })
    const reader = new Reader(await host.ask('s'))
    const events = await reader.until(isTick(10))
    expect(gaps(events)).toMatchObject([{ requested: null, missed: 7, reason: 'evicted' }])
    await reader.cancel()
  })

  it.each([3, 500])(
    '§5.3 a cursor of another epoch, at sequence %d, is a gap with reason `epoch`',
    async (sequence) => {
      const { host, stream } = await setUp({ maxEvents: 4 })
      for (let n = 1; n <= 6; n++) await stream.publish('tick', { n })
      const requested = `zzzzzzzzzz-${sequence}`
      const reader = new Reader(await host.ask('s', { headers: { 'Last-Event-ID': requested } }))
      const events = await reader.until(isTick(6))
      expect(events[0]).toMatchObject({ type: 'heartbeat', id: requested })
      const { epoch } = stream
      expect(gaps(events)).toEqual([
        { requested, oldest: `${epoch}-3`, head: `${epoch}-6`, missed: null, reason: 'epoch' },
      ])
      expect(logged(events).map(({ id }) => id)).toEqual([3, 4, 5, 6].map((n) => `${epoch}-${n}`))
      await reader.cancel()
    },
  )

  it('§5.3 a cursor beyond the head is a gap with reason `ahead`, and the stream goes on at the oldest', async () => {
    const { host, stream } = await setUp()
    for (let n = 1; n <= 2; n++) await stream.publish('tick', { n })
    const reader = new Reader(await host.ask('s', { headers: { 'Last-Event-ID': `${stream.epoch}-3` } }))
    const events = await reader.until(isTick(2))
    expect(gaps(events)).toMatchObject([{ oldest: `${stream.epoch}-1`, missed: null, reason: 'ahead' }])
    expect(logged(events)).toHaveLength(2)
    await reader.cancel()
  })

  it('§5.3 a gap of an empty stream is announced before anything is published', async () => {
    const { host, stream } = await setUp()
    const reader = new Reader(await host.ask('s', { headers: { 'Last-Event-ID': 'zzzzzzzzzz-5' } }))
    const events = await reader.until(isType('stream:gap'))
    expect(gaps(events)).toMatchObject([{ oldest: `${stream.epoch}-1`, head: `${stream.epoch}-0`, reason: 'epoch' }])
    await stream.end('done', { total: 0 })
    expect(logged(await reader.rest())).toHaveLength(1)
  })

  it('§5.4 a gap that opens while a slow reader is connected is announced in its place', async () => {
    const { host, sse, stream } = await setUp({ maxEvents: 20 })
    const reader = new Reader(await host.ask('s'))
    await reader.until(isType('heartbeat'))
    // Far more than the socket's buffers and the log hold together, while nobody reads.
    const text = 'x'.repeat(60_000)
    for (let n = 1; n <= 400; n++) {
      await stream.publish('tick', { n, text })
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await stream.end('done', { total: 400 })
    const events = await reader.rest()
    let last = 0
    let missed = 0
    for (const event of events.slice(1)) {
      if (event.type === 'stream:gap') {
        const gap = JSON.parse(event.data)
        expect(gap).toMatchObject({ requested: `${stream.epoch}-${last}`, reason: 'evicted' })
        expect(gap.oldest).toBe(`${stream.epoch}-${last + gap.missed + 1}`)
        missed += gap.missed
        last += gap.missed
      } else {
        expect(event.id).toBe(`${stream.epoch}-${last + 1}`)
        last += 1
      }
    }
    expect(last).toBe(401)
    expect(missed).toBeGreaterThan(100)
    expect(events.at(-1)!.type).toBe('done')
    expect(sse.metrics().gaps).toBeGreaterThan(0)
  })

  it('a stream that the log drops ends its responses, which is a drop to their readers', async () => {
    const { host, log, sse } = await setUp()
    const reader = new Reader(await host.ask('s'))
    await reader.until(isType('heartbeat'))
    log.delete('s')
    expect(logged(await reader.rest())).toEqual([])
    expect(sse.metrics().closed.dropped).toBe(1)
  })
})
