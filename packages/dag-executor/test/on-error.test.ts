import type { SSEEvent } from '@x/sse-protocol'
import { describe, expect, it } from 'vitest'
import {
  type DAGTask,
  dag,
  ParallelExecutor,
  parseDag,
  StreamingExecutor,
  ToolError,
  type ToolRegistry,
  validateDag,
} from '../src/index.js'
import { graph, HeldTasks, settled } from './held-tasks.js'

const tools: ToolRegistry = {
  ok: () => 'fine',
  bad: () => {
    throw new ToolError('broken', 'It broke.')
  },
  echo: (args: object) => args,
}

const run = (tasks: DAGTask[]) => new ParallelExecutor({ tools }).execute({ tasks })
const arrayOfDepth = (depth: number): unknown => (depth === 0 ? 1 : [arrayOfDepth(depth - 1)])

describe('onError', () => {
  it('ignore: dependents run, and every reference to the task stands for undefined', async () => {
    const refs = { whole: { $ref: 'a' }, part: { $ref: 'a', pointer: '/x/0' }, list: [{ $ref: 'a' }] }
    const result = await run([
      { id: 'a', tool: 'bad', onError: 'ignore' },
      { id: 'b', tool: 'echo', dependsOn: ['a'], arguments: refs },
    ])
    expect(result.status).toBe('success')
    expect(result.results[0]).toMatchObject({ status: 'error', code: 'broken', handled: 'ignored' })
    expect(result.results[0]).not.toHaveProperty('output')
    expect(result.results[1]?.output).toEqual({ whole: undefined, part: undefined, list: [undefined] })
    expect(result.errors).toEqual([
      { taskId: 'a', tool: 'bad', status: 'error', error: 'It broke.', code: 'broken', handled: 'ignored' },
    ])
  })

  it.each([null, 0, '', false, { x: [7] }, [1, 2]])(
    'fallback: dependents get %j in place of the output',
    async (fallback) => {
      const result = await run([
        { id: 'a', tool: 'bad', onError: { fallback } },
        { id: 'b', tool: 'echo', dependsOn: ['a'], arguments: { value: { $ref: 'a' } } },
      ])
      expect(result.status).toBe('success')
      expect(result.results[0]).toMatchObject({ status: 'error', handled: 'fallback', output: fallback })
      expect(result.results[1]?.output).toEqual({ value: fallback })
    },
  )

  it('a fallback is pointed into like an output, and is not changed by the caller afterwards', async () => {
    const held = new HeldTasks()
    const fallback = { x: [7] }
    const execution = new ParallelExecutor({ tools: { ...tools, held: held.tool } }).execute({
      tasks: [
        { id: 'a', tool: 'held', onError: { fallback } },
        { id: 'b', tool: 'echo', dependsOn: ['a'], arguments: { value: { $ref: 'a', pointer: '/x/0' } } },
        { id: 'c', tool: 'echo', dependsOn: ['a'], arguments: { value: { $ref: 'a', pointer: '/y' } } },
      ],
    })
    fallback.x[0] = 8
    ;(await held.started('a')).fail(new Error('no'))
    expect((await execution).results).toMatchObject([
      { handled: 'fallback' },
      { output: { value: 7 } },
      { code: 'unresolved_reference' },
    ])
  })

  it('a task that succeeds has no use for it, and one that is skipped skips on', async () => {
    const result = await run([
      { id: 'a', tool: 'ok', onError: { fallback: 1 } },
      { id: 'b', tool: 'echo', dependsOn: ['a'], arguments: { value: { $ref: 'a' } } },
      { id: 'x', tool: 'bad' },
      { id: 'y', tool: 'ok', dependsOn: ['x'], onError: 'ignore' },
      { id: 'z', tool: 'ok', dependsOn: ['y'] },
    ])
    expect(result.results).toMatchObject([
      { status: 'success' },
      { output: { value: 'fine' } },
      { status: 'error' },
      { status: 'skipped', because: 'x' },
      { status: 'skipped', because: 'x' },
    ])
    for (const task of result.results) expect(task).not.toHaveProperty('handled')
  })

  it.each([
    ['the one that is not handled fails first', ['bad', 'soft']],
    ['the one that is handled fails first', ['soft', 'bad']],
  ])('a task that needs two failed ones is skipped because of the one that is not handled: %s', async (_, order) => {
    const held = new HeldTasks()
    const { tasks } = graph({ soft: [], bad: [], last: ['soft', 'bad'] })
    const execution = new ParallelExecutor({ tools: { held: held.tool } }).execute({
      tasks: tasks.map((task) => (task.id === 'soft' ? { ...task, onError: 'ignore' } : task)),
    })
    for (const id of order) {
      ;(await held.started(id)).fail(new Error(id))
      await settled()
    }
    const result = await execution
    expect(result).toMatchObject({ status: 'error', errors: [{ handled: 'ignored' }, { taskId: 'bad' }] })
    expect(result.results[2]).toMatchObject({ status: 'skipped', because: 'bad' })
  })

  it.each(['finish-running', 'fail-fast'] as const)('%s is for failures that are not handled', async (failureMode) => {
    const held = new HeldTasks()
    const { tasks } = graph({ soft: [], other: [], after: ['soft', 'other'] })
    const execution = new ParallelExecutor({ tools: { held: held.tool }, failureMode }).execute({
      tasks: tasks.map((task) => ({ ...task, onError: 'ignore' })),
    })
    ;(await held.started('soft')).fail(new Error('no'))
    await settled()
    expect(held.call('other').context.signal.aborted).toBe(false)
    held.call('other').succeed()
    ;(await held.started('after')).succeed()
    expect((await execution).status).toBe('success')
  })

  it('does not handle the end of the whole execution: neither a cancel nor fail-fast', async () => {
    const held = new HeldTasks()
    const controller = new AbortController()
    const soft = (id: string): DAGTask => ({ id, tool: 'held', onError: 'ignore' })
    const executor = new ParallelExecutor({ tools: { held: held.tool }, failureMode: 'fail-fast' })
    const cancelled = executor.execute({ tasks: [soft('a')] }, { signal: controller.signal })
    const failed = executor.execute({ tasks: [soft('b'), { id: 'c', tool: 'held' }] })
    await settled()
    controller.abort()
    held.call('a').fail(new Error('stopped'))
    held.call('c').fail(new Error('no'))
    await settled()
    held.call('b').fail(new Error('stopped'))
    for (const { results } of [await cancelled, await failed]) {
      expect(results[0]).toMatchObject({ status: 'error', code: 'cancelled' })
      expect(results[0]).not.toHaveProperty('handled')
    }
  })

  it('§8.3 is told in task_complete, and the execution is then no error', async () => {
    const events: SSEEvent[] = []
    const tasks: DAGTask[] = [
      { id: 'a', tool: 'bad', onError: 'ignore' },
      { id: 'b', tool: 'bad', dependsOn: ['a'], onError: { fallback: 'secret of the plan' } },
      { id: 'c', tool: 'ok', dependsOn: ['b'] },
    ]
    for await (const event of new StreamingExecutor({ tools }).stream({ tasks })) events.push(event)
    const completed = events.flatMap(({ type, data }) => (type === 'task_complete' ? [data] : []))
    expect(completed).toMatchObject([
      { taskId: 'a', status: 'error', error: 'It broke.', handled: 'ignored' },
      { taskId: 'b', status: 'error', handled: 'fallback' },
      { taskId: 'c', status: 'success' },
    ])
    expect(completed[1]).not.toHaveProperty('output')
    expect(completed[2]).not.toHaveProperty('handled')
    expect(events.at(-1)?.data).toMatchObject({ status: 'success', successCount: 1, errorCount: 2 })
  })

  it('types the inputs of dependents: the output, or what stands in for it', async () => {
    const fail = (): number => {
      throw new Error('no')
    }
    const plan = dag()
      .task('a', { run: fail, onError: 'ignore' })
      .task('b', { run: fail, onError: { fallback: 'none' } })
      .task('c', { run: () => 1, onError: 'skip-dependents' })
      .task('d', {
        needs: ['a', 'b', 'c'],
        run: ({ inputs }) => {
          const a: number | undefined = inputs.a
          const b: number | string = inputs.b
          const c: number = inputs.c
          // @ts-expect-error it may be undefined
          const wrong: number = inputs.a
          return [a, b, c, wrong]
        },
      })
    expect((await new ParallelExecutor().execute(plan)).results[3]?.output).toEqual([undefined, 'none', 1, undefined])
  })

  it.each([
    ['retry', { onError: 'retry' }, '/tasks/0/onError'],
    ['null', { onError: null }, '/tasks/0/onError'],
    ['an object without fallback', { onError: { value: 1 } }, '/tasks/0/onError'],
    ['a reference', { onError: { fallback: { $ref: 'b' } } }, '/tasks/0/onError/fallback'],
    ['a reference inside', { onError: { fallback: [{ x: { $ref: 'b' } }] } }, '/tasks/0/onError/fallback'],
    ['a fallback too large', { onError: { fallback: 'x'.repeat(2 ** 20) } }, '/tasks/0/onError/fallback'],
    ['a fallback too deep', { onError: { fallback: arrayOfDepth(2_000) } }, '/tasks/0/onError/fallback'],
  ])('is refused where it is %s', (_, members, pointer) => {
    const task = { id: 'a', tool: 'ok', ...members }
    expect(validateDag({ tasks: [task] })).toMatchObject([{ code: 'invalid_value', pointer }])
  })

  it('stays the same as JSON, in a copy', () => {
    const fallback = { x: [1] }
    const tasks = [
      { id: 'a', tool: 'ok', onError: { fallback, more: 1 } },
      { id: 'b', tool: 'ok', onError: 'ignore' },
    ]
    const { dag: parsed } = parseDag({ tasks })
    fallback.x.push(2)
    expect(JSON.parse(JSON.stringify(parsed))).toEqual({
      tasks: [
        { id: 'a', tool: 'ok', onError: { fallback: { x: [1] } } },
        { id: 'b', tool: 'ok', onError: 'ignore' },
      ],
    })
  })

  it('is a part of what a plan computes, so of its hash', async () => {
    const hash = async (members: object) => {
      const stream = new StreamingExecutor({ tools }).stream({ tasks: [{ id: 'a', tool: 'ok', ...members }] })
      for await (const { type, data } of stream) if (type === 'execution_start') return data.planHash
      throw new Error('no start')
    }
    const plain = await hash({})
    expect(await hash({ onError: 'skip-dependents', totalTimeout: 5, idleTimeout: 5 })).toBe(plain)
    const hashes = [plain, await hash({ onError: 'ignore' }), await hash({ onError: { fallback: 1 } })]
    expect(new Set([...hashes, await hash({ onError: { fallback: 2 } })]).size).toBe(4)
  })
})
