import type { SSEEvent } from '@x/sse-protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type DAGTask, dag, ParallelExecutor, StreamingExecutor, ToolError, validateDag } from '../src/index.js'
import { HeldTasks, settled } from './held-tasks.js'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const start = (held: HeldTasks, ...tasks: Omit<DAGTask, 'tool'>[]) =>
  new ParallelExecutor({ tools: { held: held.tool }, maxConcurrency: 2 }).execute({
    tasks: tasks.map((task) => ({ ...task, tool: 'held' })),
  })

/** A delay of nothing is one millisecond where it begins in a timer. */
const retry = (attempts: number, delayMs = 0) => ({ attempts, delayMs, factor: 1, jitter: 0 })

describe('retryOn', () => {
  it('lets another attempt follow only failures of these codes', async () => {
    const held = new HeldTasks()
    const retryOn = ['rate_limited', 'timeout']
    const run = start(held, { id: 'a', timeout: 50, retry: { ...retry(9), retryOn } })
    held.call('a').fail(new ToolError('rate_limited', 'Later.'))
    await vi.advanceTimersByTimeAsync(0)
    expect(held.order).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(51)
    expect(held.order).toHaveLength(3)
    held.call('a').fail(new ToolError('not_found', 'Never.'))
    expect((await run).results).toMatchObject([{ status: 'error', code: 'not_found', attempts: 3 }])
  })

  it('knows what is thrown without a code as task_failed, and an empty list as no attempt more', async () => {
    const held = new HeldTasks()
    const run = start(
      held,
      { id: 'a', retry: { ...retry(2), retryOn: ['task_failed'] } },
      { id: 'b', retry: { ...retry(2), retryOn: [] } },
    )
    for (const id of ['a', 'b']) held.call(id).fail(new Error('no'))
    await vi.advanceTimersByTimeAsync(0)
    held.call('a').succeed()
    expect((await run).results).toMatchObject([{ attempts: 2, status: 'success' }, { attempts: 1 }])
  })

  it('may be a function of what was thrown and of the attempt, also in the builder', async () => {
    const asked: unknown[] = []
    const retryOn = (error: unknown, attempt: number) => {
      asked.push([(error as Error).message, attempt])
      return attempt < 3
    }
    const plan = dag().task('a', {
      run: ({ attempt }) => Promise.reject(new Error(`no ${attempt}`)),
      retry: { ...retry(9), retryOn },
    })
    expect(validateDag(plan.build().dag)).toEqual([])
    const run = new ParallelExecutor().execute(plan)
    await vi.runAllTimersAsync()
    expect((await run).results).toMatchObject([{ error: 'no 3', attempts: 3 }])
    expect(asked).toEqual([
      ['no 1', 1],
      ['no 2', 2],
      ['no 3', 3],
    ])
  })

  it.each([
    () => {
      throw new Error('of retryOn')
    },
    (() => Promise.resolve(true)) as never,
    (() => 1) as never,
  ])('counts anything but true as no, and keeps the failure (case %#)', async (retryOn) => {
    const held = new HeldTasks()
    const run = start(held, { id: 'a', retry: { ...retry(2), retryOn } })
    held.call('a').fail(new Error('of the tool'))
    expect((await run).results).toMatchObject([{ error: 'of the tool', attempts: 1 }])
  })

  it('never tries faulty arguments again, whatever it says', async () => {
    const held = new HeldTasks()
    const tasks = [
      { id: 'a', tool: 'held' },
      {
        id: 'b',
        tool: 'held',
        dependsOn: ['a'],
        arguments: { x: { $ref: 'a', pointer: '/x' } },
        retry: { ...retry(3), retryOn: () => true },
      },
    ]
    const run = new ParallelExecutor({ tools: { held: held.tool } }).execute({ tasks })
    held.call('a').succeed({})
    expect((await run).results[1]).toMatchObject({ code: 'unresolved_reference', attempts: 1 })
  })

  it.each(['timeout', [''], [1], {}, Array.from({ length: 101 }, (_, i) => `c${i}`)])('is refused as %j', (retryOn) => {
    const tasks = [{ id: 'a', tool: 'held', retry: { attempts: 2, retryOn } }]
    expect(validateDag({ tasks })).toMatchObject([{ code: 'invalid_value', pointer: '/tasks/0/retry/retryOn' }])
  })
})

