import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type DAGTask, ParallelExecutor, StreamingExecutor, ToolError, type ToolRegistry } from '../src/index.js'
import { graph, HeldTasks, settled } from './held-tasks.js'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const execute = (held: HeldTasks, dag: { tasks: readonly DAGTask[] }, signal?: AbortSignal, grace?: number) =>
  new ParallelExecutor({ tools: { held: held.tool }, grace }).execute(dag, { signal })

describe('cancel', () => {
  it('starts nothing where the signal was aborted before', async () => {
    const held = new HeldTasks()
    expect(await execute(held, graph({ a: [], b: ['a'] }), AbortSignal.abort())).toMatchObject({
      status: 'cancelled',
      results: [
        { status: 'skipped', code: 'cancelled', attempts: 0 },
        { status: 'skipped', code: 'cancelled' },
      ],
    })
    expect(held.order).toEqual([])
  })

  it('§8.4 aborts what runs, with the reason, and skips what had not started', async () => {
    const held = new HeldTasks()
    const controller = new AbortController()
    const run = execute(held, graph({ done: [], running: [], waiting: ['running'] }), controller.signal)
    ;(await held.started('done')).succeed()
    await settled()
    const reason = new Error('enough')
    const { context, fail } = held.call('running')
    const seen = vi.fn()
    context.signal.addEventListener('abort', seen)
    controller.abort(reason)
    expect(context.signal.reason).toBe(reason)
    expect(seen).toHaveBeenCalledOnce()
    fail(new Error('stopped'))
    const result = await run
    expect(result.status).toBe('cancelled')
    expect(result.results).toMatchObject([
      { taskId: 'done', status: 'success' },
      { taskId: 'running', status: 'error', code: 'cancelled', error: 'The task was cancelled.' },
      { taskId: 'waiting', status: 'skipped', code: 'cancelled' },
    ])
    expect(result.results[2]).not.toHaveProperty('because')
  })

  it('hands an aborted signal also to a tool that asks for it only afterwards', async () => {
    const held = new HeldTasks()
    const controller = new AbortController()
    const run = execute(held, graph({ a: [] }), controller.signal)
    const { context, succeed } = await held.started('a')
    controller.abort('why')
    expect(context.signal.reason).toBe('why')
    succeed('too late')
    expect((await run).results).toMatchObject([{ status: 'error', code: 'cancelled' }])
  })

  it('reports a tool that ignores the signal as abandoned after the grace, and drops what it says later', async () => {
    const held = new HeldTasks()
    const controller = new AbortController()
    let ended = false
    const run = execute(held, graph({ a: [], b: ['a'] }), controller.signal)
    const { succeed } = await held.started('a')
    controller.abort()
    void run.then(() => {
      ended = true
    })
    await vi.advanceTimersByTimeAsync(4_999)
    expect(ended).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    const result = await run
    expect(result.results).toMatchObject([{ status: 'error', code: 'abandoned' }, { status: 'skipped' }])
    succeed('late')
    await settled()
    expect(result.results[0]).toMatchObject({ status: 'error', code: 'abandoned' })
  })

  it('gives a cancelled tool the rest of the turn where the grace is 0', async () => {
    const held = new HeldTasks()
    const controller = new AbortController()
    const run = execute(held, graph({ polite: [], deaf: [] }), controller.signal, 0)
    const { context, fail } = await held.started('polite')
    context.signal.addEventListener('abort', () => fail(context.signal.reason))
    controller.abort()
    await vi.advanceTimersByTimeAsync(0)
    expect((await run).results).toMatchObject([{ code: 'cancelled' }, { code: 'abandoned' }])
  })

  it.each([
    [new DOMException('over', 'TimeoutError'), 'timeout'],
    [{ code: 'stream_timeout' }, 'timeout'],
    [new ToolError('stream_timeout', 'over'), 'timeout'],
    [new DOMException('stop', 'AbortError'), 'cancelled'],
    ['stream_timeout', 'cancelled'],
    [null, 'cancelled'],
    [
      new Proxy(
        {},
        {
          has: () => {
            throw new Error('trap')
          },
        },
      ),
      'cancelled',
    ],
  ])('tells a timeout from a cancel by the reason (case %#)', async (reason, status) => {
    expect((await execute(new HeldTasks(), graph({ a: [] }), AbortSignal.abort(reason))).status).toBe(status)
  })

  it('can be cancelled by a tool itself, while it starts', async () => {
    const controller = new AbortController()
    const tools: ToolRegistry = { abort: () => controller.abort(), other: () => 1 }
    const result = await new ParallelExecutor({ tools }).execute(
      {
        tasks: [
          { id: 'a', tool: 'abort' },
          { id: 'b', tool: 'other' },
        ],
      },
      { signal: controller.signal },
    )
    expect(result).toMatchObject({
      status: 'cancelled',
      results: [{ status: 'error', code: 'cancelled' }, { status: 'skipped' }],
    })
  })

  it('counts an abort after the last task for nothing, and leaves no listener behind', async () => {
    const controller = new AbortController()
    const remove = vi.spyOn(controller.signal, 'removeEventListener')
    const executor = new ParallelExecutor({ tools: { ok: () => 1 } })
    const onTaskComplete = () => controller.abort()
    const result = await executor.execute(graph({ a: [] }, 'ok'), { signal: controller.signal, onTaskComplete })
    expect(result.status).toBe('success')
    expect(remove).toHaveBeenCalledOnce()
  })

  it('ends a task that waits for its next attempt as cancelled, and clears the wait', async () => {
    const held = new HeldTasks()
    const controller = new AbortController()
    const dag = { tasks: [{ id: 'a', tool: 'held', retry: { attempts: 2 } }] }
    const run = execute(held, dag, controller.signal)
    ;(await held.started('a')).fail(new Error('first'))
    await settled()
    expect(vi.getTimerCount()).toBe(1)
    controller.abort()
    expect((await run).results).toMatchObject([{ status: 'error', code: 'cancelled', attempts: 1 }])
  })
})

