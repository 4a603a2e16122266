import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import type { ListenOptions } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { createSse } from '../harness.js'
import { liveMemory, RawClient, serve, until } from './harness.js'

const script = fileURLToPath(new URL('storm-readers.mjs', import.meta.url))
const readers = 1_000
const cursors = 100
const text = 'x'.repeat(280)

async function setUp(place: ListenOptions) {
  const sse = createSse({ maxConnections: readers })
  const stream = await sse.open('s')
  for (let n = 1; n < 1_000 + cursors; n++) await stream.publish('tick', { n, text })
  await stream.end('done', { total: 1_000 + cursors })
  const middleware = sse.middleware()
  const responses: ServerResponse[] = []
  const { port } = await serve(
    (request, response) => {
      responses.push(response)
      middleware(request, response)
    },
    {},
    place,
  )
  const target = place.path === undefined ? { port, host: '127.0.0.1' } : { path: place.path }
  const whole = new RawClient(target, 'GET /s HTTP/1.0\r\n\r\n')
  await whole.closed()
  const log = whole.text.slice(whole.text.indexOf('\n\nevent: tick\n') + 2)
  /** What a reader with this cursor must get, as the readers print it. */
  const line = (cursor: number): string => {
    const start = log.indexOf(`event: tick\nid: ${stream.epoch}-${cursor + 1}\n`)
    const rest = Buffer.from(log.slice(start))
    return `${cursor} ${rest.length} ${createHash('sha1').update(rest).digest('hex')}`
  }
  responses.length = 0
  return {
    sse,
    epoch: stream.epoch,
    address: place.path ?? String(port),
    responses,
    expected: Array.from({ length: cursors }, (_, cursor) => line(cursor)).sort(),
  }
}

/** Starts the readers, each with one of the cursors, in a process of their own. */
function startReaders(address: string, epoch: string, mode: 'hold' | 'read') {
  const child: ChildProcess = spawn(
    process.execPath,
    [script, address, epoch, String(readers), String(cursors), mode],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  let output = ''
  child.stdout!.setEncoding('utf8').on('data', (part) => {
    output += part
  })
  const results = once(child, 'close').then(() => output.trim().split('\n'))
  return { results, release: () => child.stdin!.write('go') }
}

it('1,000 readers that come back at once get at least 1,000 events each', async () => {
  const { sse, epoch, address, responses, expected } = await setUp({ port: 0, host: '127.0.0.1' })
  const before = await liveMemory()
  const results = await startReaders(address, epoch, 'read').results
  expect(results).toHaveLength(readers)
  expect([...new Set(results)].sort()).toEqual(expected)
  await until('all places are free', () => sse.metrics().connections === 0)
  expect(sse.metrics()).toMatchObject({ gaps: 0, closed: { ended: readers + 1, write_timeout: 0, disconnected: 0 } })
  responses.length = 0
  expect((await liveMemory()) - before).toBeLessThan(3_000_000)
})

it('1,000 readers that come back at once and take nothing cost one page each, and get the same later', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'storm-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  // A socket of this kind holds 200 KB in the kernel; one of TCP would hold the whole replay, and show nothing.
  const { sse, epoch, address, responses, expected } = await setUp({ path: join(folder, 'socket') })
  const before = await liveMemory()
  const { results, release } = startReaders(address, epoch, 'hold')
  await until(
    'all readers are backed up',
    () => responses.filter((response) => response.writableNeedDrain).length === readers,
  )
  expect(sse.metrics().connections).toBe(readers)
  // What is written but not sent: one page of 64 KiB of data with its framing, and what node:http needs for a connection.
  const grown = (await liveMemory()) - before
  expect(Math.max(...responses.map(({ writableLength }) => writableLength))).toBeLessThan(1.25 * 65_536)
  expect(grown).toBeLessThan(readers * 1.5 * 65_536)
  release()
  expect([...new Set(await results)].sort()).toEqual(expected)
  await until('all places are free', () => sse.metrics().connections === 0)
  responses.length = 0
  expect((await liveMemory()) - before).toBeLessThan(3_000_000)
})
