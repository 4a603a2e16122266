import { expect, it, onTestFinished } from 'vitest'
import { type Append, type Appended, MemoryEventLog } from '../../src/index.js'
import { createSse, httpHost, isTick, isType, logged, Reader } from '../harness.js'
import { turn } from './harness.js'

/** A log whose appends are committed when the test says so. */
class HeldLog extends MemoryEventLog {
  readonly held: (() => void)[] = []
  isHolding = true

  override append(streamId: string, append: Append): Appended {
    if (!this.isHolding) return super.append(streamId, append)
    // The type of the memory log is narrower than that of the interface, which allows a promise.
    return new Promise<Appended>((resolve) => {
      this.held.push(() => resolve(super.append(streamId, append)))
    }) as unknown as Appended
  }
}

it('an event is seen, and its publish resolves, only once the log holds it, also where readers come and look', async () => {
  const log = new HeldLog()
  onTestFinished(() => log.close())
  const sse = createSse({ log })
  const stream = await sse.open('s')
  const host = await httpHost(sse)
  const live = new Reader(await host.ask('s'))
  await live.until(isType('heartbeat'))
  let isPublished = false
  const published = stream.publish('tick', { n: 1 }).then((id) => {
    isPublished = true
    return id
  })
  const late = new Reader(await host.ask('s'))
  await late.until(isType('heartbeat'))
  for (let count = 0; count < 20; count++) await turn()
  const page = await (await host.ask('s', { headers: { Accept: 'application/json' } })).json()
  expect([isPublished, logged(live.events), logged(late.events), page.events]).toEqual([false, [], [], []])
  expect(page.lastEventId).toBe(`${stream.epoch}-0`)
  log.held[0]!()
  expect(await published).toBe(`${stream.epoch}-1`)
  await Promise.all([live.until(isTick(1)), late.until(isTick(1))])
  await Promise.all([live.cancel(), late.cancel()])
})

it('after a restart that lost the log no id is used again, and readers of the life before are told', async () => {
  const ids = new Set<string>()
  let cursor: string | undefined
  for (let life = 0; life < 5; life++) {
    const log = new MemoryEventLog()
    onTestFinished(() => log.close())
    const sse = createSse({ log })
    const host = await httpHost(sse)
    const headers: Record<string, string> = cursor === undefined ? {} : { 'Last-Event-ID': cursor }
    expect((await host.ask('s', { headers })).status).toBe(404)
    const stream = await sse.open('s')
    for (let n = 0; n < 10; n++) ids.add(await stream.publish('tick', { n }))
    ids.add(await stream.end('done', { total: 10 }))
    const events = await new Reader(await host.ask('s', { headers })).rest()
    const gaps = events.filter(isType('stream:gap')).map(({ data }) => JSON.parse(data))
    expect(gaps).toMatchObject(cursor === undefined ? [] : [{ requested: cursor, reason: 'epoch' }])
    expect(logged(events)).toHaveLength(11)
    cursor = `${stream.epoch}-5`
  }
  expect(ids.size).toBe(55)
})
