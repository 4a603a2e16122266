import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CutServer, eventCount, places } from './cut-server.js'
import { executablePath, launch, openPage, serveSite } from './harness.js'

const some = places.filter((place) => place % 7 === 0)

describe.skipIf(!executablePath)(`exactly once in Chromium, with a stream of ${eventCount} events`, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())

  it.each([
    [`before each of its ${places.length} bytes`, places, { cleanEnds: 'even', inPieces: false } as const],
    [
      `before every seventh (${some.length}), written in small pieces`,
      some,
      { cleanEnds: 'odd', inPieces: true } as const,
    ],
  ])('§11 listeners and iterator each see every event once, cut %s', { timeout: 400_000 }, async (_, cuts, how) => {
    const server = new CutServer(how)
    const site = await serveSite(server.handle)
    const page = await openPage(browser, site.url)
    // Chromium opens at most six connections to one host.
    const task = { url: `${site.url}/`, count: eventCount, places: cuts, atOnce: 6 }
    expect(await page.evaluate((given) => sse.readPlaces(given), task)).toEqual([])
    expect(server.faults).toEqual([])
    expect(server.connections).toBe(cuts.length * 2)
  })
})
