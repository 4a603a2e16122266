import { describe, expect, it } from 'vitest'
import { type DAGTask, ParallelExecutor, type TaskResult, ToolError, type ToolRegistry } from '../src/index.js'
import { graph, HeldTasks, rejection, settled } from './held-tasks.js'
import { unhandledRejections } from './process-events.js'

const statuses = (results: readonly TaskResult[]) => Object.fromEntries(results.map((r) => [r.taskId, r.status]))

const thenable = (then: (resolve: (value: unknown) => void) => void) =>
  Object.defineProperty({}, 'then', { value: then })

describe('scheduling', () => {
  it('runs an empty DAG to a result without layers, with a speedup of 1', async () => {
    expect(await new ParallelExecutor().execute({ tasks: [] }, { executionId: 'e' })).toEqual({
      executionId: 'e',
      status: 'success',
      results: [],
      errors: [],
      executionTimeMs: expect.any(Number),
      parallelizationLayers: 0,
      speedup: 1,
      criticalPath: [],
      criticalPathMs: 0,
    })
  })

  it('starts a task the moment its own dependencies are done, not when their layer is', async () => {
    const held = new HeldTasks()
    const run = new ParallelExecutor({ tools: { held: held.tool } }).execute(
      graph({ fast: [], slow: [], afterFast: ['fast'], last: ['afterFast', 'slow'] }),
    )
    expect(held.order).toEqual(['fast', 'slow'])
    held.call('fast').succeed()
    await settled()
    expect(held.order).toEqual(['fast', 'slow', 'afterFast'])
    held.call('afterFast').succeed()
    await settled()
    expect(held.has('last')).toBe(false)
    held.call('slow').succeed()
    await settled()
    held.call('last').succeed()
    expect(await run).toMatchObject({ status: 'success', parallelizationLayers: 3 })
  })

  it('starts the end of a diamond once, after both of its sides, also where a dependency is named twice', async () => {
    const held = new HeldTasks()
    const dag = graph({ a: [], b: ['a', 'a'], c: ['a'], d: ['b', 'c', 'b'] })
    const run = new ParallelExecutor({ tools: { held: held.tool } }).execute(dag)
    for (const id of ['a', 'b', 'c', 'd']) (await held.started(id)).succeed(id)
    expect((await run).results.map(({ output }) => output)).toEqual(['a', 'b', 'c', 'd'])
    expect(held.order).toEqual(['a', 'b', 'c', 'd'])
  })

  it('starts ready tasks by priority, then by the longest path that is left, then in the order of the DAG', async () => {
    const held = new HeldTasks()
    const { tasks } = graph({ short1: [], short2: [], long: [], next: ['long'], urgent: [], idle: [] })
    const dag = { tasks: tasks.map((task) => ({ ...task, priority: { urgent: 1, idle: -1 }[task.id] })) }
    const run = new ParallelExecutor({ tools: { held: held.tool }, maxConcurrency: 1 }).execute(dag)
    const expected = ['urgent', 'long', 'short1', 'short2', 'next', 'idle']
    for (const id of expected) (await held.started(id)).succeed()
    await run
    expect(held.order).toEqual(expected)
  })

  it('holds the limit of tasks that run at the same time, and frees a slot on success and on failure', async () => {
    const held = new HeldTasks()
    const dag = graph({ a: [], b: [], c: [], d: [] })
    const run = new ParallelExecutor({ tools: { held: held.tool }, maxConcurrency: 2 }).execute(dag)
    await settled()
    expect(held.order).toEqual(['a', 'b'])
    held.call('b').succeed()
    await settled()
    expect(held.order).toEqual(['a', 'b', 'c'])
    held.call('a').fail(new Error('no'))
    await settled()
    expect(held.order).toEqual(['a', 'b', 'c', 'd'])
    held.call('c').succeed()
    held.call('d').succeed()
    expect((await run).status).toBe('error')
  })

  it('holds the limit of a tool, while tasks of other tools pass by', async () => {
    const held = new HeldTasks()
    const tools: ToolRegistry = { narrow: { run: held.tool, maxConcurrency: 1 }, held: held.tool }
    const tasks: DAGTask[] = [
      ...graph({ n1: [], n2: [], n3: [] }, 'narrow').tasks,
      ...graph({ w1: [], w2: ['n1'] }).tasks,
    ]
    const run = new ParallelExecutor({ tools, maxConcurrency: 10 }).execute({ tasks })
    await settled()
    expect(held.order).toEqual(['n1', 'w1'])
    held.call('n1').fail(new Error('no'))
    await settled()
    expect(held.order).toEqual(['n1', 'w1', 'n2'])
    held.call('n2').succeed()
    await settled()
    expect(held.order).toEqual(['n1', 'w1', 'n2', 'n3'])
    held.call('n3').succeed()
    held.call('w1').succeed()
    expect(statuses((await run).results)).toMatchObject({ n1: 'error', w2: 'skipped', n3: 'success' })
  })

  it('runs many executions at once that share nothing', async () => {
    const held = new HeldTasks()
    const executor = new ParallelExecutor({ tools: { held: held.tool }, maxConcurrency: 1 })
    const first = executor.execute(graph({ a: [], b: ['a'] }), { executionId: 'one' })
    const second = executor.execute(graph({ c: [] }), { executionId: 'two' })
    ;(await held.started('a')).fail(new Error('no'))
    ;(await held.started('c')).succeed()
    expect(await first).toMatchObject({ executionId: 'one', status: 'error' })
    expect(await second).toMatchObject({ executionId: 'two', status: 'success' })
  })

  it('does not change a DAG, and does not see it change', async () => {
    const held = new HeldTasks()
    const list = [1]
    const tasks: DAGTask[] = [
      { id: 'a', tool: 'held' },
      { id: 'b', tool: 'held', dependsOn: ['a'], arguments: { list } },
    ]
    const executor = new ParallelExecutor({ tools: { held: held.tool } })
    const run = executor.execute({ tasks })
    await settled()
    list.push(2)
    tasks.pop()
    held.call('a').succeed()
    await settled()
    expect(held.call('b').args).toEqual({ list: [1] })
    ;(held.call('b').args.list as number[]).push(3)
    held.call('b').succeed()
    expect((await run).results).toHaveLength(2)
    expect(list).toEqual([1, 2])

    const frozen = Object.freeze({ tasks: Object.freeze([Object.freeze({ id: 'x', tool: 'held' })]) })
    const second = executor.execute(frozen)
    ;(await held.started('x')).succeed()
    expect((await second).status).toBe('success')
  })

  it('takes only own properties of the registry, and a tool that is an object keeps its this', async () => {
    class Counter {
      count = 41
      run() {
        this.count += 1
        return this.count
      }
    }
    const tools = Object.fromEntries([['__proto__', new Counter()]])
    const { results } = await new ParallelExecutor({ tools }).execute({
      tasks: [{ id: '__proto__', tool: '__proto__' }],
    })
    expect(results).toMatchObject([{ taskId: '__proto__', output: 42 }])
  })
})

