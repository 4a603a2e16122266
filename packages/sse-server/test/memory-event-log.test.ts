import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { MemoryEventLog, type NewEntry } from '../src/index.js'
import { seeded } from '../src/testing/seeded.js'
import { createSse, fetchHost, isTick, Reader } from './harness.js'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

const entry = (data: string, internal?: string): NewEntry => ({ type: 'tick', data, bytes: data.length, internal })
const everything = { maxEvents: 1_000_000, maxBytes: Number.POSITIVE_INFINITY }

/** Appends one entry after the other with the fence that `open` gives. */
function writer(log: MemoryEventLog, id: string) {
  const { fence } = log.open(id)
  let producerNumber = 0
  return (data: string, end = false) => {
    producerNumber += 1
    return log.append(id, { fence, producerNumber, entries: [entry(data)], end })
  }
}

const kept = (log: MemoryEventLog, id: string): string[] | undefined =>
  log.read(id, 0, everything)?.entries.map(({ data }) => data)

it('a read is bounded by events and by bytes, and gives at least one event', () => {
  const log = new MemoryEventLog()
  const append = writer(log, 's')
  for (let n = 0; n < 10; n++) append('12345')
  const count = (after: number, maxEvents: number, maxBytes: number): number =>
    log.read('s', after, { maxEvents, maxBytes })!.entries.length
  expect(count(0, 3, 1_000)).toBe(3)
  expect(count(0, 100, 15)).toBe(3)
  expect(count(0, 100, 14)).toBe(2)
  expect(count(0, 100, 1)).toBe(1)
  expect(count(0, 0, 1_000)).toBe(0)
  expect(count(8, 100, 1_000)).toBe(2)
  expect(count(10, 100, 1_000)).toBe(0)
  expect(count(99, 100, 1_000)).toBe(0)
  expect(log.read('s', 4, everything)!.entries[0]!.sequence).toBe(5)
  expect(log.read('nobody', 0, everything)).toBe(undefined)
})

it('only the newest events are kept, by count and by bytes', () => {
  const byCount = new MemoryEventLog({ maxEvents: 3 })
  const append = writer(byCount, 's')
  for (let n = 1; n <= 1_000; n++) append(String(n))
  expect(kept(byCount, 's')).toEqual(['998', '999', '1000'])
  expect(byCount.read('s', 0, everything)).toMatchObject({ oldest: 998, head: 1_000 })

  const byBytes = new MemoryEventLog({ maxBytes: 1_000 })
  const write = writer(byBytes, 's')
  for (let n = 0; n < 50; n++) write('x'.repeat(100))
  expect(kept(byBytes, 's')).toHaveLength(4)
  write('y'.repeat(5_000))
  expect(kept(byBytes, 's')).toEqual(['y'.repeat(5_000)])
})

it('a lower fence is refused, and so is that of a stream that was deleted and made again', () => {
  const log = new MemoryEventLog()
  const first = writer(log, 's')
  first('1')
  const second = writer(log, 's')
  expect(() => first('2')).toThrow(expect.objectContaining({ code: 'fenced' }))
  second('2')
  log.delete('s')
  expect(() => second('3')).toThrow(expect.objectContaining({ code: 'unknown_stream' }))
  const { epoch } = log.open('s')
  expect(() => second('3')).toThrow(expect.objectContaining({ code: 'fenced' }))
  expect(log.read('s', 0, everything)).toMatchObject({ epoch, head: 0, oldest: 1, entries: [] })
})

it('a fence is never given out twice, also not after a delete', () => {
  const log = new MemoryEventLog()
  const before = writer(log, 's')
  log.delete('s')
  log.open('s')
  expect(() => before('1')).toThrow(expect.objectContaining({ code: 'fenced' }))
})

