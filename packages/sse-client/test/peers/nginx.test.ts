import { type ChildProcess, fork } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findProgram } from '../../../../scripts/programs.mjs'
import { done, opening, read, tick, ticks } from '../reading.js'
import { Feed } from './feed.js'
import { createFolder, type HttpVersion, startNginx } from './nginx.js'
import { peers } from './peers.js'
import { listen } from './wire.js'

const program = findProgram('nginx')
const retry = { initial: 1, max: 2, budget: Infinity }
const versions: readonly HttpVersion[] = ['1.0', '1.1']
const event = (n: number) => ({ type: 'tick', data: { n }, id: String(n) })
const upTo = (count: number) => Array.from({ length: count }, (_, index) => event(index + 1))

describe.skipIf(!program)('behind a real nginx with its default buffering', () => {
  describe.each(versions)('that speaks HTTP/%s', (version) => {
    // hono sends no X-Accel-Buffering, so that over HTTP/1.0 nothing comes before the end.
    describe.each(peers.filter(({ name }) => version === '1.1' || name !== 'hono'))('to $name', ({ create }) => {
      it('each event arrives before the next is published, and a reader at the end gets its 204', async () => {
        const feed = new Feed()
        const { port, requests } = await listen(await create(feed))
        const address = await startNginx(program!, `http://127.0.0.1:${port}`)
        const { client, events, next } = read(address(version), { retry })
        for (const item of upTo(30)) {
          feed.publish(item)
          while (events.length < Number(item.id)) await next('*')
        }
        expect(requests).toHaveLength(1)
        feed.end()
        expect(await client.done).toEqual(event(30))
        expect(events).toEqual(upTo(30))
        expect(requests.map(({ httpVersion, headers }) => [httpVersion, headers['last-event-id']])).toEqual([
          [version, undefined],
          [version, '30'],
        ])
      })
    })

    it('a server that is killed is a drop and never an end, and the reader goes on with the server after it', async () => {
      const path = join(createFolder(), 'upstream')
      const address = await startNginx(program!, `http://unix:${path}:`)
      const first = await startUpstream(path)
      const { client, events, waits, next } = read(address(version), { retry })
      first.send({ count: 20 })
      while (events.length < 20) await next('*')
      await kill(first)
      while (waits.at(-1)?.drop?.reason !== 'status') await next('statechange')
      // Over HTTP/1.0 the body ends as if all were well.
      expect(waits[0]!.drop?.reason).toBe(version === '1.0' ? 'end' : 'network')
      expect(waits.at(-1)!.drop).toMatchObject({ status: 502 })
      const second = await startUpstream(path)
      second.send({ count: 40 })
      while (events.length < 40) await next('*')
      second.send({ isOver: true })
      expect(await client.done).toEqual(event(40))
      expect(events).toEqual(upTo(40))
    })
  })

  it('hono over HTTP/1.0 is kept back to its end: then everything comes, once and in order', async () => {
    const feed = new Feed()
    const { port, requests } = await listen(await peers.find(({ name }) => name === 'hono')!.create(feed))
    const address = await startNginx(program!, `http://127.0.0.1:${port}`)
    const { client, events, states } = read(address('1.0'), { retry })
    feed.publish(...upTo(30))
    while (requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(states).toEqual(['connecting'])
    feed.end()
    await client.done
    expect(events).toEqual(upTo(30))
  })

  describe('and a server of the protocol that forgets X-Accel-Buffering', () => {
    /** Has two events, and a third that ends the stream once `end` is called. */
    async function start() {
      let isOver = false
      const streams = new Set<ServerResponse>()
      const server = createServer(({ headers }, response) => {
        const after = Number(headers['last-event-id']?.slice(2) ?? 0)
        if (headers.accept === 'application/json') {
          const events = [tickOf(1), tickOf(2), ...(isOver ? [{ id: 'k-3', type: 'done', data: { total: 2 } }] : [])]
          const page = { events: events.slice(after), lastEventId: events.at(-1)!.id, done: isOver }
          response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(page))
          return
        }
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(`retry: 0\n\n${opening(`k-${after}`)}${[tick(1), tick(2)].slice(after).join('')}`)
        if (isOver) response.end(done(3))
        else streams.add(response)
      })
      const { port, requests } = await listen(server)
      const address = await startNginx(program!, `http://127.0.0.1:${port}`)
      const end = (): void => {
        isOver = true
        for (const response of streams) response.end(done(3))
      }
      return { address, requests, end }
    }
    const tickOf = (n: number) => ({ id: `k-${n}`, type: 'tick', data: { n } })

    it('over HTTP/1.1 the stream comes as it is written', async () => {
      const { address, requests, end } = await start()
      const { client, events, next, states } = read(address('1.1'), { events: ticks, connectTimeout: 10_000 })
      while (events.length < 2) await next('*')
      end()
      expect(await client.done).toEqual({ type: 'done', data: { total: 2 }, id: 'k-3' })
      expect(states).toEqual(['connecting', 'open', 'ended'])
      expect(requests).toHaveLength(1)
    })

    it('over HTTP/1.0 not even the headers come before the end, and after two such silences the client reads pages', async () => {
      const { address, end } = await start()
      const { client, events, waits, next } = read(address('1.0'), { events: ticks, retry, connectTimeout: 300 })
      while (events.length < 2) await next('*')
      expect(waits.map(({ drop }) => drop?.reason)).toEqual(['timeout', 'timeout'])
      expect(client.transport).toBe('poll')
      end()
      await client.done
      expect(events.map(({ id }) => id)).toEqual(['k-1', 'k-2', 'k-3'])
    })
  })
})

async function startUpstream(path: string): Promise<ChildProcess> {
  rmSync(path, { force: true })
  const child = fork(fileURLToPath(new URL('upstream.mjs', import.meta.url)), [path], { execArgv: [] })
  onTestFinished(() => kill(child))
  await new Promise<void>((resolve, reject) => child.once('message', () => resolve()).once('exit', reject))
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
}
