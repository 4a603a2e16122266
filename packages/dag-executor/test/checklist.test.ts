import vm from 'node:vm'
import { EventStreamParser, encodeEvent, formatEventId, type SSEEvent, serialize } from '@x/sse-protocol'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  type DAGStructure,
  type DAGTask,
  type ExecutionResult,
  ParallelExecutor,
  StreamingExecutor,
  type StreamingExecutorOptions,
  type ToolRegistry,
} from '../src/index.js'
import { graph, HeldTasks, settled } from './held-tasks.js'
import { seeded } from './seeded.js'

afterEach(() => {
  vi.useRealTimers()
})

async function eventsOf(dag: DAGStructure, options: StreamingExecutorOptions): Promise<SSEEvent[]> {
  const events: SSEEvent[] = []
  const writable = new WritableStream<SSEEvent>({ write: (event) => void events.push(event) })
  await new StreamingExecutor(options).executeWithStreaming(dag, writable, { executionId: 'e' })
  return events
}

const names = (events: readonly SSEEvent[]) =>
  events.map(({ type, data }) => ('taskId' in data ? `${type} ${data.taskId}` : type))

/** Waits as long as its task says, by the virtual clock. */
const sleep = ({ ms }: { ms: number }) => new Promise((resolve) => setTimeout(resolve, ms))
const fail = async ({ ms = 0 }: { ms?: number }) => {
  await sleep({ ms })
  throw new Error('no')
}
const sleeping = (id: string, ms: number, dependsOn: string[] = [], tool = 'sleep'): DAGTask => ({
  id,
  tool,
  dependsOn,
  arguments: { ms },
})

/** Runs a DAG of tasks that sleep, to its end, on a clock that nothing but timers moves. */
async function runOnVirtualClock(tasks: DAGTask[]): Promise<ExecutionResult> {
  vi.useFakeTimers()
  const run = new ParallelExecutor({ tools: { sleep, fail } }).execute({ tasks })
  await vi.runAllTimersAsync()
  return run
}

