import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { type Browser, chromium } from 'playwright-core'

/** A stream for a browser: for each connection in turn, what the server writes, piece by piece, before it ends the response. */
export interface ServedStream {
  readonly connections: readonly (readonly Uint8Array[])[]
  /** The event types to listen for; an EventSource tells nothing of the others. */
  readonly types: readonly string[]
}

/** An event as the browser's EventSource gave it: type, data and lastEventId. */
export type Received = readonly [type: string, data: string, lastEventId: string]

export interface NativeEventSource {
  readonly version: string
  /** What `new EventSource()` dispatches for each stream, until its last connection ends. */
  read(streams: readonly ServedStream[]): Promise<Received[][]>
  close(): Promise<void>
}

// A browser opens at most six HTTP/1.1 connections to one origin, and about 250 in all.
const origins = 8
const connectionsPerOrigin = 6

/** Starts Chromium and the servers that it reads from. */
export async function startNativeEventSource(executablePath: string): Promise<NativeEventSource> {
  let waiting: (readonly Uint8Array[])[][] = []
  const servers = await Promise.all(Array.from({ length: origins }, () => listen((index) => waiting[index]?.shift())))
  const urls = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  let browser: Browser | undefined
  try {
    browser = await chromium.launch({
      executablePath,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
    const page = await browser.newPage()
    await page.goto(urls[0]!)
    return {
      version: browser.version(),
      async read(streams) {
        waiting = streams.map(({ connections }) => [...connections])
        const plan = streams.map(({ types, connections }) => ({ types, connections: connections.length }))
        return JSON.parse(await page.evaluate(readInPage, { urls, plan, connectionsPerOrigin }))
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }

  async function close(): Promise<void> {
    await browser?.close()
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
  }
}

async function listen(next: (index: number) => readonly Uint8Array[] | undefined): Promise<Server> {
  // An id may hold control characters, which Chromium sends back in Last-Event-ID and Node by default answers with 400.
  const server = createServer({ insecureHTTPParser: true }, async (request, response) => {
    if (request.url === '/') {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html>')
      return
    }
    const chunks = next(Number(request.url!.slice(1)))
    if (!chunks) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Access-Control-Allow-Origin': '*' })
    response.flushHeaders()
    response.socket?.setNoDelay()
    for (const chunk of chunks) {
      // Each chunk in a packet of its own, as far as TCP lets us.
      await turn()
      response.write(chunk)
    }
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

/** Runs in the page. The answer is JSON in ASCII: what carries it need not know every code unit. */
async function readInPage(task: {
  urls: readonly string[]
  plan: readonly { types: readonly string[]; connections: number }[]
  connectionsPerOrigin: number
}): Promise<string> {
  const { urls, plan, connectionsPerOrigin } = task
  const results: [string, string, string][][] = plan.map(() => [])
  const read = (index: number, url: string) =>
    new Promise<void>((resolve) => {
      const { types, connections } = plan[index]!
      const source = new EventSource(`${url}${index}`)
      let ended = 0
      const take = (event: Event) => {
        // A server may name an event `open` or `error`: only that one has data.
        if (event instanceof MessageEvent) {
          results[index]!.push([event.type, event.data, event.lastEventId])
        } else if (event.type === 'error') {
          // The end of a response. An EventSource would connect again for ever.
          ended += 1
          if (ended < connections && source.readyState === EventSource.CONNECTING) return
          source.close()
          resolve()
        }
      }
      for (const type of new Set(['error', ...types])) source.addEventListener(type, take)
    })
  let next = 0
  const work = async (url: string) => {
    while (next < plan.length) {
      const index = next
      next += 1
      await read(index, url)
    }
  }
  await Promise.all(urls.flatMap((url) => Array.from({ length: connectionsPerOrigin }, () => work(url))))
  return JSON.stringify(results).replace(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