it('a repeated producer number takes no second place, also after the end', () => {
  const log = new MemoryEventLog()
  const { fence } = log.open('s')
  const append = (producerNumber: number, ...data: string[]) =>
    log.append('s', { fence, producerNumber, entries: data.map((text) => entry(text)), end: data.includes('end') })
  expect(append(1, 'a', 'b').first).toBe(1)
  expect(append(2, 'c').first).toBe(3)
  expect(append(2, 'c').first).toBe(3)
  expect(append(1, 'a', 'b').first).toBe(1)
  expect(append(5, 'end').first).toBe(4)
  expect(append(5, 'end').first).toBe(4)
  expect(() => append(4, 'never made')).toThrow(expect.objectContaining({ code: 'unknown_append' }))
  expect(() => append(6, 'd')).toThrow(expect.objectContaining({ code: 'stream_ended' }))
  expect(kept(log, 's')).toEqual(['a', 'b', 'c', 'end'])
})

it('a repeated producer number of another fence is another append', () => {
  const log = new MemoryEventLog()
  writer(log, 's')('a')
  expect(writer(log, 's')('b').first).toBe(2)
})

it('an ended stream is kept for `retention` and one that has not ended for ever', async () => {
  const log = new MemoryEventLog({ retention: 60_000 })
  writer(log, 'live')('1')
  writer(log, 'a')('1', true)
  await vi.advanceTimersByTimeAsync(10_000)
  writer(log, 'b')('1', true)
  await vi.advanceTimersByTimeAsync(49_999)
  expect([kept(log, 'a'), kept(log, 'b')]).toEqual([['1'], ['1']])
  await vi.advanceTimersByTimeAsync(1)
  expect([kept(log, 'a'), kept(log, 'b')]).toEqual([undefined, ['1']])
  await vi.advanceTimersByTimeAsync(10_000)
  expect(kept(log, 'b')).toBe(undefined)
  await vi.advanceTimersByTimeAsync(2 ** 32)
  expect(kept(log, 'live')).toEqual(['1'])
  expect(vi.getTimerCount()).toBe(0)
})

it('an event is kept for `maxAge` and dropped at most a twentieth of it later, but never the newest', async () => {
  const maxAge = 60_000
  const log = new MemoryEventLog({ maxAge, retention: Number.POSITIVE_INFINITY })
  const random = seeded(1)
  const streams = ['a', 'b', 'c', 'd'].map((id) => ({ id, append: writer(log, id), times: [] as number[] }))
  for (let step = 0; step < 2_000; step++) {
    const { append, times } = random.pick(streams)
    append('1')
    times.push(performance.now())
    await vi.advanceTimersByTimeAsync(random.below(random.pick([1, 1_000, 1_000, 10_000, 100_000])))
    const now = performance.now()
    for (const { id, times } of streams) {
      const { head, oldest } = log.read(id, 0, everything)!
      expect(head).toBe(times.length)
      const youngest = times.findIndex((time) => now - time < maxAge)
      const mustKeep = youngest === -1 ? head : youngest + 1
      const mayKeep = times.findIndex((time, index) => now - time < maxAge * 1.05 || index === head - 1) + 1
      expect(oldest).toBeLessThanOrEqual(Math.max(1, mustKeep))
      expect(oldest).toBeGreaterThanOrEqual(mayKeep)
    }
  }
})

it('the newest event is kept at any age, and goes with the next one if it is too old', async () => {
  const log = new MemoryEventLog({ maxAge: 60_000 })
  const append = writer(log, 's')
  append('1')
  await vi.advanceTimersByTimeAsync(2 ** 32)
  expect(kept(log, 's')).toEqual(['1'])
  append('2')
  expect(kept(log, 's')).toEqual(['2'])
  expect(vi.getTimerCount()).toBe(0)
})

it('an ended stream keeps its end for `retention`, whatever the age of its events', async () => {
  const log = new MemoryEventLog({ maxAge: 60_000, retention: 600_000 })
  const append = writer(log, 's')
  append('1')
  append('2', true)
  await vi.advanceTimersByTimeAsync(63_000)
  expect(kept(log, 's')).toEqual(['2'])
  expect(log.read('s', 0, everything)).toMatchObject({ oldest: 2, head: 2, ended: true })
  await vi.advanceTimersByTimeAsync(600_000 - 63_000 - 1)
  expect(kept(log, 's')).toEqual(['2'])
  await vi.advanceTimersByTimeAsync(1)
  expect(kept(log, 's')).toBe(undefined)
})

