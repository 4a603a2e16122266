import { describe, expect, it } from 'vitest'
import { type DAGTask, ParallelExecutor, StreamingExecutor, type ToolContext, type ToolRegistry } from '../src/index.js'

const order: string[] = []
const tools: ToolRegistry = {
  ok: (_: unknown, { taskId }) => {
    order.push(taskId)
  },
  fail: () => Promise.reject(new Error('no')),
}
const executor = new ParallelExecutor({ tools, maxTasks: 50_000 })
const run = (tasks: DAGTask[]) => {
  order.length = 0
  return executor.execute({ tasks })
}
const build = (count: number, dependsOn: (index: number) => number[], tool = 'ok'): DAGTask[] =>
  Array.from({ length: count }, (_, i) => ({ id: `t${i}`, tool, dependsOn: dependsOn(i).map((at) => `t${at}`) }))

describe('large graphs', { timeout: 30_000 }, () => {
  it('10,000 tasks without dependencies start in the order of the DAG, as many at a time as the limit is', async () => {
    let running = 0
    let most = 0
    const patient = async (_: unknown, { taskId }: ToolContext) => {
      order.push(taskId)
      running += 1
      most = Math.max(most, running)
      // Not all end in the order in which they started.
      for (let turns = order.length % 5; turns >= 0; turns -= 1) await Promise.resolve()
      running -= 1
    }
    order.length = 0
    const result = await new ParallelExecutor({ tools: { patient }, maxTasks: 10_000, maxConcurrency: 7 }).execute({
      tasks: build(10_000, () => [], 'patient'),
    })
    expect([most, running]).toEqual([7, 0])
    expect(result).toMatchObject({ status: 'success', parallelizationLayers: 1 })
    expect(order).toEqual(Array.from({ length: 10_000 }, (_, i) => `t${i}`))
  })

  it('a chain of 10,000 tasks neither overflows the stack nor starts out of order', async () => {
    const result = await run(build(10_000, (i) => (i === 0 ? [] : [i - 1])))
    expect(result).toMatchObject({ status: 'success', parallelizationLayers: 10_000 })
    expect(result.criticalPath.length).toBeGreaterThan(0)
    expect(order).toHaveLength(10_000)
  })

  it('a chain of 10,000 tasks whose first fails is skipped to its end, because of the first', async () => {
    const tasks = build(10_000, (i) => (i === 0 ? [] : [i - 1]))
    const { results } = await run([{ ...tasks[0]!, tool: 'fail' }, ...tasks.slice(1)])
    expect(results.slice(1).every(({ status, because }) => status === 'skipped' && because === 't0')).toBe(true)
  })

  it('10,000 tasks into one: it starts once, right after the last of them', async () => {
    await run([
      ...build(10_000, () => []),
      { id: 'last', tool: 'ok', dependsOn: Array.from({ length: 10_000 }, (_, i) => `t${i}`) },
    ])
    expect(order.indexOf('last')).toBe(10_000)
    expect(order).toHaveLength(10_001)
  })

  it('a binary tree of 2^15 - 1 tasks, outwards and inwards', async () => {
    const size = 2 ** 15 - 1
    const outwards = build(size, (i) => (i === 0 ? [] : [(i - 1) >> 1]))
    const inwards = build(size, (i) => (2 * i + 1 < size ? [2 * i + 1, 2 * i + 2] : []))
    for (const tasks of [outwards, inwards]) {
      expect(await executor.execute({ tasks })).toMatchObject({ status: 'success', parallelizationLayers: 15 })
    }
  })

  it('10,000 tasks are streamed completely', async () => {
    let count = 0
    const writable = new WritableStream({
      write() {
        count += 1
      },
    })
    const streaming = new StreamingExecutor({ tools, maxTasks: 10_000 })
    const tasks = build(10_000, (i) => (i < 100 ? [] : [i - 100]))
    expect(await streaming.executeWithStreaming({ tasks }, writable)).toMatchObject({ delivery: 'complete' })
    expect(count).toBe(20_002)
  })
})
