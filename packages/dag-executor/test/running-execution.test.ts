import type { SSEEvent } from '@x/sse-protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type DAGTask, ParallelExecutor, StreamingExecutor, type ToolRegistry } from '../src/index.js'
import { graph, HeldTasks, settled } from './held-tasks.js'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const start = (
  held: HeldTasks,
  tasks: DAGTask[],
  options: { maxConcurrency?: number; failureMode?: 'fail-fast' } = {},
) => new ParallelExecutor({ tools: { held: held.tool }, ...options }).start({ tasks }, { executionId: 'e' })

describe('start', () => {
  it('begins at once, and gives the id and the result', async () => {
    const held = new HeldTasks()
    const execution = start(held, graph({ a: [] }).tasks)
    expect(execution.executionId).toBe('e')
    expect(held.order).toEqual(['a'])
    held.call('a').succeed(1)
    expect(await execution.result).toMatchObject({ executionId: 'e', status: 'success', results: [{ output: 1 }] })
  })

  it('throws at once where the DAG is refused', () => {
    expect(() => start(new HeldTasks(), graph({ a: ['a'] }).tasks)).toThrow('cannot be run')
  })
})

describe('cancel', () => {
  it('aborts what runs with the reason, skips what waits, and gives a grace', async () => {
    const held = new HeldTasks()
    const execution = start(held, graph({ polite: [], deaf: [], waiting: ['polite'] }).tasks)
    const { context, fail } = held.call('polite')
    const reason = new Error('enough')
    execution.cancel(reason)
    execution.cancel(new Error('again'))
    expect(context.signal.reason).toBe(reason)
    fail(new Error('stopped'))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await execution.result).toMatchObject({
      status: 'cancelled',
      results: [{ code: 'cancelled' }, { code: 'abandoned' }, { status: 'skipped', code: 'cancelled' }],
    })
  })

  it('has an AbortError as its reason by default, and is a timeout where the reason is one', async () => {
    const held = new HeldTasks()
    const first = start(held, graph({ a: [] }).tasks)
    first.cancel()
    expect(held.call('a').context.signal.reason).toMatchObject({ name: 'AbortError' })
    held.call('a').succeed()
    expect((await first.result).status).toBe('cancelled')
    const second = start(held, graph({ b: [] }).tasks)
    second.cancel(new DOMException('over', 'TimeoutError'))
    held.call('b').succeed()
    expect((await second.result).status).toBe('timeout')
  })

  it('does nothing after the end', async () => {
    const held = new HeldTasks()
    const execution = start(held, graph({ a: [] }).tasks)
    held.call('a').succeed()
    const result = await execution.result
    execution.cancel()
    execution.cancelTask('a')
    expect(await execution.result).toBe(result)
    expect(result.status).toBe('success')
  })

  it('of a stream works from the moment it is there, before the first task', async () => {
    const held = new HeldTasks()
    const stream = new StreamingExecutor({ tools: { held: held.tool } }).stream(graph({ a: [], b: ['a'] }))
    expect(stream.explain('a')).toMatchObject({ phases: [{ phase: 'waiting', atMs: 0 }], attempts: [] })
    stream.cancel()
    const events: SSEEvent[] = []
    for await (const event of stream) events.push(event)
    expect(events.map(({ type }) => type)).toEqual([
      'execution_start',
      'task_complete',
      'task_complete',
      'execution_complete',
    ])
    expect((await stream.result).status).toBe('cancelled')
    expect(held.order).toEqual([])
  })

  it('of a task of a stream that has not begun keeps that task from starting, and no other', async () => {
    const held = new HeldTasks()
    const { tasks } = graph({ a: [], b: [], c: ['a'] })
    const stream = new StreamingExecutor({ tools: { held: held.tool } }).stream({
      tasks: tasks.map((task) => (task.id === 'a' ? { ...task, onError: 'ignore' } : task)),
    })
    stream.cancelTask('a')
    ;(await held.started('b')).succeed()
    ;(await held.started('c')).succeed()
    expect(await stream.result).toMatchObject({ status: 'success', results: [{ status: 'skipped' }, {}, {}] })
    expect(held.order.toSorted()).toEqual(['b', 'c'])
  })
})

