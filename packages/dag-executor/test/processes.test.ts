import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'

const run = promisify(execFile)
const file = new URL('../dist/index.js', import.meta.url).href

/** Retries, times out, cancels, streams, and says what came of it; every limit is far longer than the program may take. */
const program = `
  const { StreamingExecutor, ToolError } = await import(${JSON.stringify(file)})
  const tools = {
    flaky: (_, { attempt }) => { if (attempt < 3) throw new ToolError('no', 'No.'); return attempt },
    slow: (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    deaf: () => new Promise(() => {}),
  }
  const executor = new StreamingExecutor({ tools, grace: 10 })
  const retry = { attempts: 3, delayMs: 1 }
  const types = []
  const stream = executor.stream({ tasks: [
    { id: 'flaky', tool: 'flaky', retry, timeout: 3_600_000 },
    { id: 'late', tool: 'slow', timeout: 5 },
    { id: 'after', tool: 'flaky', dependsOn: ['flaky'], arguments: { n: { $ref: 'flaky' } }, retry },
  ] })
  for await (const { type } of stream) types.push(type)
  const first = await stream.result
  const controller = new AbortController()
  const second = executor.execute(
    { tasks: [{ id: 'deaf', tool: 'deaf', timeout: 3_600_000 }, { id: 'slow', tool: 'slow', timeout: 3_600_000 }] },
    { signal: controller.signal },
  )
  controller.abort()
  const codes = (await second).results.map(({ code }) => code)
  const statuses = first.results.map(({ status, attempts }) => [status, attempts])
  return { statuses, codes, last: types.at(-1), count: types.length }
`

const expected = {
  statuses: [
    ['success', 3],
    ['error', 1],
    ['success', 3],
  ],
  codes: ['abandoned', 'cancelled'],
  last: 'execution_complete',
  count: 16,
}

it('a process ends by itself after its executions: no timer and no listener is left', async () => {
  const script = `const main = async () => {${program}}; console.log(JSON.stringify(await main()))`
  // Within the time limit of this, and far earlier than its timeouts of an hour.
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { timeout: 30_000 })
  expect(JSON.parse(stdout)).toEqual(expected)
})

it('works in a worker thread, which ends by itself as well', async () => {
  const script = `const main = async () => {${program}}; main().then((found) => require('node:worker_threads').parentPort.postMessage(found))`
  const worker = new Worker(script, { eval: true })
  const messages: unknown[] = []
  worker.on('message', (message) => messages.push(message))
  const code = await new Promise((resolve, reject) => {
    worker.on('error', reject)
    worker.on('exit', resolve)
  })
  expect([code, messages]).toEqual([0, [expected]])
})
