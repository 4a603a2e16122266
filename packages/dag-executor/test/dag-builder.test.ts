import { describe, expect, expectTypeOf, it } from 'vitest'
import { DagValidationError, dag, ParallelExecutor, parseDag, StreamingExecutor, validateDag } from '../src/index.js'
import { rejection } from './held-tasks.js'

describe('dag', () => {
  it('gives a task the outputs of the tasks it needs, typed', async () => {
    const plan = dag()
      .task('page', { run: async () => ({ title: 'Hello', words: [1, 2, 3] }) })
      .task('count', { needs: ['page'], run: ({ inputs }) => inputs.page.words.length })
      .task('report', {
        needs: ['page', 'count'],
        run: ({ inputs, taskId, attempt }) => {
          expectTypeOf(inputs.page).toEqualTypeOf<{ title: string; words: number[] }>()
          expectTypeOf(inputs.count).toEqualTypeOf<number>()
          return `${taskId} ${attempt}: ${inputs.page.title} ${inputs.count}`
        },
      })
    const { results } = await new ParallelExecutor().execute(plan)
    expect(results.map(({ output }) => output)).toEqual([{ title: 'Hello', words: [1, 2, 3] }, 3, 'report 1: Hello 3'])
  })

  it('gives a task all that a tool has, and its own signal', async () => {
    const copies: Record<string, unknown>[] = []
    const reason = new Error('stop')
    const controller = new AbortController()
    const plan = dag().task('a', {
      run: (context) => {
        const { signal } = context
        copies.push({ ...context, signal })
        context.progress(1)
        controller.abort(reason)
        return context.signal.reason
      },
    })
    const { errors } = await new ParallelExecutor().execute(plan, { executionId: 'run', signal: controller.signal })
    const signal = expect.objectContaining({ aborted: true, reason })
    const names = { executionId: 'run', taskId: 'a', attempt: 1, idempotencyKey: 'run/a', inputs: {} }
    const functions = { progress: expect.any(Function), emit: expect.any(Function) }
    expect(copies).toEqual([{ ...names, ...functions, signal }])
    expect(errors).toMatchObject([{ code: 'cancelled', cause: { cause: reason } }])
  })

  it('does not compile with an unknown dependency, an input that is not needed, or an id that is taken', async () => {
    const base = dag().task('a', { run: () => 1 })
    // @ts-expect-error there is no task b
    const unknown = base.task('c', { needs: ['b'], run: () => 1 })
    // @ts-expect-error a is not needed
    const unneeded = base.task('c', { needs: [], run: ({ inputs }) => inputs.a })
    // @ts-expect-error a is taken
    const taken = base.task('a', { run: () => 2 })
    const executor = new ParallelExecutor()
    expect(await rejection(executor.execute(unknown))).toMatchObject({
      issues: [{ code: 'missing_dependency', dependency: 'b' }],
    })
    expect((await executor.execute(unneeded)).results[1]).toMatchObject({ output: undefined })
    const error = await rejection(executor.execute(taken))
    expect(DagValidationError.isInstance(error) && error.issues).toMatchObject([{ code: 'duplicate_id' }])
  })

  it('never changes: two plans may grow from the same beginning', () => {
    const base = dag().task('a', { run: () => 1 })
    const one = base.task('b', { run: () => 2 })
    const two = base.task('c', { needs: ['a'], run: ({ inputs }) => inputs.a })
    const ids = (plan: { build(): { dag: { tasks: readonly { id: string }[] } } }) =>
      plan.build().dag.tasks.map(({ id }) => id)
    expect([ids(base), ids(one), ids(two)]).toEqual([['a'], ['a', 'b'], ['a', 'c']])
  })

  it('is data and tools, takes a policy, and knows ids such as __proto__', async () => {
    const plan = dag()
      .task('__proto__', {
        run: ({ attempt }) => (attempt < 2 ? Promise.reject(new Error('no')) : 'fine'),
        retry: { attempts: 2, delayMs: 0 },
      })
      .task('b', { needs: ['__proto__'], run: ({ inputs }) => Object.entries(inputs) })
    expect(validateDag(plan.build().dag)).toEqual([])
    const { results } = await new StreamingExecutor().executeWithStreaming(plan, new WritableStream())
    expect(results).toMatchObject([{ attempts: 2 }, { output: [['__proto__', 'fine']] }])
  })

  it('takes ids that are computed, and is typed for those that are not', async () => {
    const ids: string[] = []
    let plan = dag()
    for (let i = 0; i < 3; i += 1) {
      plan = plan.task(`page-${i}`, { run: () => i })
      ids.push(`page-${i}`)
    }
    const whole = plan
      .task('last', { run: () => 'end' })
      .task(ids.join(), { needs: ['last'], run: ({ inputs }) => inputs.last.length })
      .task('summary', {
        needs: ids,
        run: ({ inputs }) => {
          expectTypeOf(inputs).toEqualTypeOf<Readonly<Record<string, unknown>>>()
          return inputs
        },
      })
      .task('size', {
        needs: ['summary', 'last'],
        run: ({ inputs }) => {
          expectTypeOf(inputs.last).toEqualTypeOf<string>()
          return Object.keys(inputs.summary).length
        },
      })
    ids.push('more')
    // @ts-expect-error there is no task that is called so
    whole.task('x', { needs: ['page'], run: () => 1 })
    // @ts-expect-error last is taken
    whole.task('last', { run: () => 1 })
    const { results } = await new ParallelExecutor().execute(whole)
    expect(results.map(({ output }) => output)).toEqual([
      ...[0, 1, 2, 'end', 3],
      { 'page-0': 0, 'page-1': 1, 'page-2': 2 },
      3,
    ])
  })

  const run = () => 1
  it.each([
    [undefined, 'Expected the definition of a task to be an object with `run`, got undefined'],
    [run, 'Expected the definition of a task to be an object with `run`, got function'],
    [{}, 'Expected `run` to be a function, got undefined'],
    [{ run: 'fetch' }, 'Expected `run` to be a function, got "fetch"'],
    [{ run, needs: 'a' }, 'Expected `needs` to be an array of ids, got "a"'],
    [{ run, needs: ['a', 1] }, 'Expected `needs` to be an array of ids, got 1 in it'],
    [{ run, dependsOn: ['a'] }, 'Expected `needs`, got "dependsOn"'],
    [{ run, need: ['a'] }, 'Expected `needs`, got "need"'],
    [{ run, retries: 3 }, 'Expected `retry`, got "retries"'],
    [{ run, timeoutSeconds: 3 }, 'Expected `timeout`, in milliseconds, got "timeoutSeconds"'],
    [{ action: run }, 'Expected `run`, got "action"'],
  ])('says at once what is wrong with a definition: %j', (definition, message) => {
    expect(() => dag().task('b', definition as never)).toThrow(new TypeError(message))
  })

  it('leaves other members of a definition alone', () => {
    const extra = { run, description: 'b', action: 'b', metadata: {} }
    expect(validateDag(dag().task('b', extra))).toEqual([])
  })

  it.each(['', 'x'.repeat(300), 1, undefined])('says at once that %j is no id', (id) => {
    expect(() => dag().task(id as string, { run })).toThrow('Expected `id` to be a non-empty string')
  })

  it('can be validated and read as it is; what `build` gives is said to hold it', () => {
    const plan = dag()
      .task('a', { run })
      .task('b', { needs: ['a'], run, timeout: -1 })
    expect(validateDag(plan, { tools: {} })).toMatchObject([{ code: 'invalid_value', pointer: '/tasks/1/timeout' }])
    expect(parseDag(dag().task('a', { run })).dag).toMatchObject({ tasks: [{ id: 'a', tool: 'a' }] })
    expect(validateDag(plan.build())).toMatchObject([
      { pointer: '/tasks', message: 'Expected `tasks` to be an array, got undefined; there is one in `dag`' },
    ])
  })

  it('uses its own functions, not tools of the same name', async () => {
    const executor = new ParallelExecutor({ tools: { a: () => 'of the registry' } })
    const { results } = await executor.execute(dag().task('a', { run: () => 'its own' }))
    expect(results).toMatchObject([{ output: 'its own' }])
  })
})
