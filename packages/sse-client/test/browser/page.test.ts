import type { ServerResponse } from 'node:http'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStream } from '../http-server.js'
import { done, opening, tick } from '../reading.js'
import { executablePath, launch, openPage, runIn, type Site, serveSite, signal } from './harness.js'

const readToTheEnd = [
  'connecting',
  'open',
  'tick k-1',
  'tick k-2',
  'waiting',
  'connecting',
  'open',
  'tick k-3',
  'done k-4',
  'ended',
  'end well',
]

/** Two events and a drop, then the rest. */
function dropOnce(response: ServerResponse, count: number): void {
  if (count === 1) openStream(response).end(`retry: 0\n\n${opening('k-0')}${tick(1)}${tick(2)}`)
  else openStream(response).end(opening('k-2') + tick(3) + done(4))
}

function cursors({ asked }: Site): unknown[] {
  return asked.map(({ headers }) => headers['last-event-id'])
}

describe.skipIf(!executablePath)('in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())

  it('a page reads a stream over a drop to its end', async () => {
    const site = await serveSite((_, response, count) => dropOnce(response, count))
    const page = await openPage(browser, site.url)
    const report = await page.evaluate(() => sse.follow('/stream'))
    expect(report).toMatchObject({ scope: 'Window', outcome: 'done k-4', log: readToTheEnd })
    expect(cursors(site)).toEqual([undefined, 'k-2'])
  })

  it.each([
    ['worker', 'DedicatedWorkerGlobalScope'],
    ['module worker', 'DedicatedWorkerGlobalScope'],
    ['shared worker', 'SharedWorkerGlobalScope'],
  ] as const)('worker/no-window: a %s reads a stream over a drop to its end', async (kind, scope) => {
    const site = await serveSite((_, response, count) => dropOnce(response, count))
    const page = await openPage(browser, site.url)
    const report = await runIn(page, kind, (path) => sse.follow(path), '/stream')
    expect(report).toMatchObject({ scope, window: 'undefined', document: 'undefined', url: `${site.url}/stream` })
    expect(report).toMatchObject({ outcome: 'done k-4', log: readToTheEnd })
    expect(cursors(site)).toEqual([undefined, 'k-2'])
  })

  it('a worker that is terminated takes its connection with it', async () => {
    const asked = signal()
    const hungUp = signal()
    const site = await serveSite((_, response) => {
      openStream(response, opening('k-0') + tick(1)).on('close', hungUp.tell)
      asked.tell()
    })
    const page = await openPage(browser, site.url)
    const worker = await page.evaluateHandle(() => {
      const made = new Worker('/worker.js')
      made.postMessage({ text: '() => sse.follow("/stream")' })
      return made
    })
    await asked.told
    await worker.evaluate((made) => made.terminate())
    await hungUp.told
    expect(site.asked).toHaveLength(1)
  })

  it('close() in a listener takes effect in the middle of a chunk, and the server sees it', async () => {
    const hungUp = signal()
    const site = await serveSite((_, response) => {
      openStream(response, opening('k-0') + tick(1) + tick(2)).on('close', hungUp.tell)
    })
    const page = await openPage(browser, site.url)
    const log = await page.evaluate(async () => {
      const { client, until } = sse.start('/stream', { events: sse.ticks })
      client.addEventListener('tick', () => client.close())
      return await until('idle')
    })
    await hungUp.told
    expect(log.filter((line) => line.startsWith('tick'))).toEqual(['tick k-1'])
    expect(log).toContain('idle')
  })

  it('a `for await` loop that is slow makes the socket wait, and loses nothing', async () => {
    const filler = 'x'.repeat(10_000)
    const total = 2_000
    let paused = false
    const site = await serveSite((_, response) => {
      openStream(response, opening('k-0'))
      const send = (from: number): void => {
        for (let n = from; n <= total; n += 1) {
          const more = response.write(`id: k-${n}\nevent: tick\ndata: {"n":${n},"filler":"${filler}"}\n\n`)
          if (more) continue
          paused = true
          response.once('drain', () => send(n + 1))
          return
        }
        response.end(done(total + 1))
      }
      send(1)
    })
    const page = await openPage(browser, site.url)
    const seen = await page.evaluate(async () => {
      const { client } = sse.start('/stream', { events: sse.ticks, maxBufferedEvents: 2 })
      let most = 0
      let listened = 0
      let looped = 0
      client.addEventListener('tick', () => {
        listened += 1
      })
      for await (const _ of client) {
        looped += 1
        most = Math.max(most, listened - looped)
        await new Promise<void>((resolve) => {
          const { port1, port2 } = new MessageChannel()
          port1.onmessage = () => {
            port1.close()
            resolve()
          }
          port2.postMessage(0)
        })
      }
      return { most, looped }
    })
    expect(paused).toBe(true)
    expect(seen.looped).toBe(total + 1)
    expect(seen.most).toBeLessThanOrEqual(2)
  })

  it('a listener that throws is reported to the window, and the next event comes', async () => {
    const site = await serveSite((_, response) => {
      openStream(response).end(opening('k-0') + tick(1) + done(2))
    })
    const page = await openPage(browser, `${site.url}/blank`)
    await page.addScriptTag({ url: '/client.js' })
    const told = await page.evaluate(async () => {
      const reported: string[] = []
      addEventListener('error', (event) => {
        event.preventDefault()
        reported.push(event.error.message)
      })
      const { client, log } = sse.start('/stream', { events: sse.ticks })
      client.addEventListener('tick', () => {
        throw new Error('of a listener')
      })
      await client.done
      return { reported, log }
    })
    expect(told.reported).toEqual(['of a listener'])
    expect(told.log.slice(-4)).toEqual(['tick k-1', 'done k-2', 'ended', 'end well'])
  })
})
