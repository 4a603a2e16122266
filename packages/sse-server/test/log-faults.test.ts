import { afterEach, expect, it, vi } from 'vitest'
import {
  type Append,
  type Appended,
  type EventLog,
  type LogPage,
  MemoryEventLog,
  type OpenedStream,
  type ReadLimits,
} from '../src/index.js'
import { createSse, eventually, fetchHost, isTick, isType, logged, Reader } from './harness.js'

afterEach(() => {
  vi.useRealTimers()
})

/** A log that answers late, by promises, and whose wake-ups go wrong as told. */
class RemoteLog implements EventLog {
  readonly memory = new MemoryEventLog()
  readonly appends: number[] = []
  wakeUps: 'right' | 'lost' | 'spurious' = 'right'
  failReads = false
  failAppends = false

  async open(streamId: string): Promise<OpenedStream> {
    await this.#travel()
    return this.memory.open(streamId)
  }

  async append(streamId: string, append: Append): Promise<Appended> {
    await this.#travel()
    if (this.failAppends) throw new Error('connection lost')
    this.appends.push(append.entries.length)
    return this.memory.append(streamId, append)
  }

  async read(streamId: string, after: number, limits: ReadLimits): Promise<LogPage | undefined> {
    await this.#travel()
    if (this.failReads) throw new Error('connection lost')
    const page = this.memory.read(streamId, after, limits)
    // What happens on the way back is not in the page.
    for (let turn = 0; turn < 3; turn++) await this.#travel()
    return page
  }

  subscribe(streamId: string, wake: () => void): () => void {
    const leave = this.memory.subscribe(streamId, () => {
      if (this.wakeUps !== 'lost') wake()
    })
    if (this.wakeUps !== 'spurious') return leave
    const timer = setInterval(wake, 0)
    return () => {
      clearInterval(timer)
      leave()
    }
  }

  async trim(streamId: string, oldest: number): Promise<void> {
    this.memory.trim(streamId, oldest)
  }

  async delete(streamId: string): Promise<boolean> {
    return this.memory.delete(streamId)
  }

  async #travel(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

it.each(['right', 'spurious'] as const)(
  'over a log that answers late, with wake-ups that are %s, nothing is lost',
  async (wakeUps) => {
    const log = new RemoteLog()
    log.wakeUps = wakeUps
    const sse = createSse({ log })
    const stream = await sse.open('s')
    const reader = new Reader(await (await fetchHost(sse)).ask('s'))
    const published: Promise<string>[] = []
    for (let n = 0; n < 200; n++) {
      published.push(stream.publish('tick', { n }))
      if (n % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    const ids = [...(await Promise.all(published)), await stream.end('done', { total: 200 })]
    expect(logged(await reader.rest()).map(({ id }) => id)).toEqual(ids)
  },
)

it('what is published while an append is under way goes together into the next one', async () => {
  const log = new RemoteLog()
  const stream = await createSse({ log }).open('s')
  const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => stream.publish('tick', { n })))
  expect(log.appends).toEqual([1, 19])
  expect(ids).toEqual(Array.from({ length: 20 }, (_, n) => `${stream.epoch}-${n + 1}`))
})

it('a lost wake-up delays an event until the next heartbeat, and no longer', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const log = new RemoteLog()
  log.wakeUps = 'lost'
  const sse = createSse({ log, heartbeatInterval: 15_000 })
  const stream = await sse.open('s')
  const reader = new Reader(await (await fetchHost(sse)).ask('s'))
  await reader.until(isType('heartbeat'))
  await stream.publish('tick', { n: 1 })
  await vi.advanceTimersByTimeAsync(15_000)
  await reader.until(isTick(1))
  await reader.cancel()
})

it('a lost wake-up does not keep a long poll from its answer at the end of its time', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const log = new RemoteLog()
  log.wakeUps = 'lost'
  const sse = createSse({ log })
  const stream = await sse.open('s')
  const host = await fetchHost(sse)
  const answer = host.ask('s', { headers: { Accept: 'application/json', Prefer: 'wait=10' } })
  await eventually(() => sse.metrics().connections === 1)
  const id = await stream.publish('tick', { n: 1 })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await (await answer).json()).toMatchObject({ lastEventId: id })
})

it('a log that cannot be read is a 500 before the first byte, and cuts the connection after it', async () => {
  const log = new RemoteLog()
  const sse = createSse({ log })
  const errors: unknown[] = []
  sse.addEventListener('error', ({ error, streamId }) => {
    errors.push([(error as Error).message, streamId])
  })
  const stream = await sse.open('s')
  const host = await fetchHost(sse)
  const reader = new Reader(await host.ask('s'))
  await reader.until(isType('heartbeat'))
  log.failReads = true
  const refused = await host.ask('s')
  expect([refused.status, await refused.text()]).toEqual([500, expect.not.stringContaining('connection lost')])
  await stream.publish('tick', { n: 1 })
  await expect(reader.rest()).rejects.toThrow()
  expect(sse.metrics()).toMatchObject({ connections: 0, closed: { log_error: 1 } })
  expect(errors).toEqual([
    ['connection lost', 's'],
    ['connection lost', 's'],
  ])
})

it('an append that fails rejects its publish alone; a terminal event that failed can be sent again', async () => {
  const log = new RemoteLog()
  const stream = await createSse({ log }).open('s')
  log.failAppends = true
  await expect(stream.publish('tick', { n: 1 })).rejects.toThrow('connection lost')
  await expect(stream.end('done', { total: 1 })).rejects.toThrow('connection lost')
  log.failAppends = false
  expect(await stream.publish('tick', { n: 2 })).toBe(`${stream.epoch}-1`)
  expect(await stream.end('done', { total: 1 })).toBe(`${stream.epoch}-2`)
})

it('failure events that cannot be appended are an error event, not an unhandled rejection', async () => {
  const log = new RemoteLog()
  const sse = createSse({ log, grace: 0 })
  const errors: unknown[] = []
  sse.addEventListener('error', ({ error }) => {
    errors.push(error)
  })
  await sse.open('s')
  log.failAppends = true
  await sse.cancel('s')
  await eventually(() => errors.length === 1)
})

it('what is committed while a read is under way is read next', async () => {
  const log = new RemoteLog()
  const sse = createSse({ log })
  await sse.open('s')
  const reader = new Reader(await (await fetchHost(sse)).ask('s'))
  await reader.until(isType('heartbeat'))
  // Straight into the store, two events some turns apart: for one distance the second falls into the read of the first.
  const { fence } = log.memory.open('s')
  for (let n = 1; n <= 12; n++) {
    log.memory.append('s', { fence, producerNumber: n, entries: [{ type: 'tick', data: `{"n":${n}}`, bytes: 7 }] })
    if (n % 2 === 0) await reader.until(isTick(n))
    else for (let turns = 0; turns < n / 2; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
  await reader.cancel()
})
