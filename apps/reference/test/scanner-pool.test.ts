import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { AnalysisPool } from '../src/scanner/analysis-pool.js'
import { matchSecrets } from '../src/scanner/secret-patterns.js'
import { type Fixture, fixture } from './scanner-fixture.js'

let opened: (AnalysisPool | Fixture)[] = []
afterEach(async () => {
  for (const thing of opened) thing instanceof AnalysisPool ? await thing.close() : thing[Symbol.dispose]()
  opened = []
})

/** A pool of one thread whose worker has these functions in the place of analyses. */
function open(functions: string): AnalysisPool {
  const made = fixture()
  const file = join(made.root, 'worker.mjs')
  writeFileSync(file, functions)
  const pool = new AnalysisPool({ maxThreads: 1, workerFile: pathToFileURL(file) })
  opened.push(pool, made)
  return pool
}

const never = new AbortController().signal

it('a result that comes after its task was aborted harms nobody', async () => {
  const pool = open(`export const countTestLines = () => 'first'
    export function findTodos(flag) {
      Atomics.store(flag, 0, 1)
      Atomics.notify(flag, 0)
      return 'second'
    }`)
  for (let round = 0; round < 5; round++) {
    const flag = new Int32Array(new SharedArrayBuffer(4))
    const controller = new AbortController()
    const reason = new Error('enough')
    const first = pool.run('countTestLines', { root: '', paths: [] }, never)
    const second = pool.run('findTodos', flag as never, controller.signal).catch((error: unknown) => error)
    await first
    // In the turn that brought the first answer the worker gives the second, while this thread is busy and does not take it.
    Atomics.wait(flag, 0, 0, 10_000)
    matchSecrets('eyJ'.repeat(100_000))
    controller.abort(reason)
    expect(await second).toBe(reason)
  }
})

it('a worker that dies fails its own task and no other', async () => {
  const pool = open(`export const findTodos = () => process.exit(3)
    export const findSecrets = () => { const all = []; for (;;) all.push(new Array(100_000).fill(0.5)) }
    export const countTestLines = () => 'done'`)
  const run = (name: 'findTodos' | 'findSecrets' | 'countTestLines') =>
    pool.run(name, { root: '', paths: [] }, never).catch((error: unknown) => String(error))
  expect(await Promise.all([run('findTodos'), run('countTestLines'), run('countTestLines')])).toEqual([
    expect.stringContaining('exited'),
    'done',
    'done',
  ])
  expect(await Promise.all([run('findSecrets'), run('countTestLines')])).toEqual([
    expect.stringContaining('memory'),
    'done',
  ])
})
