import { type ExecutionEventMap, type SSEEvent, serialize } from '@x/sse-protocol'
import { describe, expect, it, vi } from 'vitest'
import {
  type DAGStructure,
  StreamingExecutor,
  type StreamingExecutorOptions,
  ToolError,
  type ToolRegistry,
} from '../src/index.js'
import { graph, HeldTasks, rejection, settled } from './held-tasks.js'

/** A sink that keeps what it gets. */
function collect(): { events: SSEEvent[]; writable: WritableStream<SSEEvent> } {
  const events: SSEEvent[] = []
  return {
    events,
    writable: new WritableStream({
      write(event) {
        events.push(event)
      },
    }),
  }
}

async function eventsOf(dag: DAGStructure, options: StreamingExecutorOptions): Promise<SSEEvent[]> {
  const { events, writable } = collect()
  await new StreamingExecutor(options).executeWithStreaming(dag, writable, { executionId: 'e' })
  return events
}

/** The data of the one event of this type, optionally of this task. */
function only<Type extends keyof ExecutionEventMap>(events: SSEEvent[], type: Type, taskId?: string) {
  const found = events.filter(
    (event) =>
      event.type === type && (taskId === undefined || ('taskId' in event.data && event.data.taskId === taskId)),
  )
  expect(found).toHaveLength(1)
  return found[0]!.data as ExecutionEventMap[Type]
}

const names = (events: readonly SSEEvent[]) =>
  events.map(({ type, data }) => ('taskId' in data ? `${type} ${data.taskId}` : type))

const bytesOf = (data: object) => Buffer.byteLength(serialize(data))

