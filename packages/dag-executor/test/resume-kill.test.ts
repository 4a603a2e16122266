import { type ChildProcess, spawn } from 'node:child_process'
import { watch } from 'node:fs'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readExecution } from '../src/index.js'

const file = new URL('../dist/index.js', import.meta.url).href

/** Layers of five, each task of three of the layer before. */
const tasks = Array.from({ length: 40 }, (_, i) => {
  const layer = Math.floor(i / 5)
  const dependsOn = layer === 0 ? [] : [0, 1, 3].map((step) => `t${(layer - 1) * 5 + ((i + step) % 5)}`)
  return { id: `t${i}`, tool: 'add', dependsOn, arguments: { own: i, from: dependsOn.map(($ref) => ({ $ref })) } }
})

/**
 * Runs the plan, or goes on with it. A tool leaves a line in a file of its key for every call. From so many lines of the log on, appends are
 * made and not answered, so that nobody can be too late to end the process.
 */
const program = `
  import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync } from 'node:fs'
  const { ParallelExecutor } = await import(${JSON.stringify(file)})
  const [log, effects, stopAt] = process.argv.slice(1)
  const text = existsSync(log) ? readFileSync(log, 'utf8') : ''
  const whole = text.slice(0, text.lastIndexOf('\\n') + 1)
  if (whole !== text) truncateSync(log, Buffer.byteLength(whole))
  const events = whole.split('\\n').slice(0, -1).map((line) => JSON.parse(line))
  let lines = events.length
  const journal = {
    append: async (added) => {
      const handle = openSync(log, 'a')
      for (const event of added) {
        appendFileSync(handle, JSON.stringify(event) + '\\n')
        fsyncSync(handle)
        lines += 1
        if (lines >= stopAt) {
          setInterval(() => {}, 1_000)
          await new Promise(() => {})
        }
      }
      closeSync(handle)
    },
  }
  const add = async ({ own, from }, { idempotencyKey }) => {
    appendFileSync(effects + '/' + encodeURIComponent(idempotencyKey), process.pid + '\\n')
    await new Promise((resolve) => setImmediate(resolve))
    return from.reduce((sum, value) => sum + value, own)
  }
  const executor = new ParallelExecutor({ tools: { add }, journal })
  const { status, results } = await executor.execute({ tasks: ${JSON.stringify(tasks)} }, { executionId: 'run/1', resumeFrom: events })
  console.log(JSON.stringify({ status, outputs: results.map(({ output }) => output) }))
`

let directory: string
let log: string
let effects: string
let child: ChildProcess | undefined

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dag-executor-'))
  log = join(directory, 'log')
  effects = join(directory, 'effects')
  await mkdir(effects)
  await writeFile(log, '')
})

afterEach(async () => {
  child?.kill('SIGKILL')
  await rm(directory, { recursive: true })
})

/** What the process writes and how it ends. */
function start(stopAt: number): Promise<{ output: string; errors: string; signal: string | null }> {
  const args = ['--input-type=module', '-e', program, '--', log, effects, String(stopAt)]
  const started = spawn(process.execPath, args)
  child = started
  let output = ''
  let errors = ''
  started.stdout.on('data', (data) => {
    output += data
  })
  started.stderr.on('data', (data) => {
    errors += data
  })
  return new Promise((resolve) => started.on('close', (_, signal) => resolve({ output, errors, signal })))
}

const readLines = async () => (await readFile(log, 'utf8')).split('\n').slice(0, -1)

/** Ends the process with SIGKILL once the log has so many lines. */
async function killAt(lines: number): Promise<void> {
  const ended = start(lines)
  const watcher = watch(directory, async () => {
    if ((await readLines()).length >= lines) child?.kill('SIGKILL')
  })
  const { signal, errors } = await ended
  watcher.close()
  expect([signal, errors]).toEqual(['SIGKILL', ''])
}

/** Of the execution `run/1`. */
const keyOf = (id: string) => `run%2F1/${id}`

/** How often each task was called, by its key, and which of them are at their end in the log. */
async function look() {
  const calls = new Map<string, number>()
  for (const name of await readdir(effects)) {
    const text = await readFile(join(effects, name), 'utf8')
    calls.set(decodeURIComponent(name), text.split('\n').length - 1)
  }
  const record = readExecution((await readLines()).map((line) => JSON.parse(line)))
  const ended = [...record!.tasks].flatMap(([id, { end }]) => (end ? [keyOf(id)] : []))
  return { calls, ended }
}

it('an execution that is killed again and again ends as one that is not, and calls no task again that has ended', async () => {
  const finalCalls = new Map<string, number>()
  let kills = 0
  for (const lines of [1, 4, 13, 14, 29, 46, 70, 81]) {
    await killAt(lines)
    kills += 1
    expect((await readLines()).length).toBe(lines)
    const { calls, ended } = await look()
    for (const [key, count] of finalCalls) expect(calls.get(key)).toBe(count)
    // Nobody started before the ends of what it depends on were safe.
    for (const { id, dependsOn } of tasks) {
      if (calls.has(keyOf(id))) expect(ended).toEqual(expect.arrayContaining(dependsOn.map(keyOf)))
    }
    for (const key of ended) finalCalls.set(key, calls.get(key)!)
    // A process may also be killed in the middle of a line.
    if (kills % 2 === 0) await appendFile(log, '{"type":"task_complete","data":{"taskId":"t0","sta')
  }
  expect(finalCalls.size).toBeGreaterThan(25)
  const { output, errors } = await start(Number.POSITIVE_INFINITY)
  expect(errors).toBe('')
  const values: number[] = []
  for (const { arguments: args } of tasks) {
    values.push(args.from.reduce((sum, { $ref }) => sum + values[Number($ref.slice(1))]!, args.own))
  }
  expect(JSON.parse(output)).toEqual({ status: 'success', outputs: values })
  const { calls } = await look()
  for (const [key, count] of finalCalls) expect(calls.get(key)).toBe(count)
  expect([...calls.keys()].sort()).toEqual(tasks.map(({ id }) => keyOf(id)).sort())
  for (const count of calls.values()) expect(count).toBeLessThanOrEqual(kills + 1)
  const before = await readLines()
  expect(JSON.parse((await start(Number.POSITIVE_INFINITY)).output)).toEqual(JSON.parse(output))
  expect([await readLines(), (await look()).calls]).toEqual([before, calls])
})