it.each([0, false, Number.POSITIVE_INFINITY, undefined] as const)(
  'with `maxAge: %s` no event is too old',
  async (maxAge) => {
    const log = new MemoryEventLog({ maxAge })
    const append = writer(log, 's')
    append('1')
    append('2')
    expect(vi.getTimerCount()).toBe(0)
    await vi.advanceTimersByTimeAsync(2 ** 32)
    expect(kept(log, 's')).toEqual(['1', '2'])
  },
)

it('one timer is for the ages of all events, and none is left when there is nothing to drop', async () => {
  const log = new MemoryEventLog({ maxAge: 60_000 })
  const writers = Array.from({ length: 500 }, (_, n) => writer(log, `s${n}`))
  for (const append of writers) append('1')
  expect(vi.getTimerCount()).toBe(0)
  for (let n = 0; n < 10; n++) {
    for (const append of writers) append('1')
    await vi.advanceTimersByTimeAsync(777)
    expect(vi.getTimerCount()).toBe(1)
  }
  await vi.advanceTimersByTimeAsync(66_000)
  expect(vi.getTimerCount()).toBe(0)
  expect(log.read('s7', 0, everything)).toMatchObject({ oldest: 11, head: 11 })
  for (const append of writers) append('1')
  log.close()
  expect(vi.getTimerCount()).toBe(0)
})

it('bytes are counted exactly where events go by age too, and streams that went by other ways are not touched', async () => {
  const log = new MemoryEventLog({ maxAge: 10_000, maxEvents: 30, maxTotalBytes: 40_000, retention: 15_000 })
  const random = seeded(2)
  const writers = new Map<string, ReturnType<typeof writer>>()
  for (let step = 0; step < 5_000; step++) {
    const id = `s${random.below(8)}`
    const kind = random.below(100)
    const append = writers.get(id)
    if (append === undefined && !log.read(id, 0, everything)?.ended) writers.set(id, writer(log, id))
    else if (append === undefined) await vi.advanceTimersByTimeAsync(100)
    else if (kind < 2) log.delete(id)
    else if (kind < 6) log.trim(id, (log.read(id, 0, everything)?.head ?? 0) - random.below(5))
    else if (kind < 95) append('x'.repeat(random.below(50)), random.chance(0.02))
    else await vi.advanceTimersByTimeAsync(random.below(random.pick([100, 1_000, 20_000])))
    // A new one of a stream that ended could append nothing.
    if (log.read(id, 0, everything)?.ended !== false) writers.delete(id)
    const present = [...Array(8).keys()].map((n) => [`s${n}`, log.read(`s${n}`, 0, everything)] as const)
    const bytes = present.map(([name, page]) =>
      page === undefined
        ? 0
        : page.entries.reduce((sum, one) => sum + 128 + one.type.length + one.bytes, 1_024 + name.length),
    )
    expect(log.bytes).toBe(bytes.reduce((sum, one) => sum + one, 0))
  }
  log.close()
  expect([log.bytes, log.streams, vi.getTimerCount()]).toEqual([0, 0, 0])
})

it('an age costs an append no timer and no search', () => {
  vi.useRealTimers()
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const log = new MemoryEventLog({ maxAge: 60 * 60_000, maxEvents: 200_000, maxBytes: Number.POSITIVE_INFINITY })
  const writers = Array.from({ length: 100 }, (_, n) => writer(log, `s${n}`))
  // Two hundred thousand walks over what is kept would take longer than any test may.
  for (let n = 0; n < 2_000; n++) for (const append of writers) append('1')
  expect(timers).toHaveBeenCalledTimes(1)
  timers.mockRestore()
  log.close()
})

