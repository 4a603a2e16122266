import type { ServerResponse } from 'node:http'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { executablePath, launch, openPage, runIn, type Site, serveSite, signal } from '../browser/harness.js'
import { openStream, serve } from '../http-server.js'
import { firstMessage, urlOf } from './in-scope.js'

const message = (_: unknown, response: ServerResponse): void => void openStream(response, 'data: data\n\n')

describe.skipIf(!executablePath)('in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())

  async function begin(handle: Parameters<typeof serveSite>[0] = message) {
    const site = await serveSite(handle)
    return { site, page: await openPage(browser, site.url) }
  }

  it('eventsource/eventsource-constructor-document-domain.window.js: a page that sets document.domain reads', async () => {
    const { page } = await begin()
    await page.evaluate(() => {
      // biome-ignore lint/correctness/noSelfAssign: setting it is what counts
      document.domain = document.domain
    })
    expect(await runIn(page, 'page', firstMessage, '/stream')).toMatchObject({ data: 'data' })
  })

  it.each(['page', 'worker', 'shared worker'] as const)(
    'eventsource/eventsource-constructor-empty-url.any.js: an empty address is that of the %s',
    async (scope) => {
      const { site, page } = await begin()
      const path = { page: '/', worker: '/worker.js', 'shared worker': '/shared.js' }[scope]
      expect(await runIn(page, scope, urlOf, '')).toBe(`${site.url}${path}`)
    },
  )

  it('eventsource/eventsource-constructor-stringify.window.js: an address that is no text becomes one', async () => {
    const { site, page } = await begin()
    const urls = await page.evaluate(() => {
      const made = { toString: () => 'resources/message' }
      return [made, 1, null, undefined].map(
        (url) => new sse.EventStreamClient(url as unknown as string, { autoOpen: false }).url,
      )
    })
    expect(urls).toEqual(['resources/message', '1', 'null', 'undefined'].map((path) => `${site.url}/${path}`))
  })

  it("eventsource/eventsource-constructor-url-multi-window.htm: an address is resolved against the frame's that has the client", async () => {
    const { site, page } = await begin()
    await page.evaluate(addFrame, `${site.url}/deep/frame`)
    const url = await page.evaluate(async () => {
      const client = new (frames[0] as unknown as typeof globalThis).sse.EventStreamClient('message')
      await new Promise((resolve) => client.addEventListener('open', resolve))
      client.close()
      return client.url
    })
    expect(url).toBe(`${site.url}/deep/message`)
    expect(site.asked.map(({ url }) => url)).toEqual(['/deep/message'])
  })

  it("eventsource/eventsource-onmessage-realm.htm: events are made in the frame's realm that has the client", async () => {
    const { site, page } = await begin()
    await page.evaluate(addFrame, `${site.url}/deep/frame`)
    const realms = await page.evaluate(async () => {
      const other = frames[0] as unknown as typeof globalThis
      const client = new other.sse.EventStreamClient('message')
      const event = await new Promise<Event>((resolve) => client.addEventListener('message', resolve))
      client.close()
      return [event instanceof other.Event, event instanceof Event]
    })
    expect(realms).toEqual([true, false])
  })

  it('eventsource/eventsource-cross-origin.window.js: another origin that allows it is read, over a redirect and a reconnect too', async () => {
    const { site, page } = await begin()
    const { url } = await serve((request, response) => {
      allow(response, site)
      if (request.url === '/redirect') response.writeHead(302, { location: '/message' }).end()
      else if (request.url === '/reconnect' && !reconnected) {
        reconnected = true
        openStream(response).end('retry: 1\n\n')
      } else openStream(response, 'data: data\n\n')
    })
    let reconnected = false
    for (const path of ['/message', '/redirect', '/reconnect']) {
      const event = await runIn(page, 'page', firstMessage, `${url}${path}`)
      expect(event, path).toMatchObject({ data: 'data' })
    }
    expect(reconnected).toBe(true)
  })

  // An EventSource gives up; fetch does not tell this from a network that is down, which comes back.
  it.each([
    ['that allows another one', { 'access-control-allow-origin': 'http://example.org' }],
    ['that allows none by name', { 'access-control-allow-origin': '' }],
    ['that says nothing', {}],
  ])('eventsource/eventsource-cross-origin.window.js: nothing is heard of another origin %s', async (_, headers) => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', ...headers }).end('data: data\n\n')
    })
    const { page } = await begin()
    const log = await page.evaluate(async (given) => {
      const { client, log } = sse.start<object>(given, { retry: { budget: 0 } })
      await client.done.catch(() => {})
      return log
    }, url)
    expect(log).toEqual(['connecting', 'ended', 'end exhausted'])
  })

  // Events of this client tell no origin: that of the final address shows only in what was read.
  it('eventsource/eventsource-cross-origin-redirect-origin.any.js: a redirect to another origin is followed', async () => {
    const { url } = await serve((_, response) => {
      response.setHeader('access-control-allow-origin', '*')
      openStream(response, 'data: elsewhere\n\n')
    })
    const { page } = await begin((_, response) => void response.writeHead(302, { location: url }).end())
    expect(await runIn(page, 'page', firstMessage, '/redirect')).toMatchObject({ data: 'elsewhere' })
  })

  // An EventSource is closed by `window.stop()`; a request that was stopped is to a script one that failed.
  it('eventsource/eventsource-request-cancellation.any.window.js: of a request that the page stops nothing is heard', async () => {
    const asked = signal()
    const { site, page } = await begin((_, response) => {
      response.on('close', stopped.tell)
      asked.tell()
    })
    const stopped = signal()
    await page.evaluate(() => {
      globalThis.reading = sse.start<object>('/stream', { retry: { initial: 3_600_000 } }) as never
    })
    await asked.told
    await page.evaluate(() => stop())
    await stopped.told
    const log = await page.evaluate(() => reading.until('waiting'))
    expect(log).toEqual(['connecting', 'waiting'])
    expect(site.asked).toHaveLength(1)
  })

  it('eventsource/eventsource-url.any.js: `url` is the address, resolved', async () => {
    const { site, page } = await begin()
    expect(await runIn(page, 'page', urlOf, 'resources/message')).toBe(`${site.url}/resources/message`)
  })

  it('eventsource/request-cache-control.any.js: no cache answers, on this origin or another', async () => {
    const { site, page } = await begin()
    const { url, requests } = await serve((_, response) => {
      allow(response, site)
      openStream(response, 'data: data\n\n')
    })
    for (const stream of ['/stream', '/stream', url, url]) await runIn(page, 'page', firstMessage, stream)
    const sent = [...site.asked, ...requests].map(({ headers }) => headers['cache-control'])
    expect(sent).toEqual(Array.from({ length: 4 }, () => 'no-cache'))
  })

  it.each([
    ['enabled', { withCredentials: true }, 'second a=1'],
    ['disabled', { withCredentials: false }, 'second none'],
    ['default', {}, 'second none'],
  ])('eventsource/request-credentials.any.window.js: cookies of another origin, %s', async (_, options, expected) => {
    const { site, page } = await begin()
    const { url } = await serve((request, response, count) => {
      allow(response, site)
      response.setHeader('set-cookie', 'a=1; Path=/')
      const text = `${count === 1 ? 'first' : 'second'} ${request.headers.cookie ?? 'none'}`
      openStream(response).end(`retry: 1\ndata: ${text}\n\n`)
    })
    const seen = await page.evaluate(
      async (given) => {
        const client = new sse.EventStreamClient(given.url, given.options)
        const texts: unknown[] = []
        for await (const { data } of client) if (texts.push(data) === 2) break
        return texts
      },
      { url, options },
    )
    expect(seen).toEqual(['first none', expected])
  })
})

function allow(response: ServerResponse, { url }: Site): void {
  response.setHeader('access-control-allow-origin', url)
  response.setHeader('access-control-allow-credentials', 'true')
}

async function addFrame(url: string): Promise<void> {
  const frame = document.createElement('iframe')
  frame.src = url
  const loaded = new Promise((resolve) => {
    frame.onload = resolve
  })
  document.body.append(frame)
  await loaded
}
