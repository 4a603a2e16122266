import { expect, it } from 'vitest'
import { MemoryEventLog } from '../../src/index.js'
import { createSse, fetchHost } from '../harness.js'
import { turn, until } from './harness.js'

/** Timers that keep this process alive. */
const holding = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

it('no timer of a server keeps the process alive, whatever it waits for', async () => {
  const before = holding()
  const kept = setTimeout(() => {}, 60_000)
  expect(holding()).toBe(before + 1)
  clearTimeout(kept)

  const log = new MemoryEventLog({ retention: 60_000 })
  const sse = createSse({ log, connectionMaxAge: 60_000 })
  const [blocked, cancelled, ended] = await Promise.all(['blocked', 'cancelled', 'ended'].map((id) => sse.open(id)))
  await sse.cancel('cancelled')
  await ended!.end('done', { total: 0 })
  const host = await fetchHost(sse)
  await host.ask('cancelled')
  await host.ask('blocked')
  await blocked!.publish('tick', { n: 1 })
  void host.ask('cancelled', { headers: { Accept: 'application/json', Prefer: 'wait=60' } })
  await until('all are connected', () => sse.metrics().connections === 3)
  await turn()
  expect(cancelled!.signal.aborted).toBe(true)
  // Stream timeout, grace, retention, heartbeats, the age of connections, write deadline and long poll are under way.
  expect(holding()).toBeLessThanOrEqual(before)
  // A body that nobody reads keeps the drain waiting.
  const closed = sse.close({ drain: 60_000 })
  await turn()
  expect(holding()).toBeLessThanOrEqual(before)
  await closed
  log.close()
})
