import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
// Not public: what it holds on to cannot be seen from outside.
import { EventBuffer } from '../src/event-buffer.js'

it('holds on to nothing that was taken, also where it is never empty', async () => {
  const buffer = new EventBuffer<object>(10)
  buffer.start(() => {})
  const references: WeakRef<object>[] = []
  const push = (): void => {
    const item = {}
    references.push(new WeakRef(item))
    buffer.push(item)
  }
  for (let n = 0; n < 8; n += 1) push()
  for (let n = 0; n < 1_000; n += 1) {
    await buffer.take()
    push()
  }
  setFlagsFromString('--expose-gc')
  await new Promise((resolve) => setImmediate(resolve))
  runInNewContext('gc')()
  const held = references.filter((reference) => reference.deref() !== undefined).length
  expect(held).toBeGreaterThanOrEqual(8)
  // Those that wait, and at most as many that were taken since the last clearing up.
  expect(held).toBeLessThanOrEqual(24)
})