describe('graphs', () => {
  it('a single task has one start and one end', async () => {
    const events = await eventsOf(graph({ a: [] }, 'ok'), { tools: { ok: () => 1 } })
    expect(names(events)).toEqual(['execution_start', 'task_start a', 'task_complete a', 'execution_complete'])
  })

  it('a diamond has three layers and one end for each task', async () => {
    const events = await eventsOf(graph({ a: [], b: ['a'], c: ['a'], d: ['b', 'c'] }, 'ok'), { tools: { ok: () => 1 } })
    expect(names(events).filter((name) => name.endsWith(' d'))).toEqual(['task_start d', 'task_complete d'])
    expect(events.at(-1)?.data).toMatchObject({ parallelizationLayers: 3, successCount: 4 })
  })

  it('parts of a graph that have nothing to do with each other overlap in time', async () => {
    const held = new HeldTasks()
    const run = new ParallelExecutor({ tools: { held: held.tool } }).execute(
      graph({ a: [], b: ['a'], x: [], y: ['x'] }),
    )
    expect(held.order).toEqual(['a', 'x'])
    held.call('x').succeed()
    await settled()
    expect(held.order).toEqual(['a', 'x', 'y'])
    held.call('a').succeed()
    ;(await held.started('b')).succeed()
    held.call('y').succeed()
    expect((await run).status).toBe('success')
  })

  it('a chain of 100,000 tasks comes to its end', { timeout: 60_000 }, async () => {
    let calls = 0
    const executor = new ParallelExecutor({ tools: { count: () => (calls += 1) }, maxTasks: 100_000 })
    const tasks = Array.from({ length: 100_000 }, (_, i) => ({
      id: `t${i}`,
      tool: 'count',
      dependsOn: i === 0 ? [] : [`t${i - 1}`],
    }))
    const { status, parallelizationLayers, results } = await executor.execute({ tasks })
    expect({ status, parallelizationLayers, calls }).toEqual({
      status: 'success',
      parallelizationLayers: 100_000,
      calls: 100_000,
    })
    expect(results.at(-1)?.output).toBe(100_000)
  })

  it('the same graph twice starts in the same order', async () => {
    const dependencies = (i: number) => [i - 7, i - 11].filter((at) => at >= 0).map((at) => `t${at}`)
    const dag = graph(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`t${i}`, dependencies(i)])), 'note')
    const orders = await Promise.all(
      Array.from({ length: 2 }, async () => {
        const order: string[] = []
        const tools: ToolRegistry = { note: (_: unknown, { taskId }) => void order.push(taskId) }
        await new ParallelExecutor({ tools, maxConcurrency: 5 }).execute(dag)
        return order
      }),
    )
    expect(orders[0]).toHaveLength(200)
    expect(orders[1]).toEqual(orders[0])
  })

  it('a dependency that another one implies changes nothing but, at most, ties', async () => {
    const outcome = async (dag: DAGStructure) => {
      const { results, parallelizationLayers } = await new ParallelExecutor({
        tools: { ok: () => 1, fail: () => Promise.reject(new Error('no')) },
      }).execute(dag)
      return {
        layers: parallelizationLayers,
        ends: results.map(({ taskId, status, because }) => [taskId, status, because]),
      }
    }
    const tasks = (more: string[]): DAGTask[] => [
      { id: 'a', tool: 'ok' },
      { id: 'b', tool: 'ok', dependsOn: ['a'] },
      { id: 'c', tool: 'fail', dependsOn: ['b', ...more] },
      { id: 'd', tool: 'ok', dependsOn: ['c', ...more] },
    ]
    expect(await outcome({ tasks: tasks(['a']) })).toEqual(await outcome({ tasks: tasks([]) }))
  })

  it('ids that are names of object members, digits, or differ only in Unicode form are run as they are', async () => {
    const ids = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '1', '0', 'caf\u00e9', 'cafe\u0301']
    const tools: ToolRegistry = { own: (args: object, { taskId }) => ({ taskId, args }) }
    const tasks = ids.map((id, i) => {
      const before = ids.slice(Math.max(0, i - 1), i)
      const references = before.map((other) => [other, { $ref: other, pointer: '/taskId' }])
      return {
        id,
        tool: 'own',
        dependsOn: before,
        arguments: Object.fromEntries(references) as Record<string, unknown>,
      }
    })
    const { results } = await new ParallelExecutor({ tools }).execute({ tasks })
    expect(results.map(({ taskId }) => taskId)).toEqual(ids)
    for (const [i, { output }] of results.entries()) {
      const { args } = output as { args: object }
      expect(Object.entries(args)).toEqual(i === 0 ? [] : [[ids[i - 1], ids[i - 1]]])
    }
  })
})

describe('data', () => {
  it('a reference to a task that failed or was skipped is never resolved: the tool is not called', async () => {
    const called: string[] = []
    const tools: ToolRegistry = {
      note: (_: unknown, { taskId }) => void called.push(taskId),
      fail: () => Promise.reject(new Error('no')),
    }
    const task = (id: string, from: string) => ({
      id,
      tool: 'note',
      dependsOn: [from],
      arguments: { x: { $ref: from } },
    })
    const dag = { tasks: [{ id: 'bad', tool: 'fail' }, task('next', 'bad'), task('last', 'next')] }
    const { results } = await new ParallelExecutor({ tools }).execute(dag)
    expect(results.slice(1)).toMatchObject([
      { status: 'skipped', because: 'bad', attempts: 0 },
      { status: 'skipped', because: 'bad', attempts: 0 },
    ])
    expect(called).toEqual([])
  })

  it('nothing that a plan says reaches a prototype', async () => {
    const tools: ToolRegistry = { give: (args: object) => args }
    const args = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')
    const dag = {
      tasks: [
        { id: 'a', tool: 'give', arguments: args },
        { id: 'b', tool: 'give', dependsOn: ['a'], arguments: { x: { $ref: 'a', pointer: '/__proto__/polluted' } } },
        { id: 'c', tool: 'give', dependsOn: ['a'], arguments: { x: { $ref: 'a', pointer: '/toString' } } },
      ],
    }
    const { results } = await new ParallelExecutor({ tools }).execute(dag)
    expect(Object.entries(results[0]?.output as object)).toEqual(Object.entries(args))
    expect(results).toMatchObject([{}, { output: { x: 1 } }, { status: 'error', code: 'unresolved_reference' }])
    expect(results[2]?.error).toContain('"/toString"')
    expect(Object.prototype).not.toHaveProperty('polluted')
  })
})

