import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runs, seed } from './fuzzing.js'
import { dialFetch, dialHttp } from './lines.js'
import type { Pace } from './log-model.js'
import { type Step, steps, World } from './world.js'

console.log(`SSE_FUZZ_SEED=${seed} SSE_FUZZ_RUNS=${runs}`)

const atOnce: Pace = { reads: 0, isFresh: true, wakes: [0] }

/** Pages that are easily taken for each other: seldom met by chance. */
const examples: [maxEvents: number, Pace, Step[]][] = [
  [
    12,
    atOnce,
    [
      { do: 'connect', reader: 0, cursor: 'none' },
      { do: 'publish', count: 3, size: 0 },
      { do: 'wait', turns: 2 },
      // The same sequences, of another epoch.
      { do: 'replace' },
      { do: 'publish', count: 3, size: 300 },
      { do: 'settle' },
    ],
  ],
  [
    12,
    atOnce,
    [
      { do: 'connect', reader: 0, cursor: 'none' },
      { do: 'publish', count: 2, size: 0 },
      { do: 'wait', turns: 2 },
      { do: 'publish', count: 1, size: 0 },
      { do: 'wait', turns: 2 },
      // The same first event, and more of them.
      { do: 'connect', reader: 1, cursor: 'none' },
      { do: 'settle' },
    ],
  ],
]

describe.each([
  ['node:http', dialHttp],
  ['fetch', dialFetch],
])('over %s', { timeout: 60_000 + runs * 1_000 }, (_name, dial) => {
  it('§11 whatever happens and in whatever order, a reader has the log from its cursor, or was told of a gap before anything newer', async () => {
    let events = 0
    let gaps = 0
    const maxEvents = fc.integer({ min: 2, max: 12 })
    const pace: fc.Arbitrary<Pace> = fc.record({
      reads: fc.nat({ max: 3 }),
      isFresh: fc.boolean(),
      wakes: fc.constantFrom([0], [0], [1], [0, 2]),
    })
    const schedule = fc.array(steps, { maxLength: 60 })
    const law = fc.asyncProperty(maxEvents, pace, schedule, async (maxEvents, pace, schedule) => {
      const world = new World(maxEvents, pace, dial)
      await world.open()
      try {
        for (const step of schedule) await world.take(step)
        await world.finish()
      } catch (error) {
        await world.close().catch(() => {})
        throw error
      }
      for (const reader of world.readers) {
        events += reader.events
        gaps += reader.gaps
      }
    })
    await fc.assert(law, { numRuns: runs, seed, examples })
    // Or the schedules would be about nothing.
    expect(events).toBeGreaterThan(runs)
    expect(gaps).toBeGreaterThan(runs / 5)
  })
})