describe('data', () => {
  it.each([undefined, null, 0, '', false, Number.NaN, 10n, new Map([[1, 2]])])(
    'passes the output %s on as it is',
    async (output) => {
      let seen: unknown = 'nothing'
      const tools: ToolRegistry = {
        give: () => output,
        take: (args: { value: unknown }) => {
          seen = args.value
          return args
        },
      }
      const { results } = await new ParallelExecutor({ tools }).execute({
        tasks: [
          { id: 'a', tool: 'give' },
          { id: 'b', tool: 'take', dependsOn: ['a'], arguments: { value: { $ref: 'a' } } },
        ],
      })
      expect(Object.is(seen, output)).toBe(true)
      expect(results[0]).toHaveProperty('output', output)
    },
  )

  it('puts parts of outputs in place of references, however deep, and keeps a key __proto__ as data', async () => {
    const tools: ToolRegistry = { give: () => ({ 'a/b': [{ '~': 'deep' }] }), take: (args: object) => args }
    const literal: Record<string, unknown> = JSON.parse('{"__proto__": {"x": 1}, "list": []}')
    literal.list = [{ v: { $ref: 'a', pointer: '/a~1b/0/~0' } }]
    const { results } = await new ParallelExecutor({ tools }).execute({
      tasks: [
        { id: 'a', tool: 'give' },
        { id: 'b', tool: 'take', dependsOn: ['a'], arguments: literal },
      ],
    })
    expect(JSON.stringify(results[1]?.output)).toBe('{"__proto__":{"x":1},"list":[{"v":"deep"}]}')
  })

  it.each([
    '/missing',
    '/list/2',
    '/list/-',
    '/list/01',
    '/list/length',
    '/__proto__',
    '/constructor/prototype',
    '/n/0',
  ])('fails a task whose reference %j leads nowhere, and never reaches a prototype', async (pointer) => {
    let called = false
    const tools: ToolRegistry = {
      give: () => ({ list: [1, 2], n: 1 }),
      take: () => {
        called = true
      },
    }
    const { results } = await new ParallelExecutor({ tools }).execute({
      tasks: [
        { id: 'a', tool: 'give' },
        { id: 'b', tool: 'take', dependsOn: ['a'], arguments: { v: { $ref: 'a', pointer } }, retry: { attempts: 3 } },
      ],
    })
    expect(results[1]).toMatchObject({ status: 'error', code: 'unresolved_reference', attempts: 1 })
    expect(results[1]?.error).toContain(JSON.stringify(pointer))
    expect(called).toBe(false)
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  it('checks arguments with references once they are resolved, before the call, and never tries again', async () => {
    let called = false
    const tools: ToolRegistry = {
      give: () => 'text',
      take: {
        run: () => {
          called = true
        },
        inputSchema: { properties: { n: { type: 'number' } } },
      },
    }
    const executor = new ParallelExecutor({
      tools,
      validateArguments: (_, { n }) => (typeof n === 'number' ? [] : [{ pointer: '/n', message: 'not a number' }]),
    })
    const { results } = await executor.execute({
      tasks: [
        { id: 'a', tool: 'give' },
        { id: 'b', tool: 'take', dependsOn: ['a'], arguments: { n: { $ref: 'a' } }, retry: { attempts: 3 } },
      ],
    })
    expect(results[1]).toMatchObject({ status: 'error', code: 'invalid_arguments', attempts: 1 })
    expect(results[1]?.error).toContain('/n: not a number')
    expect(ToolError.isInstance(results[1]?.cause)).toBe(true)
    expect(called).toBe(false)
  })

  it('tells a tool who it is, with an idempotency key that stays the same', async () => {
    const held = new HeldTasks()
    const run = new ParallelExecutor({ tools: { held: held.tool } }).execute(graph({ a: [] }), { executionId: 'e' })
    const { context, succeed } = await held.started('a')
    expect(context).toMatchObject({ executionId: 'e', taskId: 'a', attempt: 1, idempotencyKey: 'e/a' })
    expect(context.signal.aborted).toBe(false)
    succeed()
    await run
  })
})

describe('failure', () => {
  it('lets independent branches go on, and skips each dependent once, because of the first that failed', async () => {
    const completed: string[] = []
    const tools: ToolRegistry = {
      ok: () => 'fine',
      bad: () => {
        throw new ToolError('broken', 'It broke.')
      },
    }
    const result = await new ParallelExecutor({ tools }).execute(
      {
        tasks: [
          { id: 'b', tool: 'bad' },
          { id: 'c', tool: 'ok' },
          { id: 'd', tool: 'ok', dependsOn: ['b', 'c'] },
          { id: 'e', tool: 'ok', dependsOn: ['d', 'b'] },
          { id: 'f', tool: 'ok', dependsOn: ['c'] },
        ],
      },
      { onTaskComplete: ({ taskId }) => completed.push(taskId) },
    )
    expect(result.status).toBe('error')
    expect(result.results).toMatchObject([
      { taskId: 'b', status: 'error', error: 'It broke.', code: 'broken', attempts: 1 },
      { taskId: 'c', status: 'success', output: 'fine' },
      { taskId: 'd', status: 'skipped', because: 'b', attempts: 0, executionTimeMs: 0 },
      { taskId: 'e', status: 'skipped', because: 'b' },
      { taskId: 'f', status: 'success' },
    ])
    expect(result.errors).toEqual([{ taskId: 'b', tool: 'bad', status: 'error', error: 'It broke.', code: 'broken' }])
    expect(completed.toSorted()).toEqual(['b', 'c', 'd', 'e', 'f'])
  })

  it('resolves also where every task fails', async () => {
    const fail = () => Promise.reject(new Error('no'))
    const result = await new ParallelExecutor({ tools: { fail } }).execute(graph({ a: [], b: [] }, 'fail'))
    expect(result).toMatchObject({ status: 'error', errors: [{ taskId: 'a' }, { taskId: 'b' }] })
  })

  it('finish-running: starts nothing after a failure and lets the others finish, without another attempt', async () => {
    const held = new HeldTasks()
    const { tasks } = graph({ bad: [], running: [], retrying: [], waiting: ['running'] })
    const dag = { tasks: tasks.map((task) => (task.id === 'bad' ? task : { ...task, retry: { attempts: 2 } })) }
    const run = new ParallelExecutor({ tools: { held: held.tool }, failureMode: 'finish-running' }).execute(dag)
    ;(await held.started('bad')).fail(new Error('no'))
    await settled()
    expect(held.call('running').context.signal.aborted).toBe(false)
    held.call('retrying').fail(new Error('neither'))
    held.call('running').succeed('done')
    expect((await run).results).toMatchObject([
      { taskId: 'bad', status: 'error' },
      { taskId: 'running', status: 'success', output: 'done' },
      { taskId: 'retrying', status: 'error', error: 'neither', attempts: 1 },
      { taskId: 'waiting', status: 'skipped', because: 'bad' },
    ])
  })

  it('fail-fast: cancels what runs and skips what waits', async () => {
    const held = new HeldTasks()
    const run = new ParallelExecutor({ tools: { held: held.tool }, failureMode: 'fail-fast' }).execute(
      graph({ bad: [], running: [], waiting: ['running'] }),
    )
    ;(await held.started('bad')).fail(new Error('no'))
    await settled()
    const { context, fail } = held.call('running')
    expect(context.signal.aborted).toBe(true)
    fail(context.signal.reason)
    const result = await run
    expect(result.status).toBe('error')
    expect(result.results).toMatchObject([
      { status: 'error', code: 'task_failed' },
      { status: 'error', code: 'cancelled' },
      { status: 'skipped', because: 'bad' },
    ])
  })

  const circular = new Error('circular')
  circular.cause = circular
  it.each<[unknown, string]>([
    [undefined, 'The task threw undefined'],
    [null, 'The task threw null'],
    ['a text', 'a text'],
    [7, 'The task threw 7'],
    [7n, 'The task threw 7'],
    [Symbol('s'), 'The task threw Symbol(s)'],
    [{}, '[object Object]'],
    [Object.create(null), '[object Object]'],
    [{ message: 'like an error' }, 'like an error'],
    [new Error(''), 'Error'],
    [Object.freeze(new Error('frozen')), 'frozen'],
    [new AggregateError([new Error('one'), new Error('two')]), 'one; two'],
    [circular, 'circular'],
    [
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('trap')
          },
          has: () => {
            throw new Error('trap')
          },
        },
      ),
      'The task threw a value that cannot be read',
    ],
  ])('makes a readable text of a thrown value (case %#), and keeps the value aside', async (thrown, text) => {
    const tools: ToolRegistry = { throws: () => Promise.reject(thrown) }
    const { results } = await new ParallelExecutor({ tools }).execute(graph({ a: [] }, 'throws'))
    expect(results[0]?.error).toBe(text)
    expect(results[0]?.cause === thrown).toBe(true)
    expect(Object.keys(results[0] ?? {})).not.toContain('cause')
  })

  it.each<[string, () => unknown, object]>([
    ['a plain value', () => 1, { status: 'success', output: 1 }],
    ['a thenable', () => thenable((resolve) => resolve(2)), { output: 2 }],
    [
      'a thenable that resolves twice and then throws',
      () =>
        thenable((resolve) => {
          resolve(3)
          resolve(4)
          throw new Error('late')
        }),
      { status: 'success', output: 3 },
    ],
    [
      'a then that throws when it is read',
      () =>
        Object.defineProperty({}, 'then', {
          get: () => {
            throw new Error('then')
          },
        }),
      { status: 'error', error: 'then' },
    ],
  ])('takes %s from a tool', async (_, tool, expected) => {
    const { results } = await new ParallelExecutor({ tools: { tool } }).execute(graph({ a: [] }, 'tool'))
    expect(results).toMatchObject([expected])
  })

  it('stops and rejects where onTaskComplete throws', async () => {
    const held = new HeldTasks()
    const run = new ParallelExecutor({ tools: { held: held.tool } }).execute(graph({ a: [], b: [], c: ['a'] }), {
      onTaskComplete: () => {
        throw new Error('listener')
      },
    })
    ;(await held.started('a')).succeed()
    await settled()
    expect(held.call('b').context.signal.aborted).toBe(true)
    held.call('b').succeed()
    expect(await rejection(run)).toMatchObject({ message: 'listener' })
    expect(held.has('c')).toBe(false)
  })

  it('stops and rejects with what an async onTaskComplete rejects with, which is handled thereby', async () => {
    const rejections = unhandledRejections()
    const held = new HeldTasks()
    const told: string[] = []
    const error = new Error('listener')
    const run = new ParallelExecutor({ tools: { held: held.tool } }).execute(graph({ a: [], b: [], c: ['a'] }), {
      onTaskComplete: async ({ taskId }) => {
        told.push(taskId)
        await settled()
        throw error
      },
    })
    ;(await held.started('a')).succeed()
    ;(await held.started('c')).context.progress()
    await settled()
    await settled()
    expect(told).toEqual(['a'])
    for (const id of ['b', 'c']) {
      expect(held.call(id).context.signal.reason).toBe(error)
      held.call(id).succeed()
    }
    expect(await rejection(run)).toBe(error)
    await new Promise((resolve) => setImmediate(resolve))
    expect(rejections).toEqual([])
  })

  it('handles also what an async onTaskComplete rejects with after the end', async () => {
    const rejections = unhandledRejections()
    const told: string[] = []
    const { status } = await new ParallelExecutor({ tools: { ok: () => 1 } }).execute(graph({ a: [] }, 'ok'), {
      onTaskComplete: async ({ taskId }) => {
        await new Promise((resolve) => setImmediate(resolve))
        told.push(taskId)
        throw new Error('late')
      },
    })
    expect(status).toBe('success')
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect([told, rejections]).toEqual([['a'], []])
  })
})

describe('options', () => {
  it.each([
    [{ maxConcurrency: 0 }, 'Expected `maxConcurrency` to be a positive integer or Infinity, got 0'],
    [{ maxConcurrency: -1 }, /maxConcurrency/],
    [{ maxConcurrency: Number.NaN }, /maxConcurrency/],
    [{ maxConcurrency: 1.5 }, /maxConcurrency/],
    [{ maxTasks: 0 }, /maxTasks/],
    [{ grace: -1 }, 'Expected `grace` to be milliseconds, 0 or more, got -1'],
    [{ failureMode: 'stop' as never }, /failureMode.*got "stop"/],
    [{ tools: { t: {} as never } }, /tool "t"/],
    [{ tools: { t: { run: () => 1, maxConcurrency: 0 } } }, /maxConcurrency of tool t/],
  ])('refuses %j at once', (options, message) => {
    expect(() => new ParallelExecutor(options)).toThrow(message)
    expect(() => new ParallelExecutor(options)).toThrow(TypeError)
  })

  it.each(['', 'x'.repeat(255), 7 as never])('refuses the execution id %j', async (executionId) => {
    expect(await rejection(new ParallelExecutor().execute({ tasks: [] }, { executionId }))).toBeInstanceOf(TypeError)
  })
})