describe('failure', () => {
  const run = async (thrown: unknown) => {
    const tools: ToolRegistry = { throws: () => Promise.reject(thrown) }
    const { results } = await new ParallelExecutor({ tools }).execute(graph({ a: [] }, 'throws'))
    return results[0]
  }

  it('an error of another realm has its own message', async () => {
    const thrown: unknown = vm.runInNewContext('new RangeError("from elsewhere")')
    expect(thrown instanceof Error).toBe(false)
    expect(await run(thrown)).toMatchObject({ status: 'error', error: 'from elsewhere', code: 'task_failed' })
    const several: unknown = vm.runInNewContext('new AggregateError([new Error("one")])')
    expect(await run(several)).toMatchObject({ status: 'error', code: 'task_failed' })
  })

  it.each([
    ['no text but nothing', Object.defineProperty(new Error('x'), 'message', { get: () => undefined })],
    [
      'a getter that throws',
      Object.defineProperty(new Error('x'), 'message', {
        get: () => {
          throw new Error('getter')
        },
      }),
    ],
    [
      'a proxy that throws when it is read',
      new Proxy(new Error('x'), {
        get: () => {
          throw new Error('trap')
        },
      }),
    ],
    ['a proxy that is revoked', revoked()],
    ['no text', Object.assign(new Error('x'), { message: { toString: null } })],
  ])('a message that is %s does no harm, in the result and in events', async (_, thrown) => {
    const text = (await run(thrown))?.error
    expect(typeof text === 'string' && text !== '').toBe(true)
    const tools: ToolRegistry = { throws: () => Promise.reject(thrown) }
    const events = await eventsOf(graph({ a: [] }, 'throws'), { tools })
    expect(events[2]).toMatchObject({ type: 'task_complete', data: { status: 'error', error: 'The task failed.' } })
  })

  it('what a tool throws at once is its failure, too', async () => {
    const tools: ToolRegistry = {
      throws: () => {
        throw undefined
      },
    }
    const { results } = await new ParallelExecutor({ tools }).execute(graph({ a: [] }, 'throws'))
    expect(results).toMatchObject([{ status: 'error', error: 'The task threw undefined' }])
  })

  it.each<[string, (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void, object]>([
    ['resolves twice', (resolve) => [1, 2].forEach(resolve), { status: 'success', output: 1 }],
    ['resolves, then rejects', (resolve, reject) => [resolve(1), reject(new Error('late'))], { output: 1 }],
    ['rejects, then resolves', (resolve, reject) => [reject(new Error('first')), resolve(1)], { error: 'first' }],
    ['throws before it does either', () => JSON.parse('{'), { status: 'error' }],
    ['resolves with another that rejects', (resolve) => resolve(Promise.reject(new Error('in'))), { error: 'in' }],
  ])('a thenable that %s ends its task once', async (_, then, expected) => {
    const ended = vi.fn()
    const tools: ToolRegistry = { tool: () => Object.defineProperty({}, 'then', { value: then }) }
    const executor = new ParallelExecutor({ tools })
    const { results } = await executor.execute(graph({ a: [] }, 'tool'), { onTaskComplete: ended })
    await settled()
    expect(results).toMatchObject([expected])
    expect(ended).toHaveBeenCalledTimes(1)
  })

  it('where all tasks fail, the end counts them, and the run resolves', async () => {
    const events = await eventsOf(graph({ a: [], b: [], c: ['a'] }, 'fail'), { tools: { fail } })
    const end = { status: 'error', totalTasks: 3, successCount: 0, errorCount: 2, skippedCount: 1 }
    expect(events.at(-1)).toMatchObject({ type: 'execution_complete', data: end })
  })
})

describe('attempts', () => {
  it('a task that succeeds on its third attempt has two retries and one end', async () => {
    let calls = 0
    const flaky = () => {
      calls += 1
      return calls < 3 ? Promise.reject(new Error('no')) : calls
    }
    const dag = { tasks: [{ id: 'a', tool: 'flaky', retry: { attempts: 5, delayMs: 0 } }] }
    const events = await eventsOf(dag, { tools: { flaky } })
    const count = (wanted: SSEEvent['type']) => events.filter(({ type }) => type === wanted).length
    expect([count('task_start'), count('task_retry'), count('task_complete')]).toEqual([3, 2, 1])
    expect(events.at(-2)).toMatchObject({ data: { status: 'success', attempts: 3, output: 3 } })
  })

  it.each(['timeout', 'retry'] as const)('a %s may be longer than a platform takes at once', async (kind) => {
    vi.useFakeTimers()
    const longer = 2 ** 31 + 5_000
    const tools: ToolRegistry = {
      never: () => new Promise(() => undefined),
      flaky: (_: unknown, { attempt }) => (attempt === 1 ? Promise.reject(new Error('no')) : 1),
    }
    const retry = { attempts: 2, delayMs: longer, maxDelayMs: longer, jitter: 0 }
    const task = kind === 'timeout' ? { id: 'a', tool: 'never', timeout: longer } : { id: 'a', tool: 'flaky', retry }
    const ended = vi.fn()
    void new ParallelExecutor({ tools }).execute({ tasks: [task] }).then(ended)
    await vi.advanceTimersByTimeAsync(longer - 1)
    expect(ended).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(ended).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each(['error', 'timeout', 'abort'] as const)(
    'a tool of two at a time among ten has its slot back after an %s',
    async (end) => {
      vi.useFakeTimers()
      const held = new HeldTasks()
      const tools: ToolRegistry = { narrow: { run: held.tool, maxConcurrency: 2 }, wide: held.tool }
      const timeout = end === 'timeout' ? 1_000 : 0
      const narrow = graph({ n1: [], n2: [], n3: [], n4: [] }, 'narrow').tasks
      const wide = graph(Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`w${i}`, []])), 'wide').tasks
      const tasks = [...narrow.map((task) => (task.id === 'n1' ? { ...task, timeout } : task)), ...wide]
      const controller = new AbortController()
      const executor = new ParallelExecutor({ tools, maxConcurrency: 10 })
      const run = executor.execute({ tasks }, { signal: controller.signal })
      await settled()
      expect(held.order).toEqual(['n1', 'n2', ...wide.slice(0, 8).map(({ id }) => id)])
      if (end === 'error') held.call('n1').fail(new Error('no'))
      else if (end === 'timeout') await vi.advanceTimersByTimeAsync(1_000)
      else controller.abort()
      await settled()
      if (end === 'abort') {
        // Nothing starts any more; another execution of the same executor has all slots.
        expect(held.order).toHaveLength(10)
        const other = executor.execute(graph({ m1: [], m2: [] }, 'narrow'))
        expect(held.order.slice(10)).toEqual(['m1', 'm2'])
        for (const id of held.order) held.call(id).succeed()
        expect((await other).status).toBe('success')
      } else {
        expect(held.order.slice(10)).toEqual(['n3'])
        for (const id of ['n2', 'n3', ...wide.slice(0, 8).map(({ id }) => id)]) held.call(id).succeed()
        for (const id of ['n4', 'w8']) (await held.started(id)).succeed()
      }
      expect((await run).status).toBe(end === 'abort' ? 'cancelled' : 'error')
    },
  )
})

