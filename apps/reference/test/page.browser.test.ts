import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { findProgram } from '../../../scripts/programs.mjs'
import type { Agent } from '../src/agent.js'
import { cuttingProxy } from './cutting-proxy.js'
import { readToEnd, startServer, startSession } from './reference-server.js'

const executablePath = findProgram('chromium')

const scanRoot = mkdtempSync(join(tmpdir(), 'page-'))
for (let i = 0; i < 60; i += 1) {
  if (i % 6 === 0) mkdirSync(join(scanRoot, `d${i / 6}`))
  writeFileSync(
    join(scanRoot, `d${Math.floor(i / 6)}`, `f${i}.ts`),
    `// TODO: ✂ improve 😀 ${i}\nexport const x = ${i}\n`,
  )
}
afterAll(() => rmSync(scanRoot, { recursive: true }))

describe.skipIf(!executablePath)('in real Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: executablePath!,
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
  })
  afterAll(() => browser?.close())

  async function open(url: string): Promise<{ page: Page; faults: string[] }> {
    const page = await browser.newPage()
    const faults: string[] = []
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => {
      // The browser itself reports a cut connection as an error; that is what these tests do on purpose.
      if (message.type() === 'error' && !message.text().includes('net::ERR_')) faults.push(message.text())
    })
    onTestFinished(() => page.close())
    await page.goto(url)
    return { page, faults }
  }

  /** The report on the screen, and the one that the server holds for the session which the page shows. */
  async function reports(page: Page, url: string): Promise<{ shown: string | null; held: string }> {
    const sessionId = new URL(page.url()).hash.slice(1)
    const session = await (await fetch(`${url}/api/v1/sessions/${sessionId}`)).json()
    return { shown: await page.locator('#report').textContent(), held: session.result.report }
  }

  const finished = (page: Page) =>
    expect.poll(() => page.locator('#outcome').textContent(), { timeout: 45_000 }).toBe('complete')

  it('the page runs a scan; cut again and again in mid-event, the report ends complete and nothing is doubled', async () => {
    const { url } = await startServer({ scanRoot })
    const proxy = await cuttingProxy(url, { afterBytes: 5_777, times: 2 })
    const { page, faults } = await open(proxy.url)
    await page.getByRole('button', { name: 'Start a scan' }).click()
    await finished(page)
    expect(proxy.cuts()).toBe(2)
    const { shown, held } = await reports(page, url)
    expect(shown).toBe(held)
    expect(held.length).toBeGreaterThan(500)
    const events = await readToEnd(`${url}/api/v1/stream/${new URL(page.url()).hash.slice(1)}`)
    expect(await page.locator('#count').textContent()).toBe(String(events.length))
    expect(await page.locator('#cursor').textContent()).toBe(events.at(-1)!.id)
    expect(await page.locator('#tasks tr').count()).toBe(events.filter(({ type }) => type === 'task_complete').length)
    expect(faults).toEqual([])
  })

  it('the button drops the connection in the middle and restores it, and nothing is lost', async () => {
    const { url } = await startServer({ scanRoot })
    const { page, faults } = await open(url)
    await page.evaluate(() => {
      // Drop at the first piece of the report: the click is a person's, only faster.
      const button = document.getElementById('connection')!
      new MutationObserver((_, observer) => {
        observer.disconnect()
        button.click()
      }).observe(document.getElementById('report')!, { childList: true, characterData: true, subtree: true })
    })
    await page.getByRole('button', { name: 'Start a scan' }).click()
    await page.getByRole('button', { name: 'Restore the connection' }).waitFor()
    const atDrop = await page.locator('#report').textContent()
    await page.getByRole('button', { name: 'Restore the connection' }).click()
    await finished(page)
    const { shown, held } = await reports(page, url)
    expect(shown).toBe(held)
    expect(atDrop!.length).toBeLessThan(held.length)
    expect(faults).toEqual([])
  })

  it('a reload shows the same scan again', async () => {
    const { url } = await startServer({ scanRoot })
    const { page } = await open(url)
    await page.getByRole('button', { name: 'Start a scan' }).click()
    await finished(page)
    await page.reload()
    await finished(page)
    const { shown, held } = await reports(page, url)
    expect(shown).toBe(held)
  })

  it('a folder outside the scan root is refused in words', async () => {
    const { url } = await startServer({ scanRoot })
    const { page } = await open(url)
    await page.getByLabel('Folder').fill('../..')
    await page.getByRole('button', { name: 'Start a scan' }).click()
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('alert').textContent()).toMatch(/below the scan root/)
  })

  it('a scan that cannot start leaves the one on the screen as it is, dropped or not', async () => {
    const { url } = await startServer({ scanRoot })
    const { page } = await open(url)
    await page.getByRole('button', { name: 'Start a scan' }).click()
    await finished(page)
    const before = await page.locator('#report').textContent()
    await page.getByLabel('Folder').fill('none')
    await page.getByRole('button', { name: 'Start a scan' }).click()
    await page.getByRole('alert').waitFor()
    expect(await page.locator('#report').textContent()).toBe(before)
    await page.getByLabel('Folder').fill('d1')
    await page.getByRole('button', { name: 'Start a scan' }).click()
    await expect.poll(() => page.locator('#report').textContent()).toContain('# Scan of `d1`')
    await finished(page)
    const { shown, held } = await reports(page, url)
    expect(shown).toBe(held)
  })

  it('a scan that is cancelled says so, and so does a warning', async () => {
    const scanner: Agent = {
      name: 'scanner',
      description: 'Warns, and waits for the end',
      parse: async (input) => input,
      async run(_input, { warn, signal }) {
        await warn({ code: 'file_unreadable', message: 'Cannot read a.ts.' })
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    }
    const { url } = await startServer({ agents: [scanner] })
    const { page, faults } = await open(url)
    await page.getByRole('button', { name: 'Start a scan' }).click()
    await page.getByText('Cannot read a.ts.').waitFor()
    expect(await page.locator('#outcome').textContent()).toBe('running')
    await page.getByRole('button', { name: 'Cancel the scan' }).click()
    await expect.poll(() => page.locator('#outcome').textContent()).toBe('cancelled')
    expect(await page.locator('#notices').textContent()).toContain('The scan was asked to stop.')
    expect(faults).toEqual([])
  })

  it('B5 a native EventSource alone, with no code of ours, gets the whole stream over broken connections, and stops', async () => {
    const { url } = await startServer({ scanRoot })
    const stream = await startSession(url, 'scanner')
    const events = await readToEnd(stream)
    const proxy = await cuttingProxy(url, { afterBytes: 6_222, times: 2 })
    const { page } = await open(`${proxy.url}/healthz`)
    const seen = await page.evaluate(
      ({ path, types }) =>
        new Promise<{ type: string; data: string; lastEventId: string }[]>((resolve) => {
          const all: { type: string; data: string; lastEventId: string }[] = []
          const source = new EventSource(path)
          for (const type of types) {
            source.addEventListener(type, ({ data, lastEventId }) => all.push({ type, data, lastEventId }))
          }
          source.addEventListener('error', () => {
            if (source.readyState === EventSource.CLOSED) resolve(all)
          })
        }),
      { path: new URL(stream).pathname, types: [...new Set(events.map(({ type }) => type))] },
    )
    expect(proxy.cuts()).toBe(2)
    expect(seen).toEqual(events.map(({ type, data, lastEventId }) => ({ type, data, lastEventId })))
  })
})
