import { describe, expect, it } from 'vitest'
import { CutServer, eventCount, places } from './browser/cut-server.js'
import { readPlaces } from './browser/in-page.js'
import { serve } from './http-server.js'

describe(`exactly once, with a stream of ${eventCount} events cut before each of its ${places.length} bytes`, () => {
  it.each([
    ['written at once', { cleanEnds: 'even', inPieces: false } as const],
    ['written in small pieces', { cleanEnds: 'odd', inPieces: true } as const],
  ])('§11 listeners and iterator each see every event once: %s', { timeout: 400_000 }, async (_, how) => {
    const server = new CutServer(how)
    const { url } = await serve(server.handle)
    const faults = await readPlaces({ url: `${url}/`, count: eventCount, places, atOnce: 16 })
    expect(faults).toEqual([])
    expect(server.faults).toEqual([])
    expect(server.connections).toBe(places.length * 2)
  })
})
