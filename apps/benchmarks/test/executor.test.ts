import type { SSEEvent } from '@x/sse-protocol'
import { describe, expect, it } from 'vitest'
import { shapes, tasksOf } from '../src/executor/graphs.js'
import { runLoop } from '../src/executor/in-degree-loop.js'
import { executeToArray, loop, type Run } from '../src/executor/runs.js'
import { workload } from '../src/executor/workload.js'

const unlimited = { maxConcurrency: Number.POSITIVE_INFINITY, signal: new AbortController().signal }
const names = Object.keys(shapes)

describe.each(names)('the shape %s', (name) => {
  it.each([8, 100, 1_000])(
    'of %i tasks has as many, each after its dependencies, and is the same at every call',
    (size) => {
      const graph = shapes[name]!(size)
      expect(graph).toHaveLength(size)
      for (const [index, dependencies] of graph.entries()) {
        expect(new Set(dependencies).size).toBe(dependencies.length)
        for (const dependency of dependencies) expect(dependency).toBeLessThan(index)
      }
      expect(shapes[name]!(size)).toEqual(graph)
    },
  )
})

it.each([
  ['wide', 1, 0],
  ['chain', 1_000, 999],
  ['tree outwards', 10, 999],
  ['reduction', 10, 999],
  ['fan', 3, 998 * 2],
])('the shape %s of 1,000 tasks has %i layers and %i dependencies', (name, layers, dependencies) => {
  const graph = shapes[name]!(1_000)
  const depth: number[] = []
  for (const those of graph) depth.push(1 + Math.max(0, ...those.map((dependency) => depth[dependency]!)))
  expect(Math.max(...depth)).toBe(layers)
  expect(graph.flat()).toHaveLength(dependencies)
})

describe('the loop written by hand', () => {
  const tasks = tasksOf([[], [0], [], [1, 2], [2]])
  const statuses = (results: readonly { status: string }[]) => results.map(({ status }) => status)

  it('gives the outputs of all tasks', async () => {
    const results = await runLoop(tasks, (id) => id, unlimited)
    expect(results.map(({ taskId, output }) => [taskId, output])).toEqual(tasks.map(({ id }) => [id, id]))
  })

  it.each([
    ['throws', () => JSON.parse('{')],
    ['rejects', () => Promise.reject(new Error('no'))],
  ])('skips what depends on a task that %s, and nothing else', async (_, fail) => {
    const results = await runLoop(tasks, (id) => (id === 't0' ? fail() : id), unlimited)
    expect(statuses(results)).toEqual(['error', 'skipped', 'success', 'skipped', 'success'])
  })

  it('holds its limit', async () => {
    let running = 0
    let most = 0
    const call = async () => {
      running += 1
      most = Math.max(most, running)
      await Promise.resolve()
      running -= 1
    }
    await runLoop(tasksOf(shapes.wide!(50)), call, { ...unlimited, maxConcurrency: 3 })
    expect(most).toBe(3)
  })

  it('starts nothing after an abort', async () => {
    const controller = new AbortController()
    const { signal } = controller
    const call = (id: string) => {
      if (id === 't1') controller.abort()
      return id
    }
    expect(statuses(await runLoop(tasks, call, { ...unlimited, signal }))).toEqual([
      'success',
      'success',
      'success',
      'skipped',
      'skipped',
    ])
  })
})

describe('a contender is found out that', () => {
  const graph = shapes['layered random']!(50)
  const honest = loop(tasksOf(graph))
  it.each<[string, Run]>([
    [
      'leaves a task out',
      async (call) => ({ successes: (await honest((id) => (id === 't7' ? 0 : call(id)))).successes }),
    ],
    ['calls a task twice', (call) => honest((id) => (id === 't7' ? [call(id), call(id)] : call(id)))],
    ['loses a result', async (call) => ({ successes: (await honest(call)).successes - 1 })],
  ])('%s: by its checksum and by the check', async (_, run) => {
    const { check, pass, expected } = workload(graph, run)
    expect(await pass()).not.toBe(expected)
    await expect(check()).rejects.toThrow('Expected')
  })

  it.each<[string, (events: readonly SSEEvent[]) => readonly SSEEvent[]]>([
    ['loses an event', (events) => events.toSpliced(5, 1)],
    ['has one twice', (events) => events.toSpliced(5, 0, events[5]!)],
  ])('%s: by its checksum and by the check', async (_, change) => {
    const run: Run = async (call) => {
      const { events = [], ...outcome } = await executeToArray(tasksOf(graph))(call)
      return { ...outcome, events: change(events) }
    }
    const { check, pass, expected } = workload(graph, run, true)
    expect(await pass()).not.toBe(expected)
    await expect(check()).rejects.toThrow('Expected one start and one end of each task')
  })

  it('runs tasks before their dependencies: by the check', async () => {
    const run: Run = async (call) => {
      for (const index of [...graph.keys()].reverse()) call(`t${index}`)
      return { successes: graph.length }
    }
    await expect(workload(graph, run).check()).rejects.toThrow('to be called before')
  })
})