it('§5.3 a reader of events that are too old is told of the gap', async () => {
  vi.useRealTimers()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const sse = createSse({ log: new MemoryEventLog({ maxAge: 60_000 }) })
  const stream = await sse.open('s')
  for (let n = 1; n <= 3; n++) await stream.publish('tick', { n })
  await vi.advanceTimersByTimeAsync(63_000)
  await stream.publish('tick', { n: 4 })
  const host = await fetchHost(sse)
  const reader = new Reader(await host.ask('s', { headers: { 'Last-Event-ID': `${stream.epoch}-1` } }))
  const [gap] = (await reader.until(isTick(4))).filter(({ type }) => type === 'stream:gap')
  expect(JSON.parse(gap!.data)).toMatchObject({ oldest: `${stream.epoch}-4`, missed: 2, reason: 'evicted' })
  await reader.cancel()
})

it('over `maxTotalBytes` ended streams go first, then the oldest events of the stream silent longest', () => {
  const ids = ['silent', 'busy', 'ended0', 'ended1', 'ended2']
  const streams = ids.reduce((sum, id) => sum + 1_024 + id.length, 0)
  const log = new MemoryEventLog({ maxTotalBytes: streams + 10 * (128 + 4 + 100) })
  const data = 'x'.repeat(100)
  const silent = writer(log, 'silent')
  const busy = writer(log, 'busy')
  for (let n = 0; n < 3; n++) silent(data)
  for (let n = 0; n < 3; n++) writer(log, `ended${n}`)(data, true)
  for (let n = 0; n < 4; n++) busy(data)
  expect([log.streams, log.bytes]).toEqual([5, streams + 10 * 232])
  const left = () =>
    [kept(log, 'ended0'), kept(log, 'ended1'), kept(log, 'ended2'), kept(log, 'silent')].map((events) => events?.length)
  busy(data)
  expect(left()).toEqual([undefined, 1, 1, 3])
  // Each stream that goes leaves room for five events.
  for (let n = 0; n < 5; n++) busy(data)
  expect(left()).toEqual([undefined, undefined, 1, 3])
  for (let n = 0; n < 5; n++) busy(data)
  expect(left()).toEqual([undefined, undefined, undefined, 3])
  for (let n = 0; n < 5; n++) busy(data)
  expect(left()).toEqual([undefined, undefined, undefined, 3])
  for (let n = 0; n < 5; n++) busy(data)
  expect(left()).toEqual([undefined, undefined, undefined, 1])
  expect(log.bytes).toBeLessThanOrEqual(streams + 10 * 232)
})

it('a flood of tiny ended streams is bounded by `maxTotalBytes`, and those that ended first go first', () => {
  const log = new MemoryEventLog({ maxTotalBytes: 2 ** 20, retention: 5 * 60_000 })
  for (let n = 0; n < 100_000; n++) writer(log, `s${n}`)('1', true)
  // Each takes 1 KiB beside its id and its one event.
  expect(log.streams).toBe(Math.floor(2 ** 20 / (1_024 + 6 + 128 + 4 + 1)))
  expect(log.bytes).toBeLessThanOrEqual(2 ** 20)
  expect(kept(log, `s${100_000 - log.streams}`)).toEqual(['1'])
  expect(kept(log, `s${100_000 - log.streams - 1}`)).toBe(undefined)
})

it('a stream that there is no room for is not opened, and one that is held can be taken over all the same', () => {
  const log = new MemoryEventLog({ maxTotalBytes: 3_000 })
  log.open('a')
  log.open('b')
  expect(() => log.open('c')).toThrow(expect.objectContaining({ code: 'log_full', streamId: 'c', maxBytes: 3_000 }))
  expect(log.streams).toBe(2)
  const append = writer(log, 'a')
  append('1', true)
  log.open('c')
  expect([kept(log, 'a'), kept(log, 'c')]).toEqual([undefined, []])
})