describe('events', () => {
  it('§8.3 tell the whole execution in order, with a timestamp in each', async () => {
    const tools: ToolRegistry = {
      ok: () => ({ n: 1 }),
      bad: () => {
        throw new ToolError('broken', 'It broke.')
      },
    }
    const dag = {
      tasks: [
        { id: 'a', tool: 'ok' },
        { id: 'b', tool: 'bad', dependsOn: ['a'] },
        { id: 'c', tool: 'ok', dependsOn: ['b', 'a'] },
      ],
    }
    const events = await eventsOf(dag, { tools })
    const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    const executionTimeMs = expect.any(Number)
    expect(events).toEqual([
      {
        type: 'execution_start',
        data: {
          executionId: 'e',
          planHash: expect.stringMatching(/^[0-9a-f]{64}$/),
          tasks: [
            { id: 'a', tool: 'ok', dependsOn: [] },
            { id: 'b', tool: 'bad', dependsOn: ['a'] },
            { id: 'c', tool: 'ok', dependsOn: ['b', 'a'] },
          ],
          timestamp,
        },
      },
      { type: 'task_start', data: { taskId: 'a', tool: 'ok', layer: 1, attempt: 1, timestamp } },
      {
        type: 'task_complete',
        data: { taskId: 'a', tool: 'ok', status: 'success', output: { n: 1 }, executionTimeMs, attempts: 1, timestamp },
      },
      { type: 'task_start', data: { taskId: 'b', tool: 'bad', layer: 2, attempt: 1, timestamp } },
      {
        type: 'task_complete',
        data: {
          taskId: 'b',
          tool: 'bad',
          status: 'error',
          error: 'It broke.',
          code: 'broken',
          executionTimeMs,
          attempts: 1,
          timestamp,
        },
      },
      {
        type: 'task_complete',
        data: { taskId: 'c', tool: 'ok', status: 'skipped', executionTimeMs: 0, attempts: 0, because: 'b', timestamp },
      },
      {
        type: 'execution_complete',
        data: {
          status: 'error',
          totalTasks: 3,
          successCount: 1,
          errorCount: 1,
          skippedCount: 1,
          totalExecutionTimeMs: expect.any(Number),
          speedup: expect.any(Number),
          parallelizationLayers: 3,
          criticalPathMs: expect.any(Number),
          timestamp,
        },
      },
    ])
  })

  it('§8.3 of an empty DAG are its start and its end', async () => {
    expect(names(await eventsOf({ tasks: [] }, {}))).toEqual(['execution_start', 'execution_complete'])
  })

  it('B3 arrive the moment they come to be, and carry retries, progress and parts of the output', async () => {
    const held = new HeldTasks()
    const { events, writable } = collect()
    const { tasks } = graph({ a: [] })
    const dag = { tasks: tasks.map((task) => ({ ...task, retry: { attempts: 2, delayMs: 0 } })) }
    const run = new StreamingExecutor({ tools: { held: held.tool } }).executeWithStreaming(dag, writable)
    const first = await held.started('a')
    await settled()
    expect(names(events)).toEqual(['execution_start', 'task_start a'])
    first.context.progress(0.5, 'half')
    first.context.emit(['part'])
    await settled()
    expect(events.slice(2).map(({ type, data }) => [type, data])).toMatchObject([
      ['task_progress', { taskId: 'a', attempt: 1, progress: 0.5, message: 'half' }],
      ['task_output', { taskId: 'a', attempt: 1, output: ['part'] }],
    ])
    first.fail(new Error('/private/path'))
    await held.called(2)
    first.context.progress(0.9)
    first.context.emit('of the lost attempt')
    held.call('a').context.progress(7)
    held.call('a').context.progress(Number.NaN, 'no number')
    held.call('a').succeed()
    await run
    expect(names(events).slice(4)).toEqual([
      'task_retry a',
      'task_start a',
      'task_progress a',
      'task_progress a',
      'task_complete a',
      'execution_complete',
    ])
    expect(events[4]?.data).toMatchObject({ attempt: 1, delayMs: 0, error: 'The task failed.' })
    expect(events[5]?.data).toMatchObject({ attempt: 2 })
    expect(events[6]?.data).toMatchObject({ attempt: 2, progress: 1 })
    expect(events[7]?.data).not.toHaveProperty('progress')
    expect(only(events, 'task_complete')).toMatchObject({ status: 'success', attempts: 2 })
  })

  it('carry the time at which they came to be, however late they are taken', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'], now: 0 })
    const tools: ToolRegistry = { tick: () => void vi.advanceTimersByTime(1) }
    const stream = new StreamingExecutor({ tools, maxConcurrency: 1 }).stream(graph({ a: [], b: ['a'] }, 'tick'))
    await stream.result
    vi.advanceTimersByTime(5_000)
    const times: number[] = []
    for await (const { data } of stream) times.push(Date.parse(data.timestamp))
    vi.useRealTimers()
    expect(times).toEqual([0, 0, 1, 1, 2, 2])
  })

  it('name the plan by a hash that depends on what it computes and on nothing else', async () => {
    const tools: ToolRegistry = { ok: () => 1 }
    const hash = async (tasks: DAGStructure['tasks']) => {
      const { planHash } = only(await eventsOf({ tasks }, { tools }), 'execution_start')
      return planHash
    }
    const first = await hash([{ id: 'a', tool: 'ok', arguments: { x: 1, y: [{ p: 1, q: 2 }] } }])
    const same = { timeout: 100, retry: { attempts: 2 }, dependsOn: [] }
    expect(await hash([{ id: 'a', tool: 'ok', arguments: { y: [{ q: 2, p: 1 }], x: 1 }, ...same }])).toBe(first)
    expect(await hash([{ id: 'a', tool: 'ok', arguments: { x: 1, y: [{ p: 1, q: 3 }] } }])).not.toBe(first)
    expect(await hash([{ id: 'b', tool: 'ok', arguments: { x: 1, y: [{ p: 1, q: 2 }] } }])).not.toBe(first)
  })

  it('§8.5 say error only where the execution itself failed, and end all the same', async () => {
    const { events, writable } = collect()
    const executor = new StreamingExecutor({ tools: { ok: () => 1 } })
    const run = executor.executeWithStreaming(graph({ a: [], b: ['a'] }, 'ok'), writable, {
      onTaskComplete: () => {
        throw new Error('/private/path')
      },
    })
    expect(await rejection(run)).toMatchObject({ message: '/private/path' })
    expect(names(events)).toEqual([
      'execution_start',
      'task_start a',
      'task_complete a',
      'task_complete b',
      'error',
      'execution_complete',
    ])
    expect(only(events, 'error').error).toBe('The execution failed.')
    expect(only(events, 'execution_complete')).toMatchObject({ status: 'error', successCount: 1, skippedCount: 1 })
  })

  it('§8.5 say of an execution that failed itself that its status is error, also where every task succeeded', async () => {
    const { events, writable } = collect()
    const run = new StreamingExecutor({ tools: { ok: () => 1 } }).executeWithStreaming(
      graph({ a: [] }, 'ok'),
      writable,
      {
        onTaskComplete: () => {
          throw new Error('listener')
        },
      },
    )
    expect(await rejection(run)).toMatchObject({ message: 'listener' })
    expect(names(events).slice(-2)).toEqual(['error', 'execution_complete'])
    expect(only(events, 'execution_complete')).toMatchObject({ status: 'error', successCount: 1, errorCount: 0 })
  })
})

