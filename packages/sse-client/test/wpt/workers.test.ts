import type { ServerResponse } from 'node:http'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { executablePath, launch, openPage, runIn, serveSite } from '../browser/harness.js'
import { openStream } from '../http-server.js'
import { firstMessage, urlOf } from './in-scope.js'

const message = (_: unknown, response: ServerResponse): void => void openStream(response, 'data: data\n\n')

describe.skipIf(!executablePath)('in workers of Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())

  async function begin() {
    const site = await serveSite(message)
    return { site, page: await openPage(browser, site.url) }
  }

  describe.each([
    ['dedicated-worker', 'worker', 'eventsource-eventtarget.worker.js'],
    ['shared-worker', 'shared worker', 'eventsource-eventtarget.htm'],
  ] as const)('eventsource/%s', (folder, scope, eventTarget) => {
    it(`eventsource/${folder}/eventsource-close.htm: close() in \`open\` takes effect at once`, async () => {
      const { page } = await begin()
      const states = await runIn(
        page,
        scope,
        async (url) => {
          const client = new sse.EventStreamClient(url)
          await new Promise((resolve) => client.addEventListener('open', resolve))
          const before = client.state
          client.close()
          return [before, client.state]
        },
        '/stream',
      )
      expect(states).toEqual(['open', 'idle'])
    })

    it(`eventsource/${folder}/eventsource-constructor-non-same-origin.htm: an address of another scheme ends the client`, async () => {
      const { page } = await begin()
      const attempts = await runIn(
        page,
        scope,
        async (urls) => {
          let count = 0
          for (const url of urls) {
            const counted = (given: string, init: RequestInit): Promise<Response> => {
              count += 1
              return fetch(given, init)
            }
            try {
              await new sse.EventStreamClient(url, { fetch: counted, retry: { initial: 0, max: 1, budget: 3 } }).done
              return 'read to the end'
            } catch {}
          }
          return count
        },
        ['ftp://example.not/', 'about:blank', 'mailto:whatwg@awesome.example', "javascript:alert('FAIL')"],
      )
      expect(attempts).toBeLessThanOrEqual(4)
    })

    it(`eventsource/${folder}/eventsource-constructor-url-bogus.htm: an address that is none throws at once`, async () => {
      const { page } = await begin()
      const thrown = await runIn(
        page,
        scope,
        (url) => {
          try {
            new sse.EventStreamClient(url)
            return undefined
          } catch (error) {
            return (error as Error).name
          }
        },
        // The address of the original, with spaces in its host, is one to Chromium, which fails that test itself.
        'http://[',
      )
      expect(thrown).toBe('TypeError')
    })

    it(`eventsource/${folder}/${eventTarget}: addEventListener() hears messages`, async () => {
      const { page } = await begin()
      expect(await runIn(page, scope, firstMessage, '/stream')).toMatchObject({ data: 'data' })
    })

    it(`eventsource/${folder}/eventsource-onmessage.htm: a block without a name is a \`message\` event with data`, async () => {
      const { page } = await begin()
      expect(await runIn(page, scope, firstMessage, '/stream')).toEqual({ type: 'message', data: 'data', id: '' })
    })

    it(`eventsource/${folder}/eventsource-onopen.htm: \`open\` is a plain event that comes when the client is open`, async () => {
      const { page } = await begin()
      const opened = await runIn(
        page,
        scope,
        async (url) => {
          const client = new sse.EventStreamClient(url)
          const event = await new Promise<Event>((resolve) => client.addEventListener('open', resolve))
          const { state } = client
          client.close()
          return { state, hasData: 'data' in event, bubbles: event.bubbles, cancelable: event.cancelable }
        },
        '/stream',
      )
      expect(opened).toEqual({ state: 'open', hasData: false, bubbles: false, cancelable: false })
    })

    it(`eventsource/${folder}/eventsource-prototype.htm: the prototype can be extended`, async () => {
      const { page } = await begin()
      const extended = await runIn(
        page,
        scope,
        (url) => {
          Object.assign(sse.EventStreamClient.prototype, { returnTrue: () => true })
          const client = new sse.EventStreamClient(url, { autoOpen: false })
          return (client as unknown as { returnTrue(): boolean }).returnTrue()
        },
        '/stream',
      )
      expect(extended).toBe(true)
    })

    it(`eventsource/${folder}/eventsource-url.htm: \`url\` is the address, resolved against the worker's`, async () => {
      const { site, page } = await begin()
      expect(await runIn(page, scope, urlOf, 'resources/message')).toBe(`${site.url}/resources/message`)
    })
  })

  it('eventsource/dedicated-worker/eventsource-close2.htm: a client can be made in a worker that is closing', async () => {
    const { page } = await begin()
    const state = await runIn(
      page,
      'worker',
      (url) => {
        self.close()
        return new sse.EventStreamClient(url).state
      },
      '/stream',
    )
    expect(state).toBe('idle')
  })
})