it('an append that nothing can be dropped for is refused, and nothing of it is stored', () => {
  const log = new MemoryEventLog({ maxTotalBytes: 2_000 })
  const append = writer(log, 's')
  append('1')
  expect(() => append('x'.repeat(2_000))).toThrow(expect.objectContaining({ code: 'log_full', maxBytes: 2_000 }))
  expect(kept(log, 's')).toEqual(['1'])
  expect(append('2').first).toBe(2)
})

it('bytes are counted exactly over every way in which events go', () => {
  const log = new MemoryEventLog({ maxEvents: 5 })
  for (let n = 0; n < 20; n++) {
    const append = writer(log, `s${n % 4}`)
    for (let m = 0; m < 4; m++) append('x'.repeat(m))
    if (n % 5 === 0) log.trim(`s${n % 4}`, 3)
  }
  for (const id of ['s0', 's1', 's2', 's3']) log.delete(id)
  expect([log.bytes, log.streams]).toEqual([0, 0])
})

it('`trim` drops what is older, but never the newest event', () => {
  const log = new MemoryEventLog()
  const append = writer(log, 's')
  for (let n = 1; n <= 5; n++) append(String(n))
  log.trim('s', 3)
  expect(kept(log, 's')).toEqual(['3', '4', '5'])
  log.trim('s', 99)
  expect(kept(log, 's')).toEqual(['5'])
  expect(append('6').first).toBe(6)
})

it('a subscriber is woken by an append and by a delete, and no more after it left', () => {
  const log = new MemoryEventLog()
  let woken = 0
  const leave = log.subscribe('s', () => {
    woken += 1
  })
  const append = writer(log, 's')
  append('1')
  log.delete('s')
  expect(woken).toBe(3)
  leave()
  writer(log, 's')('2')
  expect(woken).toBe(3)
})

it('a read costs the same at any length of the log and any age of the cursor', () => {
  const log = new MemoryEventLog({ maxEvents: 200_000, maxBytes: Number.POSITIVE_INFINITY })
  const append = writer(log, 's')
  for (let n = 0; n < 200_000; n++) append('1')
  const limits = { maxEvents: 10, maxBytes: 1_000 }
  // A hundred thousand scans of the log would take longer than any test may.
  for (const after of [0, 199_980]) {
    for (let n = 0; n < 100_000; n++) expect(log.read('s', after, limits)!.entries.length).toBe(10)
  }
})

it.each([
  [{ maxEvents: 0 }, 'Expected `maxEvents` to be a positive integer, got 0'],
  [{ maxBytes: -1 }, 'Expected `maxBytes` to be a positive integer, got -1'],
  [{ maxAge: -1 }, 'Expected `maxAge` to be a number of milliseconds, 0 or more, or false, got -1'],
  [{ maxAge: Number.NaN }, 'Expected `maxAge` to be a number of milliseconds, 0 or more, or false, got NaN'],
  [{ retention: 0 }, 'Expected `retention` to be more than 0, or no reader would see the end of a stream'],
])('a bad option is refused at once: %j', (options, message) => {
  expect(() => new MemoryEventLog(options)).toThrow(new TypeError(message))
})

it('an ended stream that is deleted leaves the others in the order of their ends', () => {
  const log = new MemoryEventLog({ retention: 1_000 })
  const end = (id: string): void => {
    const { fence } = log.open(id)
    log.append(id, { fence, producerNumber: 1, entries: [{ type: 'done', data: '1', bytes: 1 }], end: true })
  }
  const held = (): string[] =>
    ['a', 'b', 'c', 'd', 'e'].filter((id) => log.read(id, 0, { maxEvents: 0, maxBytes: 0 }) !== undefined)
  for (const id of ['a', 'b', 'c']) end(id)
  // The last, the first, and one between.
  log.delete('c')
  end('d')
  log.delete('a')
  end('e')
  log.delete('d')
  expect(held()).toEqual(['b', 'e'])
  vi.advanceTimersByTime(1_000)
  expect([held(), vi.getTimerCount()]).toEqual([[], 0])
})