describe('cancelTask', () => {
  const onErrors = [
    ['skip-dependents', undefined, { status: 'skipped', because: 'a' }, 'error'],
    ['ignore', 'ignored', { status: 'success' }, 'success'],
    [{ fallback: 7 }, 'fallback', { status: 'success' }, 'success'],
  ] as const

  it.each(onErrors)('of a running task: its dependents follow its onError %j, siblings go on', async (...row) => {
    const [onError, handled, dependent, status] = row
    const held = new HeldTasks()
    const { tasks } = graph({ a: [], sibling: [], after: ['a'] })
    // The mode of failure is not asked: nothing has failed by itself.
    const failFast = { failureMode: 'fail-fast' } as const
    const execution = start(held, [{ ...tasks[0]!, onError, retry: { attempts: 5 } }, ...tasks.slice(1)], failFast)
    const reason = new Error('not this one')
    execution.cancelTask('a', reason)
    const { context, fail } = held.call('a')
    expect(context.signal.reason).toBe(reason)
    fail(reason)
    await settled()
    expect(held.call('sibling').context.signal.aborted).toBe(false)
    held.call('sibling').succeed()
    if (held.has('after')) held.call('after').succeed()
    const result = await execution.result
    expect(result.status).toBe(status)
    expect(result.results).toMatchObject([
      { status: 'error', code: 'cancelled', attempts: 1 },
      { status: 'success' },
      dependent,
    ])
    expect(result.results[0]?.handled).toBe(handled)
  })

  it.each(onErrors)(
    'of a task that has not started: it is skipped, its dependents follow its onError %j',
    async (...row) => {
      const [onError, handled, dependent, status] = row
      const held = new HeldTasks()
      const { tasks } = graph({ a: ['first'], first: [], after: ['a'] })
      const execution = start(held, [{ ...tasks[0]!, onError }, ...tasks.slice(1)])
      execution.cancelTask('a')
      held.call('first').succeed()
      await settled()
      if (held.has('after')) held.call('after').succeed()
      const result = await execution.result
      expect(held.has('a')).toBe(false)
      expect(result.status).toBe(status)
      expect(result.results).toMatchObject([
        { status: 'skipped', code: 'cancelled', attempts: 0 },
        { status: 'success' },
        dependent,
      ])
      expect(result.results[0]?.handled).toBe(handled)
    },
  )

  it('of a task that waits for a slot leaves its place to the next, also where the limit is of the tool', async () => {
    const held = new HeldTasks()
    const tools: ToolRegistry = { held: { run: held.tool, maxConcurrency: 1 } }
    const execution = new ParallelExecutor({ tools }).start(graph({ a: [], b: [], c: [] }))
    execution.cancelTask('b')
    held.call('a').succeed()
    await settled()
    expect(held.order).toEqual(['a', 'c'])
    held.call('c').succeed()
    expect((await execution.result).results).toMatchObject([{}, { status: 'skipped' }, { status: 'success' }])
  })

  it('of a task in backoff ends it as cancelled, and clears the wait', async () => {
    const held = new HeldTasks()
    const execution = start(held, [{ id: 'a', tool: 'held', retry: { attempts: 2 } }])
    held.call('a').fail(new Error('first'))
    await settled()
    expect(vi.getTimerCount()).toBe(1)
    execution.cancelTask('a')
    expect((await execution.result).results).toMatchObject([{ status: 'error', code: 'cancelled', attempts: 1 }])
  })

  it('reports a tool that ignores its signal as abandoned, and frees its slot', async () => {
    const held = new HeldTasks()
    const execution = start(held, graph({ deaf: [], next: [] }).tasks, { maxConcurrency: 1 })
    execution.cancelTask('deaf')
    await vi.advanceTimersByTimeAsync(4_999)
    expect(held.order).toEqual(['deaf'])
    await vi.advanceTimersByTimeAsync(1)
    expect(held.order).toEqual(['deaf', 'next'])
    held.call('deaf').succeed('late')
    held.call('next').succeed()
    expect((await execution.result).results).toMatchObject([{ code: 'abandoned' }, { status: 'success' }])
  })

  it('may be called while a result is told, and then starts nothing that it cancels', async () => {
    const held = new HeldTasks()
    const execution = new ParallelExecutor({ tools: { held: held.tool } }).start(graph({ a: [], b: ['a'], c: ['b'] }), {
      onTaskComplete: ({ taskId }) => {
        if (taskId === 'a') execution.cancelTask('b')
      },
    })
    held.call('a').succeed()
    expect((await execution.result).results).toMatchObject([{}, { code: 'cancelled' }, { because: 'b' }])
    expect(held.order).toEqual(['a'])
  })

  it('of a task that the end of the execution has stopped already handles nothing', async () => {
    const held = new HeldTasks()
    const execution = start(held, [{ id: 'a', tool: 'held', onError: 'ignore' }])
    execution.cancel()
    execution.cancelTask('a')
    held.call('a').succeed()
    const { results } = await execution.result
    expect(results).toMatchObject([{ status: 'error', code: 'cancelled' }])
    expect(results[0]).not.toHaveProperty('handled')
  })

  it('throws where there is no such task', async () => {
    const held = new HeldTasks()
    const execution = start(held, graph({ a: [] }).tasks)
    for (const id of ['b', '__proto__', 'constructor']) {
      expect(() => execution.cancelTask(id)).toThrow(`Expected the id of a task of this execution, got "${id}"`)
      expect(() => execution.explain(id)).toThrow(TypeError)
    }
    held.call('a').succeed()
    await execution.result
  })
})