describe('public text', () => {
  const secret = Object.assign(new Error('ENOENT: /private/path'), { stack: 'at /private/path' })
  it.each([secret, '/private/path', { message: '/private/path' }, Symbol('/private/path'), undefined, null, 7])(
    '§8.6 of what a tool threw is one sentence that reveals nothing (case %#)',
    async (thrown) => {
      const events = await eventsOf(graph({ a: [] }, 'bad'), { tools: { bad: () => Promise.reject(thrown) } })
      expect(only(events, 'task_complete').error).toBe('The task failed.')
      expect(JSON.stringify(events)).not.toContain('private')
    },
  )

  it('is what publicError makes of it, with the task at hand', async () => {
    const events = await eventsOf(graph({ a: [] }, 'bad'), {
      tools: { bad: () => Promise.reject(secret) },
      publicError: (error, { id, tool }) => `${id} ${tool} ${error === secret}`,
    })
    expect(only(events, 'task_complete').error).toBe('a bad true')
  })

  it.each([
    () => {
      throw secret
    },
    () => undefined as never,
  ])('is the default where publicError itself fails (case %#)', async (publicError) => {
    const events = await eventsOf(graph({ a: [] }, 'bad'), {
      tools: { bad: () => Promise.reject(secret) },
      publicError,
    })
    expect(only(events, 'task_complete').error).toBe('The task failed.')
  })
})

