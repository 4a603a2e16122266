import type { ServerResponse } from 'node:http'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openStream } from '../http-server.js'
import { done, opening, tick } from '../reading.js'
import { executablePath, launchTabs, type Site, serveSite, signal, type Tabs } from './harness.js'

const patience = { timeout: 30_000 }

describe.skipIf(!executablePath)('the life of a page in Chromium', () => {
  let tabs: Tabs
  beforeAll(async () => {
    tabs = await launchTabs()
  })
  afterAll(() => tabs?.close())

  /** A page that has begun to read a stream, whose connections the test holds in its hands. */
  async function begin(
    options: { readonly method?: string; readonly initial?: number; readonly interval?: number } = {},
  ) {
    const { method = 'GET', initial = 0, interval } = options
    const held: { response: ServerResponse; closed: Promise<void>; cursor: unknown }[] = []
    const arrivals = Array.from({ length: 4 }, signal)
    const site = await serveSite((request, response) => {
      const closed = signal()
      response.on('close', closed.tell)
      const cursor = request.headers['last-event-id']
      openStream(response, opening(String(cursor ?? 'k-0'), interval))
      arrivals[held.length]!.tell()
      held.push({ response, closed: closed.told, cursor })
    })
    /** The connection of that number, once it is there. */
    const connection = async (number: number) => {
      await arrivals[number - 1]!.told
      return held[number - 1]!
    }
    const page = await tabs.open(site.url)
    await page.evaluate(
      (given) => {
        globalThis.reading = sse.start('/stream', {
          events: sse.ticks,
          method: given.method,
          retry: { initial: given.initial },
        }) as unknown as typeof globalThis.reading
      },
      { method, initial },
    )
    const first = await connection(1)
    first.response.write(tick(1))
    await until(page, 'tick k-1')
    return { site, page, connection, first }
  }

  it.each(['GET', 'POST'])(
    'visibility/hidden-does-not-reissue: a %s goes on in a hidden tab',
    patience,
    async (method) => {
      const { site, page, first } = await begin({ method })
      const front = await tabs.open(`${site.url}/blank`)
      expect(await visibility(page)).toBe('hidden')
      first.response.write(tick(2))
      await until(page, 'tick k-2')
      await page.bringToFront()
      expect(await visibility(page)).toBe('visible')
      await front.bringToFront()
      await page.bringToFront()
      first.response.end(tick(3) + done(4))
      expect(await until(page, 'end well')).toEqual([
        'connecting',
        'open',
        'tick k-1',
        'tick k-2',
        'tick k-3',
        'done k-4',
        'ended',
        'end well',
      ])
      expect(streams(site)).toBe(1)
    },
  )

  it('a page that was frozen reads on: what came meanwhile arrives once', patience, async () => {
    const { site, page, connection, first } = await begin({ interval: 400 })
    await tabs.open(`${site.url}/blank`)
    const session = await page.context().newCDPSession(page)
    await session.send('Page.setWebLifecycleState', { state: 'frozen' })
    first.response.write(tick(2) + tick(3))
    expect(await page.evaluate(() => reading.log.at(-1))).toBe('tick k-1')
    await session.send('Page.setWebLifecycleState', { state: 'active' })
    await page.bringToFront()
    first.response.end(done(4))
    // Chromium may keep back for good what came: then the watchdog has a connection made.
    void connection(2).then(({ response, cursor }) => {
      response.end([tick(2), tick(3), done(4)].slice(sequenceOf(cursor) - 1).join(''))
    })
    expect(events(await until(page, 'end well'))).toEqual(['tick k-1', 'tick k-2', 'tick k-3', 'done k-4'])
  })

  it('coming back online ends the wait at once, and the stream goes on after its cursor', patience, async () => {
    const { page, connection, first } = await begin({ initial: 3_600_000 })
    const context = page.context()
    onTestFinished(() => context.setOffline(false))
    await context.setOffline(true)
    first.response.destroy()
    await until(page, 'waiting')
    await context.setOffline(false)
    const { response, cursor } = await connection(2)
    response.end(done(2))
    expect(cursor).toBe('k-1')
    expect(events(await until(page, 'end well'))).toEqual(['tick k-1', 'done k-2'])
  })

  it(
    'bfcache/pagehide-pageshow, eventsource/eventsource-bfcache.window.js: the connection ends with pagehide, and the stream goes on after its cursor',
    patience,
    async () => {
      const { site, page, connection, first } = await begin()
      await page.goto(`${site.url}/blank`)
      await first.closed
      await goBack(page)
      const { response, cursor } = await connection(2)
      response.end(done(2))
      expect(cursor).toBe('k-1')
      expect(events(await until(page, 'end well'))).toEqual(['tick k-1', 'done k-2'])
    },
  )

  it('a POST that cannot be resumed keeps its connection in the cache, and goes on', patience, async () => {
    const { site, page, first } = await begin({ method: 'POST' })
    await page.goto(`${site.url}/blank`)
    first.response.write(tick(2))
    await goBack(page)
    first.response.end(done(3))
    expect(events(await until(page, 'end well'))).toEqual(['tick k-1', 'tick k-2', 'done k-3'])
    expect(streams(site)).toBe(1)
  })

  it('a client that was closed stays closed when its page comes back, from the cache or online', patience, async () => {
    const { site, page } = await begin()
    const context = page.context()
    await page.evaluate(() => reading.client.close())
    await page.goto(`${site.url}/blank`)
    await goBack(page)
    expect(await page.evaluate(() => reading.client.state)).toBe('idle')
    onTestFinished(() => context.setOffline(false))
    const online = page.evaluate(() => new Promise<void>((resolve) => addEventListener('online', () => resolve())))
    await context.setOffline(true)
    await context.setOffline(false)
    await online
    expect(await page.evaluate(() => reading.client.state)).toBe('idle')
    expect(streams(site)).toBe(1)
  })

  it('a client that waits when its page is left goes on when it comes back', patience, async () => {
    const { site, page, connection, first } = await begin({ initial: 3_600_000 })
    first.response.destroy()
    await until(page, 'waiting')
    await page.goto(`${site.url}/blank`)
    await goBack(page)
    const { response, cursor } = await connection(2)
    response.end(done(2))
    expect(cursor).toBe('k-1')
    expect(events(await until(page, 'end well'))).toEqual(['tick k-1', 'done k-2'])
  })
})

async function until(page: Page, line: string): Promise<string[]> {
  return await page.evaluate((given) => reading.until(given), line)
}

async function visibility(page: Page): Promise<string> {
  return await page.evaluate(() => document.visibilityState)
}

/** `page.goBack()` waits for a load, which a page from the cache does not have. */
async function goBack(page: Page): Promise<void> {
  await Promise.all([page.waitForEvent('framenavigated'), page.evaluate(() => history.back())])
  expect(await page.evaluate(() => typeof reading), 'whether the page was kept').toBe('object')
}

function events(log: readonly string[]): string[] {
  return log.filter((line) => /^(tick|done) /.test(line))
}

function streams({ asked }: Site): number {
  return asked.filter(({ url }) => url === '/stream').length
}

function sequenceOf(cursor: unknown): number {
  return Number(String(cursor).slice(2))
}
