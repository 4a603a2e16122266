import { afterEach, expect, it, vi } from 'vitest'
import { MemoryEventLog } from '../src/index.js'
import { type FaultyLog, faultyLog, type LogFaults } from '../src/testing/index.js'
import { createSse, eventually, fetchHost, isTick, isType, logged, Reader } from './harness.js'

afterEach(() => {
  vi.useRealTimers()
})

/** A log that answers late, by promises. */
const remote: LogFaults = { writeTurns: 2, readTurns: 4 }
const remoteLog = (faults: LogFaults = {}): FaultyLog => faultyLog(new MemoryEventLog(), { ...remote, ...faults })

it.each([{}, { spuriousWakes: 0.8 }, { lateWakes: 1 }, { doubledWakes: 1 }])(
  'over a log that answers late, with wake-ups like %j, nothing is lost',
  async (faults) => {
    const log = remoteLog(faults)
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
  const memory = new MemoryEventLog()
  const appends = vi.spyOn(memory, 'append')
  const stream = await createSse({ log: faultyLog(memory, remote) }).open('s')
  const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => stream.publish('tick', { n })))
  expect(appends.mock.calls.map(([, { entries }]) => entries.length)).toEqual([1, 19])
  expect(ids).toEqual(Array.from({ length: 20 }, (_, n) => `${stream.epoch}-${n + 1}`))
})

it('a lost wake-up delays an event until the next heartbeat, and no longer', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const log = remoteLog({ lostWakes: 1 })
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
  const log = remoteLog({ lostWakes: 1 })
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
  const log = remoteLog()
  const sse = createSse({ log })
  const errors: unknown[] = []
  sse.addEventListener('error', ({ error, streamId }) => {
    errors.push([(error as Error).message, streamId])
  })
  const stream = await sse.open('s')
  const host = await fetchHost(sse)
  const reader = new Reader(await host.ask('s'))
  await reader.until(isType('heartbeat'))
  log.faults = { ...remote, failedReads: 1 }
  const refused = await host.ask('s')
  expect([refused.status, await refused.text()]).toEqual([
    500,
    expect.not.stringContaining('failed, as it was told to'),
  ])
  await stream.publish('tick', { n: 1 })
  await expect(reader.rest()).rejects.toThrow()
  expect(sse.metrics()).toMatchObject({ connections: 0, closed: { log_error: 1 } })
  expect(errors).toEqual([
    [expect.stringContaining('failed, as it was told to'), 's'],
    [expect.stringContaining('failed, as it was told to'), 's'],
  ])
})

it('an append that fails rejects its publish alone; a terminal event that failed can be sent again', async () => {
  const log = remoteLog()
  const stream = await createSse({ log }).open('s')
  log.faults = { ...remote, failedAppends: 1 }
  await expect(stream.publish('tick', { n: 1 })).rejects.toThrow('failed, as it was told to')
  await expect(stream.end('done', { total: 1 })).rejects.toThrow('failed, as it was told to')
  log.faults = remote
  expect(await stream.publish('tick', { n: 2 })).toBe(`${stream.epoch}-1`)
  expect(await stream.end('done', { total: 1 })).toBe(`${stream.epoch}-2`)
})

it.each([
  ['before the log has it', { failedAppends: 0.5 }],
  ['after', { unansweredAppends: 0.5 }],
])('an append that gets no answer, having failed %s, is made once more and takes one place', async (_, faults) => {
  const log = remoteLog(faults)
  const stream = await createSse({ log }).open('s')
  const kept: number[] = []
  for (let n = 1; n <= 200; n++) {
    // Those that fail twice in a row.
    await stream.publish('tick', { n }).then(
      () => kept.push(n),
      () => undefined,
    )
  }
  expect(kept.length).toBeGreaterThan(120)
  const held = (await stream.entries()).map(({ data }) => (data as { n: number }).n)
  expect(held.filter((n) => kept.includes(n))).toEqual(kept)
  expect(new Set(held).size).toBe(held.length)
})

it('an end whose answers are lost is an end all the same', async () => {
  const log = remoteLog()
  const sse = createSse({ log })
  const stream = await sse.open('s')
  log.faults = { ...remote, unansweredAppends: 1 }
  await expect(stream.end('done', { total: 1 })).rejects.toThrow('failed, as it was told to')
  log.faults = remote
  await expect(stream.end('done', { total: 1 })).rejects.toMatchObject({ code: 'stream_ended' })
  expect([stream.ended, sse.metrics().streams]).toEqual([true, 0])
})

it('a refusal of the log is not asked for again', async () => {
  const memory = new MemoryEventLog({ maxTotalBytes: 4_000 })
  const appends = vi.spyOn(memory, 'append')
  const stream = await createSse({ log: memory }).open('s')
  await expect(stream.publish('tick', { n: 1, text: 'x'.repeat(5_000) })).rejects.toMatchObject({ code: 'log_full' })
  expect(appends).toHaveBeenCalledTimes(1)
})

it('failure events that cannot be appended are an error event, not an unhandled rejection', async () => {
  const log = remoteLog()
  const sse = createSse({ log, grace: 0 })
  const errors: unknown[] = []
  sse.addEventListener('error', ({ error }) => {
    errors.push(error)
  })
  await sse.open('s')
  log.faults = { ...remote, failedAppends: 1 }
  await sse.cancel('s')
  await eventually(() => errors.length === 1)
})

it.each([1, 2, 3, 4])('what is committed while a read is under way is read next (seed %d)', async (seed) => {
  const memory = new MemoryEventLog()
  const sse = createSse({ log: faultyLog(memory, remote, seed) })
  await sse.open('s')
  const reader = new Reader(await (await fetchHost(sse)).ask('s'))
  await reader.until(isType('heartbeat'))
  // Straight into the store, two events some turns apart: for one distance the second falls into the read of the first.
  const { fence } = memory.open('s')
  for (let n = 1; n <= 12; n++) {
    memory.append('s', { fence, producerNumber: n, entries: [{ type: 'tick', data: `{"n":${n}}`, bytes: 7 }] })
    if (n % 2 === 0) await reader.until(isTick(n))
    else for (let turns = 0; turns < n / 2; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
  await reader.cancel()
})
