import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium, type Page } from 'playwright-core'

export type ReactVersion = 18 | 19

/** A request for a stream that has reached the server; the test answers it by hand. */
export interface HeldRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly response: ServerResponse
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>
}

export interface ReactPages {
  /** An empty page with the kit of page.ts, and a server that knows nothing of earlier tests. */
  open(): Promise<{ page: Page; requests: HeldRequest[]; next: () => Promise<HeldRequest>; errors: string[] }>
  close(): Promise<void>
}

const require = createRequire(import.meta.url)

/** React 18 is installed under another name. */
const alias = {
  react: dirname(require.resolve('react18')),
  'react-dom': dirname(require.resolve('react-dom18')),
}

/** One file of an entry and all that it needs, with the given React. */
export async function bundle(entry: URL, version: ReactVersion, platform: 'browser' | 'node'): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    platform,
    format: platform === 'node' ? 'cjs' : 'iife',
    target: 'es2022',
    define: { 'process.env.NODE_ENV': '"development"' },
    ...(version === 18 ? { alias } : undefined),
  })
  return outputFiles[0]!.text
}

/** Starts Chromium, and a server for pages and streams. */
export async function startReactPages(executablePath: string, version: ReactVersion): Promise<ReactPages> {
  const script = await bundle(new URL('./page.ts', import.meta.url), version, 'browser')
  let receive: (request: HeldRequest) => void = () => {}
  const server = createServer((request, response) => {
    if (request.url === '/') {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end('<!doctype html><link rel="icon" href="data:,"><main></main><script src="/page.js"></script>')
    } else if (request.url === '/page.js') {
      response.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8' }).end(script)
    } else if (request.url === '/nothing') {
      response.writeHead(204).end()
    } else {
      void hold(request, response).then((held) => receive(held))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const browser = await chromium
    .launch({
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
    .catch((error) => {
      stop(server)
      throw error
    })
  const page = await browser.newPage()
  let errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text())
  })
  return {
    async open() {
      await page.goto('about:blank')
      const requests: HeldRequest[] = []
      const waiting: ((request: HeldRequest) => void)[] = []
      receive = (request) => {
        requests.push(request)
        waiting.shift()?.(request)
      }
      let taken = 0
      const next = async (): Promise<HeldRequest> => {
        taken += 1
        return requests[taken - 1] ?? new Promise((resolve) => waiting.push(resolve))
      }
      errors = []
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
      return { page, requests, next, errors }
    },
    async close() {
      await browser.close()
      stop(server)
    },
  }
}

function stop(server: Server): void {
  server.closeAllConnections()
  server.close()
}

async function hold(request: IncomingMessage, response: ServerResponse): Promise<HeldRequest> {
  const closed = new Promise<void>((resolve) => response.once('close', resolve))
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  return { method: request.method!, url: request.url!, headers: request.headers, body, response, closed }
}