describe('time', () => {
  const random = seeded(1)
  const layers = Array.from({ length: 6 }, () =>
    Array.from({ length: 8 }, () => Math.ceil(Math.exp(3 + 1.5 * gauss()))),
  )

  it.each<[string, DAGTask[]]>([
    ['staggered chains', [10, 20, 30].flatMap((ms) => chain(`c${ms}`, [ms, 60 - ms, ms, 5]))],
    ['chains that alternate between long and short', ['p', 'q'].flatMap((id, i) => chain(id, alternating(i)))],
    [
      'log-normal layers',
      layers.flatMap((layer, depth) =>
        layer.map((ms, at) =>
          sleeping(`l${depth}.${at}`, ms, depth === 0 ? [] : [`l${depth - 1}.${at}`, `l${depth - 1}.${(at + 3) % 8}`]),
        ),
      ),
    ],
    [
      'a research agent',
      [
        sleeping('plan', 800),
        ...[1_200, 300, 2_500, 700].flatMap((ms, i) => [
          sleeping(`search${i}`, ms, ['plan']),
          sleeping(`read${i}`, 3_000 - ms, [`search${i}`]),
          sleeping(`note${i}`, 150, [`read${i}`]),
        ]),
        sleeping('draft', 1_500, ['note0', 'note1', 'note2', 'note3']),
        sleeping('check', 400, ['draft', 'search2']),
      ],
    ],
  ])('%s take exactly as long as their critical path', async (_, tasks) => {
    const result = await runOnVirtualClock(tasks)
    expect(result.status).toBe('success')
    expect(result.executionTimeMs).toBe(longestPath(tasks))
    expect(result.criticalPathMs).toBe(result.executionTimeMs)
  })

  it('the speedup of a chain is 1, of n equal tasks n, and the time of failed tasks counts', async () => {
    expect(await runOnVirtualClock(chain('c', [7, 11, 13]))).toMatchObject({ speedup: 1, parallelizationLayers: 3 })
    const equal = Array.from({ length: 12 }, (_, i) => sleeping(`e${i}`, 40))
    expect(await runOnVirtualClock(equal)).toMatchObject({ speedup: 12, parallelizationLayers: 1 })
    const failed = Array.from({ length: 4 }, (_, i) => sleeping(`f${i}`, 40, [], i < 2 ? 'fail' : 'sleep'))
    expect(await runOnVirtualClock(failed)).toMatchObject({ speedup: 4, status: 'error' })
  })

  it.each([
    ['an empty DAG', []],
    ['tasks that take no time', [sleeping('a', 0), sleeping('b', 0, ['a'])]],
    ['nothing but failures', [sleeping('a', 0, [], 'fail'), sleeping('b', 0, ['a'])]],
  ])('the speedup of %s is a number, also in the event', async (_, tasks) => {
    vi.useFakeTimers({ toFake: ['performance', 'Date'] })
    expect((await new ParallelExecutor({ tools: { sleep, fail } }).execute({ tasks })).speedup).toBe(1)
    const events = await eventsOf({ tasks }, { tools: { sleep, fail } })
    expect(serialize(events.at(-1)!.data)).toMatch(/"speedup":1[,}]/)
  })

  function chain(id: string, durations: number[]): DAGTask[] {
    return durations.map((ms, i) => sleeping(`${id}-${i}`, ms, i === 0 ? [] : [`${id}-${i - 1}`]))
  }

  function alternating(phase: number): number[] {
    return Array.from({ length: 20 }, (_, i) => ((i + phase) % 2 === 0 ? 100 : 1))
  }

  function gauss(): number {
    return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  }
})

