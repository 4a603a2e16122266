import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { AnalysisPool } from '../src/scanner/analysis-pool.js'
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
