import { describe, expect, it } from 'vitest'
import { type LogEntry, MemoryEventLog, SseServerError, type Stream } from '../src/index.js'
import { type FaultyLog, faultyLog, type LogFaults } from '../src/testing/index.js'
import { createSse, type Host, hosts, logged, Reader, type TickEvents } from './harness.js'

const ticks = 60
const profiles: Record<string, LogFaults> = {
  'loses half of its wake-ups': { lostWakes: 0.5 },
  'loses all of its wake-ups': { lostWakes: 1 },
  'wakes late, twice and for nothing': { lateWakes: 0.7, doubledWakes: 0.5, spuriousWakes: 0.3 },
  'is slow and gives short pages': { writeTurns: 5, readTurns: 5, shortReads: 0.5 },
  'fails at appends, before and after the commit': { failedAppends: 0.2, unansweredAppends: 0.2, writeTurns: 2 },
  'gets appends twice': { doubledAppends: 0.5, writeTurns: 2 },
  'fails at reads': { failedReads: 0.1, readTurns: 2 },
  'does all of this': {
    lostWakes: 0.3,
    doubledWakes: 0.3,
    lateWakes: 0.3,
    spuriousWakes: 0.1,
    failedAppends: 0.1,
    unansweredAppends: 0.1,
    doubledAppends: 0.2,
    failedReads: 0.05,
    shortReads: 0.3,
    writeTurns: 3,
    readTurns: 3,
  },
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Publishes some and ends, whatever fails; gives the ids that were acknowledged, in the order of the calls. */
async function produce(stream: Stream<TickEvents>): Promise<string[]> {
  const acknowledged: string[] = []
  const all = (): string[] => Object.values(acknowledged)
  for (let n = 0; n < ticks; n++) {
    const published = stream.publish('tick', { n }).then(
      (id) => {
        acknowledged[n] = id
      },
      () => undefined,
    )
    if (n % 3 === 0) await published
    if (n % 5 === 0) await turn()
  }
  for (;;) {
    try {
      acknowledged[ticks] = await stream.end('done', { total: ticks })
      return all()
    } catch (error) {
      // The end was committed, and what failed was its answer.
      if (SseServerError.isInstance(error) && error.code === 'stream_ended') return all()
    }
  }
}

/** Reads to the end of the stream like an EventSource, and leaves in between; gives what it got. */
async function follow(host: Host, cutAfter: number): Promise<{ id: string; type: string; data: unknown }[]> {
  const got: { id: string; type: string; data: unknown }[] = []
  for (;;) {
    const cursor = got.at(-1)?.id
    const ask = { headers: cursor === undefined ? {} : { 'Last-Event-ID': cursor } }
    // A connection that is cut at once may have sent nothing.
    const response = await host.ask('s', ask).catch(() => undefined)
    if (response === undefined) continue
    if (response.status === 204) return got
    if (response.status !== 200) {
      expect(response.status).toBe(500)
      await response.body?.cancel()
      continue
    }
    const reader = new Reader(response)
    let seen = 0
    const isEnough = ({ type }: { type: string }): boolean => {
      expect(type).not.toBe('stream:gap')
      if (type !== 'heartbeat') seen += 1
      return type === 'done' || seen > cutAfter
    }
    // Where the log fails the connection is cut, and what came before it is good.
    await reader.until(isEnough).catch(() => undefined)
    got.push(...logged(reader.events))
    await reader.cancel().catch(() => undefined)
  }
}

describe.each(hosts)('over %s', (_name, createHost) => {
  async function deliver(faults: LogFaults, seed: number): Promise<FaultyLog['injected']> {
    const memory = new MemoryEventLog()
    const log = faultyLog(memory, faults, seed)
    // What a lost wake-up leaves behind comes with the next heartbeat.
    const sse = createSse({ log, heartbeatInterval: 20, maxConnections: Number.POSITIVE_INFINITY })
    const host = await createHost(sse)
    const readers = [1, 7, 25, 1_000]
    const stream = await sse.open('s')
    const [acknowledged, ...got] = await Promise.all([
      produce(stream),
      ...readers.map((cutAfter) => follow(host, cutAfter)),
    ])
    const { epoch, entries } = memory.read('s', 0, { maxEvents: 1_000, maxBytes: 2 ** 20 })!
    const whole = entries.map(({ sequence, type, data }: LogEntry) => {
      return { id: `${epoch}-${sequence}`, type, data: JSON.parse(data) }
    })
    for (const events of got) expect(events, `seed ${seed}`).toEqual(whole)
    // What was acknowledged is there, once, and in the order of the calls.
    const ids = whole.map(({ id }) => id)
    expect(
      ids.filter((id) => acknowledged.includes(id)),
      `seed ${seed}`,
    ).toEqual(acknowledged)
    expect(whole.at(-1), `seed ${seed}`).toMatchObject({ type: 'done' })
    const numbers = whole.slice(0, -1).map(({ data }) => (data as { n: number }).n)
    expect(numbers, `seed ${seed}`).toEqual([...new Set(numbers)].sort((a, b) => a - b))
    return log.injected
  }

  it.each(Object.entries(profiles))('a log that %s is delivered whole, in order and once', async (_profile, faults) => {
    const names = Object.keys(faults) as (keyof LogFaults)[]
    const injected = new Set<keyof LogFaults>()
    for (let seed = 1; seed <= 5; seed++) {
      const counts = await deliver(faults, seed)
      for (const name of names) if (counts[name] > 0) injected.add(name)
    }
    expect([...injected].sort()).toEqual(names.sort())
  })
})