describe('a sink that takes a second for each event', () => {
  it('moves no start, holds no more than its limit, counts what it drops, and loses no lifecycle event', async () => {
    const tasks = [
      ...Array.from({ length: 20 }, (_, i) => ({
        ...sleeping(`t${i}`, 10, i === 0 ? [] : [`t${i - 1}`]),
        tool: 'chatty',
      })),
      { ...sleeping('slow', 55), tool: 'chatty' },
    ]
    const play = async (sinkMs: number) => {
      vi.useFakeTimers()
      const starts: [string, number][] = []
      let begin!: (at: number) => void
      const hasBegun = new Promise<number>((resolve) => {
        begin = resolve
      })
      const tools: ToolRegistry = {
        chatty: async ({ ms }: { ms: number }, { taskId, emit }) => {
          begin(performance.now())
          starts.push([taskId, performance.now() - (await hasBegun)])
          for (let i = 0; i < 200; i += 1) emit(i)
          await sleep({ ms })
        },
      }
      const events: SSEEvent[] = []
      const writable = new WritableStream<SSEEvent>({
        write: async (event) => {
          events.push(event)
          if (sinkMs > 0) await sleep({ ms: sinkMs })
        },
      })
      const run = new StreamingExecutor({ tools }).executeWithStreaming({ tasks }, writable)
      // The hash of the plan is made outside of the virtual clock.
      await hasBegun
      await vi.runAllTimersAsync()
      const result = await run
      vi.useRealTimers()
      return { result, events, starts }
    }
    const [slow, quick] = [await play(1_000), await play(0)]
    expect(slow.starts).toHaveLength(21)
    expect(slow.starts).toEqual(quick.starts)
    expect(slow.result).toMatchObject({ executionTimeMs: 200, delivery: 'complete' })
    expect(quick.result.executionTimeMs).toBe(200)
    const count = (type: SSEEvent['type']) => slow.events.filter((event) => event.type === type).length
    expect([count('task_start'), count('task_complete'), count('execution_complete')]).toEqual([21, 21, 1])
    // Nothing is taken before the tasks are done but the first event, so that all but the last thousand are dropped.
    expect([count('task_output'), slow.result.droppedEvents]).toEqual([1_000, 21 * 200 - 1_000])
  })
})

