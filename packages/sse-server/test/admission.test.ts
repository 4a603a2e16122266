import { describe, expect, it } from 'vitest'
import { Admission } from '../src/admission.js'
import { addressKey } from '../src/client-key.js'
import { createSse, eventually, hosts, httpHost, Reader } from './harness.js'

describe.each(hosts)('over %s', (_name, createHost) => {
  it('§4.6 the 101st reader gets 503 with Retry-After, and a place is free once a reader leaves', async () => {
    const sse = createSse()
    const host = await createHost(sse)
    await sse.open('s')
    const readers = await Promise.all(Array.from({ length: 100 }, async () => new Reader(await host.ask('s'))))
    expect(sse.metrics().connections).toBe(100)
    const refused = await host.ask('s')
    expect(refused.status).toBe(503)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(await refused.json()).toMatchObject({ status: 503, code: 'too_many_connections' })
    expect(sse.metrics().refused).toEqual({ full: 1, client_full: 0, closing: 0 })
    await readers[0]!.cancel()
    await eventually(() => sse.metrics().connections === 99)
    const admitted = await host.ask('s')
    expect(admitted.status).toBe(200)
    await admitted.body!.cancel()
    await Promise.all(readers.slice(1).map((reader) => reader.cancel()))
    await eventually(() => sse.metrics().connections === 0)
  })

  it('a place is given back exactly once, whatever ends the connection', async () => {
    const sse = createSse({ maxConnections: 3 })
    const host = await createHost(sse)
    for (let round = 0; round < 5; round++) {
      const stream = await sse.open(`s${round}`)
      const [left, ended, dropped] = await Promise.all([1, 2, 3].map(() => host.ask(stream.id)))
      await left!.body!.cancel()
      await stream.end('done', { total: 0 })
      await Promise.all([ended!.text(), dropped!.text()])
      await eventually(() => sse.metrics().connections === 0)
    }
    expect(sse.metrics()).toMatchObject({ connections: 0, opened: 15 })
    const { closed } = sse.metrics()
    expect(Object.values(closed).reduce((sum, count) => sum + count, 0)).toBe(15)
  })

  it("§4.6 with `whenFull: 'retry'` an event stream request gets 200, a jittered retry and the end", async () => {
    const sse = createSse({ maxConnections: 1, whenFull: 'retry', retry: 2_000 })
    const host = await createHost(sse)
    await sse.open('s')
    const taken = await host.ask('s')
    const response = await host.ask('s')
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    const [, retry] = /^retry: (\d+)\n\n$/.exec(await response.text())!
    expect(Number(retry)).toBeGreaterThanOrEqual(2_000)
    expect(Number(retry)).toBeLessThanOrEqual(6_000)
    const page = await host.ask('s', { headers: { Accept: 'application/json', Prefer: 'wait=5' } })
    expect(page.status).toBe(503)
    await taken.body!.cancel()
  })

  it('§4.6 the limit of one client is 429, and other clients are admitted', async () => {
    const sse = createSse({
      maxConnectionsPerClient: 1,
      clientKey: (request) =>
        (request.headers instanceof Headers ? request.headers.get('x-user') : request.headers['x-user']) as string,
    })
    const host = await createHost(sse)
    await sse.open('s')
    const ann = await host.ask('s', { headers: { 'X-User': 'ann' } })
    const again = await host.ask('s', { headers: { 'X-User': 'ann' } })
    const bob = await host.ask('s', { headers: { 'X-User': 'bob' } })
    expect([ann.status, again.status, bob.status]).toEqual([200, 429, 200])
    expect(again.headers.get('retry-after')).toMatch(/^[1-9]/)
    await Promise.all([ann.body!.cancel(), bob.body!.cancel()])
    await eventually(() => sse.metrics().connections === 0)
    const back = await host.ask('s', { headers: { 'X-User': 'ann' } })
    expect(back.status).toBe(200)
    await back.body!.cancel()
  })
})

it('by default a client is its address, and no proxy header is believed', async () => {
  const sse = createSse({ maxConnectionsPerClient: 1 })
  const host = await httpHost(sse)
  await sse.open('s')
  const first = await host.ask('s', { headers: { 'X-Forwarded-For': '192.0.2.1' } })
  const second = await host.ask('s', { headers: { 'X-Forwarded-For': '192.0.2.2' } })
  expect([first.status, second.status]).toEqual([200, 429])
  await first.body!.cancel()
})

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  [undefined, undefined],
])('the address %s is counted as %s', (address, key) => {
  expect(addressKey(address)).toBe(key)
})

it('a place that is given back twice is given back once', () => {
  const admission = new Admission(2, 2)
  const [first, second] = [admission.acquire('ann'), admission.acquire('ann')]
  if (typeof first === 'string' || typeof second === 'string') throw new Error('Expected two places')
  expect(admission.acquire('ann')).toBe('full')
  first.release()
  first.release()
  expect(admission.connections).toBe(1)
  second.release()
  expect(admission.connections).toBe(0)
})