describe('retry', () => {
  it('tries again after a delay that grows, up to its maximum', async () => {
    const times: number[] = []
    const tools: ToolRegistry = {
      flaky: (_: unknown, { attempt }) => {
        times.push(Date.now())
        if (attempt < 5) throw new Error(`attempt ${attempt}`)
        return 'at last'
      },
    }
    const retry = { attempts: 5, delayMs: 100, factor: 3, maxDelayMs: 500, jitter: 0 }
    const dag = { tasks: [{ id: 'a', tool: 'flaky', retry }] }
    const run = new ParallelExecutor({ tools }).execute(dag)
    await vi.runAllTimersAsync()
    expect((await run).results).toMatchObject([{ status: 'success', output: 'at last', attempts: 5 }])
    expect(times.slice(1).map((time, i) => time - times[i]!)).toEqual([100, 300, 500, 500])
  })

  it('takes away at most the random part of a delay', async () => {
    const random = vi.spyOn(Math, 'random')
    for (const [value, expected] of [
      [0, 1_000],
      [0.5, 800],
      [1, 600],
    ] as const) {
      random.mockReturnValue(value)
      const tools: ToolRegistry = { fail: () => Promise.reject(new Error('no')) }
      const dag = { tasks: [{ id: 'a', tool: 'fail', retry: { attempts: 2, delayMs: 1_000, jitter: 0.4 } }] }
      const before = Date.now()
      const run = new ParallelExecutor({ tools }).execute(dag)
      await vi.runAllTimersAsync()
      await run
      expect(Date.now() - before).toBe(expected)
    }
    random.mockRestore()
  })

  it.each([
    [{ delayMs: 0, factor: 1e308 }, 0],
    [{ delayMs: -0, maxDelayMs: Number.POSITIVE_INFINITY }, 0],
    [{ delayMs: 5e-324, factor: 1 }, 0],
    [{ delayMs: 1, maxDelayMs: -0 }, 0],
    [{ delayMs: 1, factor: 1e308, maxDelayMs: 70 }, 70],
    [{ delayMs: 5e-324, factor: 1e308, maxDelayMs: 70 }, 70],
    [{ delayMs: 1e308, factor: 1e308, maxDelayMs: Number.POSITIVE_INFINITY }, Number.MAX_SAFE_INTEGER],
  ])('§8.3 sends a delay that is a whole number, also for %j', async (policy, last) => {
    const controller = new AbortController()
    const tools: ToolRegistry = { fail: () => Promise.reject(new Error('no')) }
    const task = { id: 'a', tool: 'fail', timeout: 1e308, priority: -1e308 }
    const tasks = [{ ...task, retry: { attempts: 4, jitter: 0, ...policy } }]
    const stream = new StreamingExecutor({ tools }).stream({ tasks }, { signal: controller.signal })
    const delays: unknown[] = []
    const read = (async () => {
      for await (const { type, data } of stream)
        if (type === 'task_retry' && 'delayMs' in data) delays.push(data.delayMs)
    })()
    // The hash of the plan, which is made first, takes turns that no timer tells of.
    while (delays.length === 0) await vi.advanceTimersByTimeAsync(0)
    await vi.advanceTimersByTimeAsync(1_000)
    controller.abort()
    await read
    expect(delays.at(-1)).toBe(last)
    for (const delay of delays) expect(Number.isSafeInteger(delay)).toBe(true)
  })

  it('starts by priority also where priorities are as far apart as numbers can be', async () => {
    const held = new HeldTasks()
    const ids = { least: -1e308, less: -5e-324, none: -0, more: 5e-324, most: 1e308 }
    const tasks = Object.entries(ids).map(([id, priority]) => ({ id, tool: 'held', priority }))
    const run = execute(held, { tasks })
    expect(held.order).toEqual(['most', 'more', 'none', 'less', 'least'])
    for (const { id } of tasks) held.call(id).succeed()
    await run
  })

  it('holds no slot while it waits', async () => {
    const held = new HeldTasks()
    const tools: ToolRegistry = { held: { run: held.tool, maxConcurrency: 1 } }
    const { tasks } = graph({ a: [], b: [] })
    const run = new ParallelExecutor({ tools, maxConcurrency: 1 }).execute({
      tasks: tasks.map((task) => ({ ...task, retry: { attempts: 2, delayMs: 1_000, jitter: 0 } })),
    })
    ;(await held.started('a')).fail(new Error('no'))
    await settled()
    expect(held.order).toEqual(['a', 'b'])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(held.order).toEqual(['a', 'b'])
    held.call('b').succeed()
    await settled()
    expect(held.order).toEqual(['a', 'b', 'a'])
    held.call('a').succeed()
    expect((await run).status).toBe('success')
  })

  it('sums the time of all attempts, without the waits between them', async () => {
    const tools: ToolRegistry = {
      slow: async (_: unknown, { attempt }) => {
        await new Promise((resolve) => setTimeout(resolve, 30))
        if (attempt === 1) throw new Error('no')
      },
    }
    const dag = { tasks: [{ id: 'a', tool: 'slow', retry: { attempts: 2, delayMs: 940, jitter: 0 } }] }
    const run = new ParallelExecutor({ tools }).execute(dag)
    await vi.runAllTimersAsync()
    expect(await run).toMatchObject({
      results: [{ executionTimeMs: 60, attempts: 2 }],
      executionTimeMs: 1_000,
      speedup: 0.06,
      criticalPath: ['a'],
      criticalPathMs: 60,
    })
  })
})

