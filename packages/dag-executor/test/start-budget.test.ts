import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type DAGTask, ParallelExecutor, StreamingExecutor, type ToolRegistry } from '../src/index.js'
import { graph } from './held-tasks.js'

/** Counts the turns of the event loop, from which everybody else lives. */
let turn = 0
let stopCounting: () => void

beforeEach(() => {
  // Only the clock is held: a tool moves it to say how long it works at once. Turns are real.
  vi.useFakeTimers({ toFake: ['performance'] })
  turn = 0
  const count = (): void => {
    turn += 1
    const next = setImmediate(count)
    stopCounting = () => clearImmediate(next)
  }
  count()
})

afterEach(() => {
  stopCounting()
  vi.useRealTimers()
})

const starts: { taskId: string; turn: number }[] = []
const tools: ToolRegistry = {
  work: ({ ms = 3 }: { ms?: number }, { taskId }) => {
    starts.push({ taskId, turn })
    vi.advanceTimersByTime(ms)
    return taskId
  },
}
const startsPerTurn = () =>
  starts.reduce<number[]>((counts, { turn: at }) => {
    counts[at] = (counts[at] ?? 0) + 1
    return counts
  }, [])

beforeEach(() => {
  starts.length = 0
})

const chain = (length: number): DAGTask[] =>
  Array.from({ length }, (_, i) => ({ id: `t${i}`, tool: 'work', dependsOn: i === 0 ? [] : [`t${i - 1}`] }))
const wide = (length: number): DAGTask[] => chain(length).map((task) => ({ ...task, dependsOn: [] }))

it.each([
  ['side by side', wide],
  ['after one another', chain],
])('tasks %s that work at once leave turns of the event loop to others, and start in order', async (_, build) => {
  const result = await new ParallelExecutor({ tools }).execute({ tasks: build(60) })
  expect(Math.max(...startsPerTurn().filter(Number))).toBeLessThanOrEqual(8)
  expect(turn).toBeGreaterThanOrEqual(7)
  expect(starts.map(({ taskId }) => taskId)).toEqual(build(60).map(({ id }) => id))
  expect(result).toMatchObject({ status: 'success', executionTimeMs: 180 })
  expect(result.results.map(({ output }) => output)).toEqual(build(60).map(({ id }) => id))
})

it('tasks that take no time at once all start in the turn in which they can', async () => {
  const tasks = wide(500).map((task) => ({ ...task, arguments: { ms: 0 } }))
  await new ParallelExecutor({ tools }).execute({ tasks })
  expect(new Set(starts.map((start) => start.turn)).size).toBe(1)
})

it('a few tasks all start in the turn in which they can, however long that takes', async () => {
  await new ParallelExecutor({ tools }).execute({ tasks: wide(8).map((task) => ({ ...task, arguments: { ms: 50 } })) })
  expect(new Set(starts.map((start) => start.turn)).size).toBe(1)
})

it('limits hold over the turns', async () => {
  let [running, most] = [0, 0]
  const limited: ToolRegistry = {
    work: async () => {
      running += 1
      most = Math.max(most, running)
      vi.advanceTimersByTime(5)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
    },
  }
  await new ParallelExecutor({ tools: limited, maxConcurrency: 4 }).execute({ tasks: wide(40) })
  expect(most).toBeLessThanOrEqual(4)
  expect(most).toBeGreaterThan(1)
})

it('an abort gets its turn between the starts, and then nothing starts any more', async () => {
  const controller = new AbortController()
  setImmediate(() => controller.abort())
  const { status, results } = await new ParallelExecutor({ tools }).execute(
    { tasks: wide(1_000) },
    { signal: controller.signal },
  )
  expect(status).toBe('cancelled')
  expect(starts.length).toBeLessThan(20)
  expect(results).toHaveLength(1_000)
  const { length } = starts
  for (let more = 0; more < 5; more += 1) await new Promise((resolve) => setImmediate(resolve))
  expect(starts).toHaveLength(length)
})

it('works where the platform has no setImmediate', async () => {
  const original = globalThis.setImmediate
  vi.stubGlobal('setImmediate', undefined)
  try {
    const result = new ParallelExecutor({ tools }).execute({ tasks: wide(10) })
    expect(starts).toHaveLength(8)
    globalThis.setImmediate = original
    expect((await result).status).toBe('success')
  } finally {
    vi.unstubAllGlobals()
  }
  expect(starts).toHaveLength(10)
})

it('§8.3 events keep their order over the turns', async () => {
  const dag = graph({ a: [], b: ['a'], c: ['a'], d: ['b', 'c'] }, 'work')
  const seen: string[] = []
  for await (const { type, data } of new StreamingExecutor({ tools }).stream(dag)) {
    seen.push('taskId' in data ? `${type} ${String(data.taskId)}` : type)
  }
  const place = (name: string) => seen.indexOf(name)
  expect(seen[0]).toBe('execution_start')
  expect(seen.at(-1)).toBe('execution_complete')
  expect(seen).toHaveLength(10)
  for (const [id, dependencies] of [
    ['b', ['a']],
    ['c', ['a']],
    ['d', ['b', 'c']],
  ] as const) {
    for (const dependency of dependencies) {
      expect(place(`task_complete ${dependency}`)).toBeLessThan(place(`task_start ${id}`))
    }
  }
})
