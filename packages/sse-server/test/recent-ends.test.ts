import { expect, it } from 'vitest'
import { RecentEnds } from '../src/recent-ends.js'

it('the last five thousand ends are known, and no more than ten thousand kept', () => {
  const ends = new RecentEnds()
  for (let n = 0; n < 30_000; n += 1) ends.add({ epoch: `e${n}`, sequence: n })
  const known = Array.from({ length: 30_000 }, (_, n) => ends.has({ epoch: `e${n}`, sequence: n }))
  expect(known.slice(25_000).every(Boolean)).toBe(true)
  expect(known.filter(Boolean).length).toBeLessThanOrEqual(10_000)
})

it('a place before the end, or none, is no end', () => {
  const ends = new RecentEnds()
  ends.add({ epoch: 'e', sequence: 3 })
  expect(
    [{ epoch: 'e', sequence: 2 }, { epoch: 'f', sequence: 3 }, undefined].map((cursor) => ends.has(cursor)),
  ).toEqual([false, false, false])
})
