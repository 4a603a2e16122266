import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { findProgram } from '../../../../scripts/programs.mjs'
import { serve, type TestServer } from '../http-server.js'

export const executablePath = findProgram('chromium')

declare global {
  /** In pages that come from `serveSite`. */
  var sse: typeof import('./in-page.js')
  /** What a page reads between one call of a test and the next. */
  var reading: ReturnType<typeof sse.start>
}

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export async function launch(): Promise<Browser> {
  return await chromium.launch({ executablePath: executablePath!, args: flags })
}

export interface Tabs {
  /** A tab in front of those that are open. It is gone with the test. */
  open(url: string): Promise<Page>
  close(): Promise<void>
}

/** Chromium as people have it: tabs hide one another and can be frozen, and there is a back-forward cache. Playwright's own has none of it. */
export async function launchTabs(): Promise<Tabs> {
  const profile = await mkdtemp(join(tmpdir(), 'sse-client-chromium-'))
  const args = ['--headless', ...flags, '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank']
  const child = spawn(executablePath!, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(child, 'exit')
  const end = async (): Promise<void> => {
    child.kill()
    await exited
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const browser = await chromium.connectOverCDP(await endpointOf(child.stderr), { noDefaults: true })
    const context = browser.contexts()[0]!
    return {
      open: async (url) => {
        const page = await context.newPage()
        onTestFinished(() => page.close())
        await page.goto(url)
        await page.bringToFront()
        return page
      },
      close: async () => {
        await browser.close()
        await end()
      },
    }
  } catch (error) {
    await end()
    throw error
  }
}

async function endpointOf(output: Readable): Promise<string> {
  let text = ''
  for await (const chunk of output.iterator({ destroyOnReturn: false })) {
    text += chunk
    const endpoint = /ws:\/\/\S+/.exec(text)?.[0]
    if (endpoint) {
      output.resume()
      return endpoint
    }
  }
  throw new Error(`Chromium did not start: ${text}`)
}

/** A page in a context of its own that is gone with the test. Errors that nothing caught fail the test. */
export async function openPage(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const errors: Error[] = []
  page.on('pageerror', (error) => errors.push(error))
  onTestFinished(async () => {
    await context.close()
    if (errors.length > 0) throw errors[0]
  })
  await page.goto(url)
  return page
}

export interface Site extends TestServer {
  /** The requests for streams: everything but pages and scripts. */
  readonly asked: IncomingMessage[]
}

/** A server for one test, with pages and workers that have the client; what is none of those is handled. */
export async function serveSite(
  handle: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<Site> {
  const files = await bundled()
  const asked: IncomingMessage[] = []
  const server = await serve((request, response) => {
    const file = files[new URL(request.url!, 'http://localhost').pathname]
    if (file === undefined) {
      asked.push(request)
      handle(request, response, asked.length)
      return
    }
    const type = file.startsWith('<') ? 'text/html' : 'text/javascript'
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(file)
  })
  return { ...server, asked }
}

const scripts = { worker: '/worker.js', 'module worker': '/worker.mjs', 'shared worker': '/shared.js' }

export type Scope = 'page' | keyof typeof scripts

/** Runs a function, which sees nothing but its argument and `sse`, in a page or in a new worker of it. */
export async function runIn<Given, Answer>(
  page: Page,
  scope: Scope,
  task: (given: Given) => Answer | Promise<Answer>,
  given: Given,
): Promise<Answer> {
  if (scope === 'page') return (await page.evaluate(task as never, given)) as Answer
  const { answer, error } = await page.evaluate(
    ({ scope, script, text, given }) =>
      new Promise<{ answer: unknown; error?: string }>((resolve, reject) => {
        const shared = scope === 'shared worker' ? new SharedWorker(script) : undefined
        const worker = shared ?? new Worker(script, { type: scope === 'worker' ? 'classic' : 'module' })
        const port = worker instanceof Worker ? worker : worker.port
        worker.onerror = (event) => reject(new Error((event as ErrorEvent).message))
        port.onmessage = ({ data }) => resolve(data)
        port.postMessage({ text, given })
      }),
    { scope, script: scripts[scope], text: String(task), given: given as unknown },
  )
  if (error !== undefined) throw new Error(`In the ${scope}: ${error}`)
  return answer as Answer
}

/** Something that will happen once. */
export function signal() {
  let tell = (): void => {}
  const told = new Promise<void>((resolve) => {
    tell = resolve
  })
  return { tell, told }
}

const page = '<!doctype html><link rel="icon" href="data:,"><title>page</title>'

/** Runs a function that came as text, as `page.evaluate` does. */
const runner = `
const run = async ({ text, given }, port) => {
  try { port.postMessage({ answer: await eval('(' + text + ')')(given) }) } catch (error) { port.postMessage({ error: String(error) }) }
}`

let files: Promise<Record<string, string>> | undefined
/** The files of a site by path. */
async function bundled(): Promise<Record<string, string>> {
  files ??= Promise.all([bundle('iife'), bundle('esm')]).then(([script, module]) => ({
    '/': `${page}<script src="/client.js"></script>`,
    '/deep/frame': `${page}<script src="/client.js"></script>`,
    '/blank': page,
    '/client.js': script,
    '/client.mjs': module,
    '/worker.js': `importScripts('/client.js'); ${runner}; onmessage = ({ data }) => run(data, self)`,
    '/worker.mjs': `import * as client from '/client.mjs'; self.sse = client; ${runner}; onmessage = ({ data }) => run(data, self)`,
    '/shared.js': `importScripts('/client.js'); ${runner}; onconnect = ({ ports: [port] }) => { port.onmessage = ({ data }) => run(data, port) }`,
  }))
  return files
}

async function bundle(format: 'iife' | 'esm'): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('in-page.ts', import.meta.url))],
    bundle: true,
    write: false,
    platform: 'browser',
    target: 'es2022',
    format,
    ...(format === 'iife' ? { globalName: 'sse' } : undefined),
  })
  return outputFiles[0]!.text
}