describe('payload limit', () => {
  const maxPayloadBytes = 65_536
  const outputRef = (executionId: string, taskId: string) => `/executions/${executionId}/tasks/${taskId}/output`
  const complete = async (output: unknown, options: StreamingExecutorOptions = {}) => {
    const tools: ToolRegistry = { give: () => output }
    return only(await eventsOf(graph({ a: [] }, 'give'), { tools, outputRef, ...options }), 'task_complete')
  }

  it.each([
    ['ASCII', 'x', 1],
    ['emoji', '😀', 4],
    ['CJK', '漢', 3],
    ['a newline', '\n', 2],
    ['a control character', '\u0001', 6],
  ])('§2.4 counts %s as the bytes of its JSON', async (_, unit, size) => {
    const output = unit.repeat(Math.floor(60_000 / size))
    const data = await complete(output)
    expect(data.output).toBe(output)
    expect(bytesOf(data)).toBe(bytesOf({ ...data, output: '' }) + Math.floor(60_000 / size) * size)
    expect(await complete(unit.repeat(Math.ceil(66_000 / size)))).toMatchObject({ output: { truncated: true } })
  })

  it('§2.4 lets the data of an event be 65,535 and 65,536 bytes long, and truncates at 65,537', async () => {
    // The time a task took is the one part of the data whose length is not fixed, so the clock stands still.
    vi.useFakeTimers({ toFake: ['performance', 'Date'] })
    const frame = bytesOf({ ...(await complete('')) })
    for (const [bytes, whole] of [
      [65_535, true],
      [65_536, true],
      [65_537, false],
    ] as const) {
      const output = 'x'.repeat(bytes - frame)
      const data = await complete(output)
      expect(data.output === output).toBe(whole)
      expect(bytesOf(data)).toBeLessThanOrEqual(maxPayloadBytes)
      if (whole) expect(bytesOf(data)).toBe(bytes)
      else {
        const ref = '/executions/e/tasks/a/output'
        expect(data.output).toMatchObject({ truncated: true, bytes: output.length + 2, ref })
      }
    }
    vi.useRealTimers()
  })

  it('§8.7 gives the whole value to the result and to dependents', async () => {
    const big = { text: 'x'.repeat(70_000) }
    let seen: unknown
    const tools: ToolRegistry = {
      give: () => big,
      take: ({ value }: { value: unknown }) => {
        seen = value
      },
    }
    const { events, writable } = collect()
    const { results } = await new StreamingExecutor({ tools }).executeWithStreaming(
      {
        tasks: [
          { id: 'a', tool: 'give' },
          { id: 'b', tool: 'take', dependsOn: ['a'], arguments: { value: { $ref: 'a' } } },
        ],
      },
      writable,
    )
    expect(only(events, 'task_complete', 'a').output).toMatchObject({ truncated: true, bytes: 70_011, ref: null })
    expect(results[0]?.output).toBe(big)
    expect(seen).toBe(big)
  })

  const circular: Record<string, unknown> = {}
  circular.self = circular
  const throws = (): never => {
    throw new Error('/private/path')
  }
  it.each([
    ['a BigInt', 1n],
    ['a cycle', circular],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a toJSON that throws', { toJSON: throws }],
    ['a getter that throws', Object.defineProperty({}, 'x', { get: throws, enumerable: true })],
    ['an array too long for a text', new Array(2 ** 32 - 1)],
  ])('§2.3 stands a preview in for %s, and leaves the result as it is', async (_, output) => {
    const { events, writable } = collect()
    const executor = new StreamingExecutor({ tools: { give: () => output } })
    const { results } = await executor.executeWithStreaming(graph({ a: [] }, 'give'), writable)
    const data = only(events, 'task_complete')
    expect(data).toMatchObject({ status: 'success', output: { truncated: true, bytes: 0, ref: null } })
    expect(serialize(data)).not.toContain('private')
    expect(results[0]?.output === output).toBe(true)
  })

  it.each([[Number.NaN], [-0], [new Date(0)], [new Map([[1, 2]])], ['\ud800'], ['a\u2028\r\n\0']])(
    'keeps %s as it is, whose JSON text is one line',
    async (output) => {
      const data = await complete(output)
      expect(Object.is(data.output, output)).toBe(true)
      expect(serialize(data)).not.toMatch(/[\r\n\0]/)
    },
  )

  it('holds for every event, with the smallest limit and the longest names', async () => {
    const long = (first: string) => `${first}${'\u0001'.repeat(42)}`
    const huge = '😀\u0001"'.repeat(50_000)
    const tools: ToolRegistry = Object.fromEntries([
      [
        long('t'),
        (_: unknown, { progress, emit }: { progress: (n: number, m: string) => void; emit: (o: unknown) => void }) => {
          progress(0.123456789, huge)
          emit(huge)
          throw new ToolError('huge', huge)
        },
      ],
      [long('g'), () => huge],
    ])
    const { events, writable } = collect()
    const executor = new StreamingExecutor({
      tools,
      maxPayloadBytes: 1_024,
      outputRef: () => huge,
      planRef: () => {
        throw new Error('no reference')
      },
    })
    await executor.executeWithStreaming(
      {
        tasks: [
          { id: long('a'), tool: long('t'), retry: { attempts: 2, delayMs: 0 } },
          { id: long('b'), tool: long('g') },
          { id: long('c'), tool: long('g'), dependsOn: [long('a')] },
        ],
      },
      writable,
      { executionId: long('e') },
    )
    expect(new Set(events.map(({ type }) => type)).size).toBe(7)
    for (const { data } of events) {
      expect(bytesOf(data)).toBeLessThanOrEqual(1_024)
      expect(JSON.stringify(data)).not.toMatch(/\\ud[89a-f]/)
    }
    expect(only(events, 'execution_start').tasks).toMatchObject({ truncated: true, ref: null })
    expect(only(events, 'task_complete', long('a')).error).toMatch(/^😀.*…$/s)
  })

  it.each([
    ['control characters', '\u0001'.repeat(500)],
    ['emoji', '😀'.repeat(500)],
    ['emoji at odd places', `x${'😀'.repeat(500)}`],
    ['quotes', '"\\'.repeat(500)],
    ['CJK', '漢'.repeat(500)],
  ])('holds also for codes of tools (%s), which do not end in half a character', async (_, code) => {
    const long = (first: string) => `${first}${'\u0001'.repeat(42)}`
    const tools: ToolRegistry = {
      [long('t')]: () => {
        throw new ToolError(code, '😀\u0001"'.repeat(5_000))
      },
    }
    const task = { id: long('a'), tool: long('t'), onError: 'ignore' as const, retry: { attempts: 2, delayMs: 0 } }
    const events = await eventsOf({ tasks: [task] }, { tools, maxPayloadBytes: 1_024 })
    for (const { data } of events) expect(bytesOf(data)).toBeLessThanOrEqual(1_024)
    const end = only(events, 'task_complete')
    expect(end.code?.length).toBeGreaterThan(0)
    expect(code.startsWith(end.code!)).toBe(true)
    expect(JSON.stringify(end.code)).not.toMatch(/\\ud[89a-f]/)
    expect(end.error).toMatch(/^😀.*…$/s)
  })

  it('asks for the path of an output only where it does not fit', async () => {
    const asked: string[] = []
    const tools: ToolRegistry = {
      give: (_, { taskId }) => (taskId === 'big' ? 'x'.repeat(2_000) : [1, 'x'.repeat(10)]),
    }
    const outputRef = (_: string, taskId: string) => {
      asked.push(taskId)
      return '/path'
    }
    await eventsOf(graph({ big: [], small: [] }, 'give'), { tools, outputRef, maxPayloadBytes: 1_100 })
    expect(asked).toEqual(['big'])
  })

  it('names the path of the whole plan where the tasks do not fit', async () => {
    const dag = graph(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`task-${i}`, []])), 'ok')
    const options = { tools: { ok: () => 1 }, maxPayloadBytes: 2_048, planRef: (id: string) => `/executions/${id}` }
    const { tasks } = only(await eventsOf(dag, options), 'execution_start')
    expect(tasks).toMatchObject({ truncated: true, ref: '/executions/e' })
  })
})

describe('the seed', () => {
  it('B13 three parallel tasks of 50 ms have a speedup of 3 while they are streamed', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'Date', 'setTimeout', 'clearTimeout'] })
    const { events, writable } = collect()
    const held = new HeldTasks()
    const tools: ToolRegistry = {
      sleep: async (args, context) => {
        held.tool(args, context)
        await new Promise((resolve) => setTimeout(resolve, 50))
      },
    }
    const dag = graph({ a: [], b: [], c: [] }, 'sleep')
    const run = new StreamingExecutor({ tools }).executeWithStreaming(dag, writable)
    // None of them has to wait for time to go by before it starts.
    await Promise.all(['a', 'b', 'c'].map((id) => held.started(id)))
    vi.advanceTimersByTime(50)
    const { speedup, results, executionTimeMs } = await run
    vi.useRealTimers()
    expect({ speedup, executionTimeMs }).toEqual({ speedup: 3, executionTimeMs: 50 })
    expect(results.map(({ status }) => status)).toEqual(['success', 'success', 'success'])
    expect(only(events, 'execution_complete').speedup).toBe(speedup)
  })
})
