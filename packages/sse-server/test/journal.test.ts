import { describe, expect, it } from 'vitest'
import { journal, MemoryEventLog } from '../src/index.js'
import { createSse, httpHost, logged, Reader } from './harness.js'

const tick = (n: number, internal?: unknown) => ({ type: 'tick', data: { n }, internal }) as const

describe('several events that are published together', () => {
  it('take their places one after the other, and give the id of the last one', async () => {
    const stream = await createSse().open('s')
    expect(await stream.publishAll([tick(1), tick(2), tick(3)])).toBe(`${stream.epoch}-3`)
    expect((await stream.entries()).map(({ id }) => id)).toEqual([1, 2, 3].map((n) => `${stream.epoch}-${n}`))
    expect(stream.head).toBe(`${stream.epoch}-3`)
  })

  it('are nothing where there are none', async () => {
    const stream = await createSse().open('s')
    await stream.publish('tick', { n: 1 })
    expect(await stream.publishAll([])).toBe(`${stream.epoch}-1`)
    expect(await stream.entries()).toHaveLength(1)
  })

  it.each([
    ['of a type that is not in the contract', { type: 'tock', data: {} }, 'unknown_type'],
    ['with a reserved type', { type: 'heartbeat', data: {} }, 'reserved_type'],
    ['that is too large', { type: 'tick', data: { n: 1, text: 'x'.repeat(70_000) } }, 'payload_too_large'],
    ['without a JSON text', { type: 'tick', data: { n: 1n } }, 'unserialisable_data'],
  ])('are refused together where one is %s', async (_, event, code) => {
    const stream = await createSse().open('s')
    await expect(stream.publishAll([tick(1), event as never, tick(2)])).rejects.toMatchObject({ code })
    expect(await stream.entries()).toEqual([])
    expect(await stream.publish('tick', { n: 1 })).toBe(`${stream.epoch}-1`)
  })

  it('end the stream where the last one is terminal', async () => {
    const stream = await createSse().open('s')
    await stream.publishAll([tick(1), { type: 'done', data: { total: 1 } }])
    expect(stream.ended).toBe(true)
    await expect(stream.publishAll([tick(2)])).rejects.toMatchObject({ code: 'stream_ended' })
  })

  it('are refused together where one would follow the end', async () => {
    const stream = await createSse().open('s')
    const events = [{ type: 'done', data: { total: 1 } } as const, tick(1)]
    await expect(stream.publishAll(events)).rejects.toMatchObject({ code: 'stream_ended' })
    expect([stream.ended, await stream.entries()]).toEqual([false, []])
  })
})

describe('the entries of a stream', () => {
  it('hold what was stored beside the events, of every producer', async () => {
    const sse = createSse()
    await (await sse.open('s')).publish('tick', { n: 1 }, { internal: { plan: ['a'] } })
    const stream = await sse.open('s')
    await stream.publish('tick', { n: 2 })
    expect(await stream.entries()).toEqual([
      { id: `${stream.epoch}-1`, type: 'tick', data: { n: 1 }, internal: { plan: ['a'] } },
      { id: `${stream.epoch}-2`, type: 'tick', data: { n: 2 } },
    ])
  })

  it('are all there where they take several pages', async () => {
    const stream = await createSse({ log: new MemoryEventLog({ maxEvents: 30_000 }) }).open('s')
    await stream.publishAll(Array.from({ length: 25_000 }, (_, n) => tick(n)))
    const entries = await stream.entries()
    expect(entries.map(({ data }) => (data as { n: number }).n)).toEqual(Array.from({ length: 25_000 }, (_, n) => n))
  })

  it('are refused where the log has dropped some: who resumes from a part would do things again', async () => {
    const stream = await createSse({ log: new MemoryEventLog({ maxEvents: 2 }) }).open('s')
    for (const n of [1, 2, 3]) await stream.publish('tick', { n })
    await expect(stream.entries()).rejects.toMatchObject({ code: 'incomplete', streamId: 's' })
  })

  it('are refused where the log does not hold the stream any more', async () => {
    const log = new MemoryEventLog()
    const stream = await createSse({ log }).open('s')
    log.delete('s')
    await expect(stream.entries()).rejects.toMatchObject({ code: 'unknown_stream' })
  })
})

describe('a stream as a journal', () => {
  it('has appended when the log holds the events, in one piece', async () => {
    const stream = await createSse().open('s')
    await journal(stream as never).append([tick(1, { whole: true }), { type: 'done', data: { total: 1 } }])
    expect((await stream.entries()).map(({ type, internal }) => [type, internal])).toEqual([
      ['tick', { whole: true }],
      ['done', undefined],
    ])
    expect(stream.ended).toBe(true)
  })

  it('rejects, with nothing appended, where the stream refuses an event', async () => {
    const stream = await createSse().open('s')
    const appended = journal(stream as never).append([tick(1), { type: 'tock', data: {} }])
    await expect(appended).rejects.toMatchObject({ code: 'unknown_type' })
    expect(await stream.entries()).toEqual([])
  })

  it('shows no reader what is internal', async () => {
    const sse = createSse()
    const stream = await sse.open('s')
    await journal(stream as never).append([
      tick(1, { secret: 'plan' }),
      { type: 'done', data: { total: 1 }, internal: 'secret' },
    ])
    const host = await httpHost(sse)
    const events = await new Reader(await host.ask('s')).rest()
    expect(logged(events).map(({ data }) => data)).toEqual([{ n: 1 }, { total: 1 }])
    expect(await (await host.ask('s', { headers: { Accept: 'application/json' } })).text()).not.toContain('secret')
  })
})