describe('idleTimeout', () => {
  it('ends an attempt that says nothing for so long, with an abort, and says which limit it was', async () => {
    const held = new HeldTasks()
    const run = start(held, { id: 'a', idleTimeout: 100 })
    const { context, succeed } = held.call('a')
    const { signal } = context
    await vi.advanceTimersByTimeAsync(99)
    context.progress(0.5)
    await vi.advanceTimersByTimeAsync(99)
    context.emit('part')
    await vi.advanceTimersByTimeAsync(99)
    expect(signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    const error = 'The task showed no progress for 100 ms.'
    expect(signal.reason).toMatchObject({ name: 'TimeoutError', message: error })
    succeed('late')
    const [result] = (await run).results
    expect(result).toMatchObject({ status: 'error', code: 'timeout', error, executionTimeMs: 298 })
  })

  it('is not refreshed by other tasks, nor by an attempt that is lost', async () => {
    const held = new HeldTasks()
    const run = start(held, { id: 'a', idleTimeout: 100, retry: retry(2) }, { id: 'b' })
    const lost = held.call('a').context
    await vi.advanceTimersByTimeAsync(60)
    held.call('b').context.progress(0.1)
    await vi.advanceTimersByTimeAsync(41)
    expect(held.order).toEqual(['a', 'b', 'a'])
    await vi.advanceTimersByTimeAsync(60)
    lost.progress(0.9)
    lost.emit('late')
    await vi.advanceTimersByTimeAsync(40)
    held.call('b').succeed()
    expect((await run).results).toMatchObject([{ code: 'timeout', attempts: 2 }, { status: 'success' }])
  })
})

it('an attempt that ends before its limits leaves no timer behind', async () => {
  const held = new HeldTasks()
  const run = start(held, { id: 'a', timeout: 50, idleTimeout: 50, totalTimeout: 50 })
  expect(vi.getTimerCount()).toBe(3)
  held.call('a').succeed()
  await run
  expect(vi.getTimerCount()).toBe(0)
})

describe('totalTimeout', () => {
  const error = 'The task took longer than 100 ms in all its attempts.'

  it('ends a task over all attempts and waits, from the start of the first attempt', async () => {
    const held = new HeldTasks()
    const run = start(
      held,
      { id: 'first' },
      { id: 'a', dependsOn: ['first'], timeout: 70, totalTimeout: 100, retry: retry(5, 10) },
    )
    await vi.advanceTimersByTimeAsync(500)
    held.call('first').succeed()
    await vi.advanceTimersByTimeAsync(80)
    expect(held.order).toEqual(['first', 'a', 'a'])
    const { signal } = held.call('a').context
    await vi.advanceTimersByTimeAsync(19)
    expect(signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(signal.reason).toMatchObject({ name: 'TimeoutError', message: error })
    const result = await run
    expect(result.results[1]).toMatchObject({ status: 'error', code: 'timeout', error, attempts: 2 })
    expect(result.results[1]).toMatchObject({ executionTimeMs: 90, waits: { dependencyMs: 500, backoffMs: 10 } })
  })

  it('does not begin a wait that reaches beyond it, and keeps the failure that came before as the cause', async () => {
    const held = new HeldTasks()
    const run = start(held, { id: 'a', totalTimeout: 100, retry: retry(5, 60) })
    await vi.advanceTimersByTimeAsync(40)
    const failure = new Error('of the tool')
    held.call('a').fail(failure)
    const [result] = (await run).results
    expect(result).toMatchObject({ status: 'error', code: 'timeout', error, attempts: 1, executionTimeMs: 40 })
    expect(result?.cause).toMatchObject({ cause: failure })
  })

  it('ends a task that waits for a slot for its next attempt', async () => {
    const held = new HeldTasks()
    const run = start(held, { id: 'a', totalTimeout: 100, retry: retry(5, 10) }, { id: 'b' }, { id: 'c' })
    held.call('a').fail(new Error('no'))
    await vi.advanceTimersByTimeAsync(100)
    expect(held.order).toEqual(['a', 'b', 'c'])
    for (const id of ['b', 'c']) held.call(id).succeed()
    const [result] = (await run).results
    expect(result).toMatchObject({ code: 'timeout', error, attempts: 1, waits: { backoffMs: 10, slotMs: 90 } })
    expect(held.order).toEqual(['a', 'b', 'c'])
  })

  it('is the end also where a timer fires before the clock has come so far, as those of platforms may', async () => {
    const held = new HeldTasks()
    const now = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
    const run = start(held, { id: 'a', totalTimeout: 100, retry: retry(5) })
    await vi.advanceTimersByTimeAsync(100)
    expect((await run).results).toMatchObject([{ code: 'timeout', error, attempts: 1 }])
    now.mockRestore()
  })

  it('is over with the task, and its failure is handled as any other', async () => {
    const held = new HeldTasks()
    const run = start(
      held,
      { id: 'a', totalTimeout: 100 },
      { id: 'b', totalTimeout: 50, onError: 'ignore' },
      { id: 'c', dependsOn: ['a', 'b'] },
    )
    held.call('a').succeed()
    await vi.advanceTimersByTimeAsync(50)
    held.call('c').succeed()
    expect(await run).toMatchObject({ status: 'success', errors: [{ code: 'timeout', handled: 'ignored' }] })
  })

  it.each([0, Number.POSITIVE_INFINITY])('is off where it is %d, like idleTimeout', async (limit) => {
    const held = new HeldTasks()
    const run = start(held, { id: 'a', totalTimeout: limit, idleTimeout: limit })
    expect(vi.getTimerCount()).toBe(0)
    held.call('a').succeed()
    await run
  })

  it.each(['totalTimeout', 'idleTimeout'])('is refused where it is no duration, like idleTimeout (%s)', (member) => {
    for (const value of [-1, '5', null, Number.NaN]) {
      const tasks = [{ id: 'a', tool: 'held', [member]: value }]
      expect(validateDag({ tasks })).toMatchObject([{ code: 'invalid_value', pointer: `/tasks/0/${member}` }])
    }
  })
})

it('what a lost attempt says is dropped: result, progress and output', async () => {
  const held = new HeldTasks()
  const tasks = [{ id: 'a', tool: 'held', timeout: 50, retry: retry(2) }]
  const stream = new StreamingExecutor({ tools: { held: held.tool } }).stream({ tasks })
  const events: SSEEvent[] = []
  const read = (async () => {
    for await (const event of stream) events.push(event)
  })()
  const lost = await held.started('a')
  await vi.advanceTimersByTimeAsync(51)
  expect(held.order).toEqual(['a', 'a'])
  lost.context.progress(0.9)
  lost.context.emit('late')
  lost.succeed('late')
  await settled()
  held.call('a').succeed('in time')
  await read
  expect(events.map(({ type }) => type)).toEqual([
    'execution_start',
    'task_start',
    'task_retry',
    'task_start',
    'task_complete',
    'execution_complete',
  ])
  expect((await stream.result).results).toMatchObject([{ output: 'in time', attempts: 2 }])
})