describe('events', () => {
  it('a skipped task has no start and one end', async () => {
    const dag: DAGStructure = { tasks: [sleeping('a', 0, [], 'fail'), sleeping('b', 0, ['a'])] }
    const events = await eventsOf(dag, { tools: { sleep, fail } })
    expect(events.filter(({ data }) => 'taskId' in data && data.taskId === 'b')).toMatchObject([
      { type: 'task_complete', data: { status: 'skipped', because: 'a', attempts: 0 } },
    ])
  })

  it.each(['a\nb', 'a\rb', 'a\r\n\r\nb', 'a\0b', 'a\u2028b\u2029', '\ud800', 'data: x\n\nevent: y'])(
    'ids, outputs and messages that hold %j are one frame each, and come out as they went in',
    async (text) => {
      const tools: ToolRegistry = {
        speak: (_: unknown, { progress, emit }) => {
          progress(0.5, text)
          emit([text])
          return { [text]: text }
        },
      }
      const events = await eventsOf({ tasks: [{ id: text, tool: 'speak' }] }, { tools })
      expect(events).toHaveLength(6)
      const frames = events.map(({ type, data }, i) =>
        encodeEvent({ type, data: serialize(data), id: formatEventId('k', i + 1) }),
      )
      for (const frame of frames) {
        expect(frame.endsWith('\n\n') && !frame.slice(0, -2).includes('\n\n')).toBe(true)
        expect(frame).not.toMatch(/[\r\0]/)
      }
      const received = new EventStreamParser().push(new TextEncoder().encode(frames.join('')))
      expect(received.map(({ type, data }) => [type, JSON.parse(data)])).toEqual(
        events.map(({ type, data }) => [type, JSON.parse(JSON.stringify(data))]),
      )
    },
  )

  it.each([
    ['emoji', '😀', 4],
    ['CJK', '漢', 3],
    ['escapes', '\u0001', 6],
    ['quotes', '"', 2],
  ])('§2.4 are 65,535 and 65,536 bytes long at most, and truncated at 65,537: %s', async (_, unit, size) => {
    vi.useFakeTimers({ toFake: ['performance', 'Date'] })
    const complete = async (output: string) => {
      const events = await eventsOf(graph({ a: [] }, 'give'), { tools: { give: () => output } })
      return events[2]!.data as { output: unknown }
    }
    const bytesOf = (data: object) => new TextEncoder().encode(serialize(data)).length
    const room = 65_536 - bytesOf(await complete(''))
    for (const more of [-1, 0, 1]) {
      const units = Math.floor((room + more) / size)
      const output = unit.repeat(units) + 'x'.repeat(room + more - units * size)
      const data = await complete(output)
      expect(bytesOf({ ...data, output })).toBe(65_536 + more)
      expect(bytesOf(data)).toBeLessThanOrEqual(65_536)
      if (more <= 0) expect(data.output).toBe(output)
      else expect(data.output).toMatchObject({ truncated: true, bytes: room + more + 2 })
      expect(serialize(data)).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/)
    }
  })
})

/** Milliseconds of the path that takes longest, of tasks given with every dependency before its dependents. */
function longestPath(tasks: readonly DAGTask[]): number {
  const ends = new Map<string, number>()
  for (const { id, dependsOn = [], arguments: args } of tasks) {
    const start = Math.max(0, ...dependsOn.map((dependency) => ends.get(dependency)!))
    ends.set(id, start + Number(args?.ms))
  }
  return Math.max(...ends.values())
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
