import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStream, serve } from '../http-server.js'
import { done, opening, tick } from '../reading.js'
import { executablePath, launch, openPage, serveSite } from './harness.js'

/** A server of another origin that allows everything (PROTOCOL.md §4.8), with a line for each request. */
async function serveOther(handle: (request: IncomingMessage, response: ServerResponse, count: number) => void) {
  const asked: string[] = []
  let count = 0
  const { url } = await serve((request, response) => {
    const { method, headers } = request
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('access-control-expose-headers', 'content-location, location, retry-after')
    if (method === 'OPTIONS') {
      asked.push(`OPTIONS ${headers['access-control-request-headers']}`)
      response.setHeader('access-control-allow-headers', 'last-event-id, content-type')
      response.setHeader('access-control-max-age', '0')
      response.writeHead(204).end()
      return
    }
    asked.push(`${method} ${request.url} ${headers['last-event-id'] ?? ''}`.trim())
    count += 1
    handle(request, response, count)
  })
  return { url, asked }
}

/** One event with this id and a drop; then the stream has ended. */
function dropAt(id: string) {
  return (_: IncomingMessage, response: ServerResponse, count: number): void => {
    if (count === 1) openStream(response).end(`id: ${id}\nretry: 1\ndata: x\n\n`)
    else response.writeHead(204).end()
  }
}

describe.skipIf(!executablePath)('Chromium, with a stream of another origin', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())

  async function read(url: string, options: Record<string, unknown> = {}): Promise<string[]> {
    const site = await serveSite((_, response) => void response.writeHead(404).end())
    const page = await openPage(browser, site.url)
    return await page.evaluate(
      async (given) => {
        const { client, log } = sse.start<object>(given.url, given.options)
        await client.done.catch(() => {})
        return log
      },
      { url, options },
    )
  }

  // An EventSource is spared the preflight for a short plain id; fetch knows no such exception for anybody's header.
  it.each([
    ['cors/preflight-safe-id: a short plain id', 'abc'],
    ['cors/preflight-unsafe-id: an id with an unsafe character', 'e5p3n<3k0k0s'],
    ['an id that is too long to be safe', 'a'.repeat(255)],
  ])(
    'eventsource/eventsource-cross-origin-preflight.window.js: the first request has no preflight, one with a cursor has: %s',
    async (_, id) => {
      const other = await serveOther(dropAt(id))
      expect((await read(`${other.url}/stream`)).slice(-2)).toEqual(['ended', 'end well'])
      expect(other.asked).toEqual(['GET /stream', 'OPTIONS last-event-id', `GET /stream ${id}`])
    },
  )

  it('cors/preflight-safe-id: with the cursor in the query there is no preflight at all', async () => {
    const other = await serveOther(dropAt('abc'))
    const log = await read(`${other.url}/stream?a=b`, { cursorParameter: 'lastEventId' })
    expect(log.slice(-2)).toEqual(['ended', 'end well'])
    expect(other.asked).toEqual(['GET /stream?a=b', 'GET /stream?a=b&lastEventId=abc'])
  })

  it('a POST goes on by GET at the Content-Location that the server exposes', async () => {
    const other = await serveOther((request, response) => {
      if (request.method === 'POST') {
        response.setHeader('content-location', '/stream/7')
        openStream(response).end(`retry: 0\n\n${opening('k-0')}${tick(1)}`)
      } else if (request.headers['last-event-id'] === 'k-1') openStream(response).end(opening('k-1') + done(2))
      else response.writeHead(204).end()
    })
    const headers = { 'content-type': 'application/json' }
    const log = await read(`${other.url}/start`, { method: 'POST', body: '{}', headers })
    expect(log.filter((line) => line.includes(' '))).toEqual(['tick k-1', 'done k-2', 'end well'])
    expect(other.asked).toEqual([
      'OPTIONS content-type',
      'POST /start',
      'OPTIONS last-event-id',
      'GET /stream/7 k-1',
      'OPTIONS last-event-id',
      'GET /stream/7 k-2',
    ])
  })

  // To a script, an answer that it may not see is no other than no answer.
  it('a server that does not allow the origin is a connection that fails, tried within the budget', async () => {
    const { url, requests } = await serve((_, response) => {
      openStream(response).end('data: x\n\n')
    })
    const log = await read(url, { retry: { initial: 0, max: 1, budget: 2 } })
    expect(log).toEqual(['connecting', 'waiting', 'connecting', 'waiting', 'connecting', 'ended', 'end exhausted'])
    expect(requests).toHaveLength(3)
  })
})