describe('timeout', () => {
  it('ends an attempt with an abort, and drops what the tool says later', async () => {
    const held = new HeldTasks()
    const run = execute(held, { tasks: [{ id: 'a', tool: 'held', timeout: 50 }] })
    const { context, succeed } = await held.started('a')
    const { signal } = context
    await vi.advanceTimersByTimeAsync(50)
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
    succeed('late')
    const [result] = (await run).results
    expect(result).toMatchObject({ status: 'error', code: 'timeout', error: 'The task took longer than 50 ms.' })
  })

  it('counts for each attempt alone', async () => {
    const held = new HeldTasks()
    const retry = { attempts: 2, delayMs: 10, jitter: 0 }
    const run = execute(held, { tasks: [{ id: 'a', tool: 'held', timeout: 50, retry }] })
    const first = await held.started('a')
    await vi.advanceTimersByTimeAsync(60)
    expect(held.order).toEqual(['a', 'a'])
    first.succeed('of the lost attempt')
    await vi.advanceTimersByTimeAsync(49)
    held.call('a').succeed('of the second attempt')
    expect((await run).results).toMatchObject([{ output: 'of the second attempt', attempts: 2 }])
  })

  it('gives exactly one outcome where the tool answers in the turn in which the time is over', async () => {
    const held = new HeldTasks()
    const completed: string[] = []
    const tools: ToolRegistry = { slow: () => new Promise((resolve) => setTimeout(resolve, 50)), held: held.tool }
    const run = new ParallelExecutor({ tools }).execute(
      {
        tasks: [
          { id: 'a', tool: 'slow', timeout: 50 },
          { id: 'still running', tool: 'held' },
        ],
      },
      { onTaskComplete: ({ taskId, code = 'success' }) => completed.push(`${taskId}: ${code}`) },
    )
    await vi.runAllTimersAsync()
    expect(completed).toEqual(['a: timeout'])
    expect(held.call('still running').context.signal.aborted).toBe(false)
    held.call('still running').succeed()
    expect((await run).results).toMatchObject([{ code: 'timeout' }, { status: 'success' }])
    expect(completed).toEqual(['a: timeout', 'still running: success'])
  })

  it.each([0, Number.POSITIVE_INFINITY])('is off where it is %d', async (timeout) => {
    const held = new HeldTasks()
    const run = execute(held, { tasks: [{ id: 'a', tool: 'held', timeout }] })
    const { succeed } = await held.started('a')
    expect(vi.getTimerCount()).toBe(0)
    succeed()
    expect((await run).status).toBe('success')
  })

  it('may be longer than the platform takes at once', async () => {
    const held = new HeldTasks()
    const run = execute(held, { tasks: [{ id: 'a', tool: 'held', timeout: 2 ** 32 }] })
    await held.started('a')
    await vi.advanceTimersByTimeAsync(2 ** 32 - 1)
    expect(held.call('a').context.signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect((await run).results).toMatchObject([{ code: 'timeout' }])
  })
})

describe('numbers', () => {
  it('measures speedup and the critical path by the times that tasks really took', async () => {
    const tools: ToolRegistry = {
      sleep: ({ ms }: { ms: number }) => new Promise((resolve) => setTimeout(resolve, ms)),
      fail: async ({ ms }: { ms: number }) => {
        await new Promise((resolve) => setTimeout(resolve, ms))
        throw new Error('no')
      },
    }
    const task = (id: string, ms: number, dependsOn: string[] = [], tool = 'sleep') => ({
      id,
      tool,
      arguments: { ms },
      dependsOn,
    })
    const run = new ParallelExecutor({ tools }).execute({
      tasks: [
        task('many1', 10),
        task('many2', 10, ['many1']),
        task('many3', 10, ['many2']),
        task('long', 70),
        task('end', 30, ['long'], 'fail'),
        task('never', 500, ['end']),
      ],
    })
    await vi.runAllTimersAsync()
    expect(await run).toMatchObject({
      executionTimeMs: 100,
      parallelizationLayers: 3,
      speedup: 1.3,
      criticalPath: ['long', 'end'],
      criticalPathMs: 100,
    })
  })

  it.each(['b c d', 'c b d', 'd b c', 'c d b'])(
    'has the critical path go through the dependency that took longest, in whatever order (%s) they are given',
    async (order) => {
      const durations: Record<string, number> = { a: 5, b: 10, c: 50, d: 30, end: 5 }
      const tools: ToolRegistry = {
        sleep: (_: unknown, { taskId }) => new Promise((resolve) => setTimeout(resolve, durations[taskId])),
      }
      const dag = graph({ a: [], b: ['a'], c: ['a'], d: ['a'], end: order.split(' ') }, 'sleep')
      const run = new ParallelExecutor({ tools }).execute(dag)
      await vi.runAllTimersAsync()
      expect(await run).toMatchObject({ criticalPath: ['a', 'c', 'end'], criticalPathMs: 60, executionTimeMs: 60 })
    },
  )

  it('is a speedup of 1 where nothing took any time', async () => {
    const result = await new ParallelExecutor({ tools: { ok: () => 1 } }).execute(graph({ a: [], b: ['a'] }, 'ok'))
    expect(result).toMatchObject({ speedup: 1, criticalPathMs: 0, criticalPath: ['a'] })
  })
})
