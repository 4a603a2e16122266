import type { ServerResponse } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { findProgram } from '../../../../scripts/programs.mjs'
import { createSse, isTick, isType, logged, Reader } from '../harness.js'
import { serve, until } from './harness.js'
import { ask, type Location, startNginx } from './nginx.js'

const program = findProgram('nginx')

const text = 'x'.repeat(60_000)

describe.skipIf(!program)('behind a real nginx with its default buffering', () => {
  async function proxied(options: Parameters<typeof createSse>[0] = {}) {
    const sse = createSse(options)
    const stream = await sse.open('s')
    const middleware = sse.middleware()
    const responses: ServerResponse[] = []
    const versions: string[] = []
    const { port } = await serve((request, response) => {
      responses.push(response)
      versions.push(request.httpVersion)
      middleware(request, response)
    })
    const socket = await startNginx(program!, port)
    const get = (location: Location, headers: Record<string, string> = {}, streamId = 's'): Promise<Response> =>
      ask(socket, `/${location}/${streamId}`, headers)
    return { sse, stream, responses, versions, get }
  }

  describe.each(['1.0', '1.1'] as const)('that speaks HTTP/%s to us', (version) => {
    it('every event arrives before the next one is published, the headers and the first heartbeat before any', async () => {
      const { sse, stream, versions, get } = await proxied()
      const reader = new Reader(await get(version))
      await reader.until(isType('heartbeat'))
      expect(versions).toEqual([version])
      for (let n = 0; n < 100; n++) {
        await stream.publish('tick', { n })
        await reader.until(isTick(n))
      }
      await stream.end('done', { total: 100 })
      expect(logged(await reader.rest())).toHaveLength(101)
      await until('its place is free', () => sse.metrics().connections === 0)
    })

    it('the cursor comes through, and a reader at the end gets its 204', async () => {
      const { stream, get } = await proxied()
      const ids = await Promise.all([1, 2, 3].map((n) => stream.publish('tick', { n })))
      ids.push(await stream.end('done', { total: 3 }))
      const after = await new Reader(await get(version, { 'Last-Event-ID': ids[1]! })).rest()
      expect(logged(after).map(({ id }) => id)).toEqual(ids.slice(2))
      expect((await get(version, { 'Last-Event-ID': ids[3]! })).status).toBe(204)
      expect((await get(version, { 'Last-Event-ID': 'x' })).status).toBe(400)
      expect((await get(version, {}, 'nobody')).status).toBe(404)
      const page = await (await get(version, { Accept: 'application/json' })).json()
      expect(page).toMatchObject({ lastEventId: ids[3], done: true, result: { total: 3 } })
    })

    it('a reader that leaves gives its place back, and the stream goes on', async () => {
      const { sse, stream, get } = await proxied()
      const reader = new Reader(await get(version))
      await reader.until(isType('heartbeat'))
      expect(sse.metrics().connections).toBe(1)
      await reader.cancel()
      await until('its place is free', () => sse.metrics().connections === 0)
      expect(stream.signal.aborted).toBe(false)
    })

    it('a reader that takes nothing is felt here: nothing is kept beyond a page, and it gets the rest later', async () => {
      const { sse, stream, responses, get } = await proxied()
      const reader = new Reader(await get(version))
      const [response] = responses
      let most = 0
      let n = 0
      const publish = async (): Promise<void> => {
        await stream.publish('tick', { n: n++, text })
        await new Promise((resolve) => setImmediate(resolve))
        most = Math.max(most, response!.writableLength)
      }
      // What two kernels and the proxy hold is not ours.
      while (!response!.writableNeedDrain) await publish()
      for (let count = 0; count < 50; count++) await publish()
      expect(most).toBeLessThan(2 * 65_536)
      await stream.end('done', { total: n })
      expect(logged(await reader.rest())).toHaveLength(n + 1)
      expect(sse.metrics().gaps).toBe(0)
    })
  })

  it('over HTTP/1.0 a cut looks like an end, so only the terminal event is one, and the cursor brings the rest', async () => {
    const { stream, responses, get } = await proxied()
    const reader = new Reader(await get('1.0'))
    const id = await stream.publish('tick', { n: 1 })
    await reader.until(isTick(1))
    responses[0]!.socket!.destroy()
    // Ends without an error.
    expect(logged(await reader.rest()).map(({ type }) => type)).toEqual(['tick'])
    expect(reader.parser.lastEventId).toBe(id)
    await stream.publish('tick', { n: 2 })
    await stream.end('done', { total: 2 })
    const rest = await new Reader(await get('1.0', { 'Last-Event-ID': reader.parser.lastEventId })).rest()
    expect(logged(rest).map(({ type }) => type)).toEqual(['tick', 'done'])
  })

  it('over HTTP/1.1 a cut is an error', async () => {
    const { stream, responses, get } = await proxied()
    const reader = new Reader(await get('1.1'))
    await stream.publish('tick', { n: 1 })
    await reader.until(isTick(1))
    responses[0]!.socket!.destroy()
    await expect(reader.rest()).rejects.toThrow()
  })

  it('that compresses event streams, every event arrives before the next one is published', async () => {
    const { stream, get } = await proxied()
    const response = await get('gzip', { 'Accept-Encoding': 'gzip' })
    expect(response.headers.get('content-encoding')).toBe('gzip')
    const reader = new Reader(
      new Response(response.body!.pipeThrough(new DecompressionStream('gzip') as ReadableWritablePair)),
    )
    await reader.until(isType('heartbeat'))
    for (let n = 0; n < 50; n++) {
      await stream.publish('tick', { n })
      await reader.until(isTick(n))
    }
    await stream.end('done', { total: 50 })
    expect(logged(await reader.rest())).toHaveLength(51)
    const page = await get('gzip', { 'Accept-Encoding': 'gzip', Accept: 'application/json' })
    expect(JSON.parse(gunzipSync(new Uint8Array(await page.arrayBuffer())).toString()).events).toHaveLength(51)
  })

  it('heartbeats outlast the time after which it gives up a silent stream', async () => {
    const { sse, get } = await proxied({ heartbeatInterval: 250 })
    const reader = new Reader(await get('impatient'))
    await reader.until(() => reader.events.filter(isType('heartbeat')).length === 7)
    expect(sse.metrics().connections).toBe(1)
    const silent = await proxied({ heartbeatInterval: false })
    const cut = new Reader(await silent.get('impatient'))
    await cut.rest().catch(() => {})
    expect(logged(cut.events)).toEqual([])
    await until('its place is free', () => silent.sse.metrics().connections === 0)
  })

  it('`close` reaches its readers: they are told when to come back, and their responses end', async () => {
    const { sse, get } = await proxied()
    const readers = await Promise.all((['1.0', '1.1'] as const).map(async (version) => new Reader(await get(version))))
    await Promise.all(readers.map((reader) => reader.until(isType('heartbeat'))))
    await sse.close()
    for (const reader of readers) {
      await reader.rest()
      expect(reader.parser.reconnectionTime).toBeGreaterThanOrEqual(2_000)
    }
    expect((await get('1.1')).status).toBe(503)
  })
})