describe('explain', () => {
  it('tells the story of a task with its times, its attempts, and the dependency it waited for', async () => {
    const held = new HeldTasks()
    const { tasks } = graph({ quick: [], slow: [], a: ['slow', 'quick'] })
    const retry = { attempts: 3, delayMs: 100, jitter: 0 }
    const execution = start(held, [...tasks.slice(0, 2), { ...tasks[2]!, retry }])
    expect(execution.explain('a')).toEqual({
      taskId: 'a',
      tool: 'held',
      phases: [{ phase: 'waiting', atMs: 0 }],
      dependencies: [
        { taskId: 'slow', phase: 'running' },
        { taskId: 'quick', phase: 'running' },
      ],
      waitsFor: { type: 'dependencies', taskIds: ['slow', 'quick'] },
      attempts: [],
      waits: { dependencyMs: 0, slotMs: 0, backoffMs: 0 },
      executionTimeMs: 0,
    })
    await vi.advanceTimersByTimeAsync(10)
    held.call('quick').succeed()
    await vi.advanceTimersByTimeAsync(30)
    expect(execution.explain('a')).toMatchObject({
      waitsFor: { type: 'dependencies', taskIds: ['slow'] },
      waits: { dependencyMs: 40 },
    })
    held.call('slow').succeed()
    await vi.advanceTimersByTimeAsync(5)
    const failure = new Error('no')
    held.call('a').fail(failure)
    await vi.advanceTimersByTimeAsync(20)
    expect(execution.explain('a')).toMatchObject({
      lastDependency: 'slow',
      waitsFor: { type: 'backoff', untilMs: 145 },
      waits: { dependencyMs: 40, slotMs: 0, backoffMs: 20 },
    })
    await vi.advanceTimersByTimeAsync(82)
    held.call('a').succeed('at last')
    const { results } = await execution.result
    const story = execution.explain('a')
    expect(story).toEqual({
      taskId: 'a',
      tool: 'held',
      phases: [
        { phase: 'waiting', atMs: 0 },
        { phase: 'ready', atMs: 40 },
        { phase: 'running', atMs: 40 },
        { phase: 'backoff', atMs: 45 },
        { phase: 'ready', atMs: 145 },
        { phase: 'running', atMs: 145 },
        { phase: 'success', atMs: 147 },
      ],
      dependencies: [
        { taskId: 'slow', phase: 'success', endedAtMs: 40 },
        { taskId: 'quick', phase: 'success', endedAtMs: 10 },
      ],
      lastDependency: 'slow',
      attempts: [
        { attempt: 1, startedAtMs: 40, endedAtMs: 45, error: 'no', code: 'task_failed' },
        { attempt: 2, startedAtMs: 145, endedAtMs: 147 },
      ],
      waits: { dependencyMs: 40, slotMs: 0, backoffMs: 100 },
      executionTimeMs: 7,
      result: results[2],
    })
    expect(story.attempts[0]?.cause).toBe(failure)
    expect(results[2]).toMatchObject({ waits: story.waits, executionTimeMs: 7 })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(execution.explain('a')).toEqual(story)
    expect(JSON.parse(JSON.stringify(story))).toEqual(story)
  })

  it('tells a wait for a slot of the tool from one for a slot of the execution, and counts both as slotMs', async () => {
    const held = new HeldTasks()
    const tools: ToolRegistry = { narrow: { run: held.tool, maxConcurrency: 1 }, held: held.tool }
    const tasks = [...graph({ n1: [], n2: [] }, 'narrow').tasks, ...graph({ w1: [], w2: [] }).tasks]
    const execution = new ParallelExecutor({ tools, maxConcurrency: 2 }).start({ tasks })
    expect(execution.explain('n2').waitsFor).toEqual({ type: 'slot', of: 'tool' })
    expect(execution.explain('w2').waitsFor).toEqual({ type: 'slot', of: 'execution' })
    await vi.advanceTimersByTimeAsync(30)
    for (const id of ['n1', 'w1']) held.call(id).succeed()
    await vi.advanceTimersByTimeAsync(30)
    for (const id of ['n2', 'w2']) held.call(id).succeed()
    expect((await execution.result).results).toMatchObject([
      { waits: { slotMs: 0 } },
      { waits: { dependencyMs: 0, slotMs: 30, backoffMs: 0 } },
      { waits: { slotMs: 0 } },
      { waits: { slotMs: 30 } },
    ])
  })

  it('of a skipped task names the dependency that ended last, and says why; of a cancelled one it names none', async () => {
    const held = new HeldTasks()
    const execution = start(held, graph({ bad: [], other: [], a: ['other', 'bad'], b: ['a'], c: ['other'] }).tasks)
    held.call('bad').fail(new Error('no'))
    await settled()
    expect(execution.explain('a')).toMatchObject({ lastDependency: 'bad', result: { because: 'bad' } })
    expect(execution.explain('b')).toMatchObject({ lastDependency: 'a', result: { because: 'bad' } })
    execution.cancelTask('c')
    expect(execution.explain('c').result).toMatchObject({ status: 'skipped', code: 'cancelled' })
    expect(execution.explain('c')).not.toHaveProperty('lastDependency')
    held.call('other').succeed()
    await execution.result
    expect(execution.explain('a').lastDependency).toBe('bad')
  })
})
