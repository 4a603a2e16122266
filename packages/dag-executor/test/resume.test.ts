import { describe, expect, it } from 'vitest'
import { ParallelExecutor, type ToolContext, ToolError } from '../src/index.js'
import { brokenOff, goOn } from './broken-off.js'
import { graph, settled } from './held-tasks.js'
import { MemoryJournal, tell } from './memory-journal.js'

const { tasks: chain } = graph({ a: [], b: ['a'], c: ['b'] })
const codes = async (result: Promise<{ results: readonly { code?: string; status: string }[] }>) =>
  (await result).results.map(({ code, status }) => code ?? status)

describe('what is resumed', () => {
  it('an attempt that was broken off is made again and does not count as a failure', async () => {
    const tasks = [{ id: 'a', tool: 'held', retry: { attempts: 2, delayMs: 0 } }]
    const log = await brokenOff(tasks, {})
    const { held, result } = goOn(tasks, log)
    ;(await held.started('a')).fail(new Error('no'))
    await expect.poll(() => held.order.length).toBe(2)
    held.call('a').succeed('done')
    expect((await result).results).toMatchObject([{ status: 'success', attempts: 3 }])
  })

  it('a failure that is in the log counts, however often the execution was broken off since', async () => {
    const tasks = [{ id: 'a', tool: 'held', retry: { attempts: 2, delayMs: 1 } }]
    const first = await brokenOff(tasks, { a: new Error('no') })
    expect(tell(first).at(-1)).toBe('task_retry a')
    const second = goOn(tasks, first)
    await second.held.started('a')
    await settled()
    const { held, result } = goOn(tasks, second.journal.read())
    const call = await held.started('a')
    expect([call.context.attempt, call.context.idempotencyKey]).toEqual([3, 'run/a'])
    call.fail(new ToolError('last', 'No.'))
    expect((await result).results).toMatchObject([{ status: 'error', code: 'last', attempts: 3 }])
  })

  it('a task has one more attempt, also where fewer are allowed now than were made', async () => {
    const tasks = [{ id: 'a', tool: 'held', retry: { attempts: 3, delayMs: 0 } }]
    const first = goOn(tasks, [])
    for (const times of [1, 2]) {
      await expect.poll(() => first.held.order.length).toBe(times)
      first.held.call('a').fail(new Error('no'))
    }
    await expect.poll(() => first.held.order.length).toBe(3)
    await settled()
    const { held, result } = goOn([{ ...tasks[0]!, retry: { attempts: 1, delayMs: 0 } }], first.journal.read())
    ;(await held.started('a')).fail(new Error('no'))
    expect((await result).results).toMatchObject([{ status: 'error', attempts: 4 }])
  })

  it('a task that has ended gives its output to those that come after, and none of its waits', async () => {
    const tasks = [chain[0]!, { ...chain[1]!, arguments: { from: { $ref: 'a', pointer: '/list/1' } } }]
    const log = await brokenOff(tasks, { a: { list: [1, 'two'] } })
    const { held, result } = goOn(tasks, log)
    const call = await held.started('b')
    expect([held.order, call.args]).toEqual([['b'], { from: 'two' }])
    call.succeed()
    expect((await result).results[0]).toMatchObject({
      waits: { dependencyMs: 0, slotMs: 0, backoffMs: 0 },
      attempts: 1,
    })
  })

  it('an execution without a beginning begins, with the id that is asked for', async () => {
    const { held, journal, result } = goOn(chain.slice(0, 1), [], { executionId: 'new' })
    ;(await held.started('a')).succeed()
    expect((await result).executionId).toBe('new')
    expect(tell(journal.read())).toEqual(['execution_start', 'task_start a', 'task_complete a', 'execution_complete'])
  })

  it('needs no journal', async () => {
    const log = await brokenOff(chain, { a: 1, b: 2 })
    const { held, result, journal } = goOn(chain, log, { journal: undefined })
    ;(await held.started('c')).succeed(3)
    expect([(await result).status, journal.lines.length]).toEqual(['success', log.length])
  })

  it('error texts are the public ones, codes stay', async () => {
    const log = await brokenOff(graph({ a: [], b: [], c: [] }).tasks, {
      a: new Error('private'),
      b: new ToolError('own', 'Public.'),
    })
    const { held, result } = goOn(graph({ a: [], b: [], c: [] }).tasks, log)
    ;(await held.started('c')).succeed()
    expect((await result).errors).toMatchObject([
      { error: 'The task failed.', code: 'task_failed' },
      { error: 'Public.', code: 'own' },
    ])
    expect((await result).errors[1]?.cause).toBeInstanceOf(ToolError)
  })
})

describe('idempotency keys', () => {
  it('are never the same for other executions, tasks or plans, whatever their names are', async () => {
    const names = ['a', 'b', 'a/b', 'a~2', 'a%2F', 'a%7E2', 'a~2/b', '~', '/', '%', '__proto__']
    const keys: string[] = []
    const tools = { tool: (_: unknown, { idempotencyKey }: ToolContext) => keys.push(idempotencyKey) }
    const executor = new ParallelExecutor({ tools })
    const plan = (value: number) => ({ tasks: names.map((id) => ({ id, tool: 'tool', arguments: { value } })) })
    for (const executionId of names) {
      const journal = new MemoryJournal()
      await executor.execute(plan(1), { executionId, journal })
      await executor.execute(plan(2), { resumeFrom: journal.read(), changedPlan: 'reuse-unchanged' })
    }
    expect(new Set(keys).size).toBe(names.length * names.length * 2)
  })
})

describe('a stop that is not whole in the log', () => {
  const { tasks } = graph({ a: [], b: [], c: ['b'], d: ['a'], e: ['d'] })

  it('with finish-running lets finish what was running, and starts nothing else', async () => {
    const log = await brokenOff(tasks, { a: new ToolError('no', 'No.') })
    const cut = log.slice(0, log.findIndex(({ type }) => type === 'task_complete') + 1)
    const { held, result } = goOn(tasks, cut, { failureMode: 'finish-running' })
    ;(await held.started('b')).succeed()
    expect(await codes(result)).toEqual([
      'no',
      'success',
      'dependency_failed',
      'dependency_failed',
      'dependency_failed',
    ])
    expect(held.order).toEqual(['b'])
    expect((await result).results.map(({ because }) => because)).toEqual([undefined, undefined, 'a', 'a', 'a'])
  })

  it('is because of the task that failed first, whichever started first', async () => {
    const retry = { attempts: 2, delayMs: 60_000 }
    const tasks = [{ id: 'a', tool: 'held', retry }, ...graph({ b: [], c: ['a'], d: ['b'] }).tasks]
    const first = goOn(tasks, [], { failureMode: 'finish-running' })
    ;(await first.held.started('a')).fail(new ToolError('later', 'No.'))
    first.held.call('b').fail(new ToolError('no', 'No.'))
    await first.result
    const log = first.journal.read()
    expect(tell(log).slice(4)).toEqual(
      ['b', 'a', 'c', 'd'].map((id) => `task_complete ${id}`).concat('execution_complete'),
    )
    for (const length of [5, 6, 7, 8]) {
      const { result } = goOn(tasks, log.slice(0, length), { failureMode: 'finish-running' })
      expect((await result).results).toMatchObject([
        { code: 'later' },
        { code: 'no' },
        { because: 'b' },
        { because: 'b' },
      ])
    }
  })

  it('with finish-running ends what was running and has no slot any more as cancelled', async () => {
    const { tasks } = graph({ a: [], b: [], c: [], d: [] })
    const log = await brokenOff(tasks, { a: new ToolError('no', 'No.') })
    const { held, result } = goOn(tasks, log, { failureMode: 'finish-running', maxConcurrency: 2 })
    ;(await held.started('b')).succeed()
    ;(await held.started('c')).fail(new Error('late'))
    expect(await codes(result)).toEqual(['no', 'success', 'task_failed', 'cancelled'])
  })

  it('with fail-fast ends what was running as cancelled, and calls nothing', async () => {
    const handled = tasks.map((task) => ({ ...task, onError: task.id === 'b' ? ('ignore' as const) : undefined }))
    const log = await brokenOff(handled, { a: new ToolError('no', 'No.') })
    const { held, result } = goOn(handled, log, { failureMode: 'fail-fast' })
    expect(await codes(result)).toEqual([
      'no',
      'cancelled',
      'dependency_failed',
      'dependency_failed',
      'dependency_failed',
    ])
    expect((await result).results[1]).toMatchObject({ error: 'The task was stopped after another one failed.' })
    expect([(await result).results[1]?.handled, held.order]).toEqual([undefined, []])
  })

  it('skips what comes after a task that was skipped, for the reason that this one has', async () => {
    const log = await brokenOff(tasks, { a: new ToolError('no', 'No.') })
    const skip = log.findIndex(({ data }) => (data as { taskId?: string }).taskId === 'd')
    const { held, result } = goOn(tasks, log.slice(0, skip + 1))
    ;(await held.started('b')).succeed()
    ;(await held.started('c')).succeed()
    expect((await result).results.slice(3)).toMatchObject([{ because: 'a' }, { status: 'skipped', because: 'a' }])
  })

  it('of one task alone, which somebody cancelled, skips only what depends on it, whatever the mode is', async () => {
    const log = await brokenOff(tasks, { a: new ToolError('cancelled', 'The task was cancelled.') })
    const cut = log.slice(0, log.findIndex(({ type }) => type === 'task_complete') + 1)
    const { held, result } = goOn(tasks, cut, { failureMode: 'fail-fast' })
    ;(await held.started('b')).succeed()
    ;(await held.started('c')).succeed()
    expect(await codes(result)).toEqual(['cancelled', 'success', 'success', 'dependency_failed', 'dependency_failed'])
  })
})

describe('a cancel of an execution that is resumed', () => {
  it('ends what was broken off as cancelled, and skips the rest: by the signal, at once or later, and by itself', async () => {
    const log = await brokenOff(chain, { a: 1 })
    const aborted = goOn(chain, log, { signal: AbortSignal.abort() })
    expect([await codes(aborted.result), aborted.held.order]).toEqual([['success', 'cancelled', 'cancelled'], []])
    expect((await aborted.result).status).toBe('cancelled')
    const early = goOn(chain, log)
    early.execution.cancel()
    expect(await codes(early.result)).toEqual(['success', 'cancelled', 'cancelled'])
    const later = goOn(chain, log)
    const call = await later.held.started('b')
    later.execution.cancel()
    call.fail(call.context.signal.reason)
    expect(await codes(later.result)).toEqual(['success', 'cancelled', 'cancelled'])
  })

  it('of one task skips what depends on it', async () => {
    const log = await brokenOff(chain, { a: 1 })
    const { execution, result, held } = goOn(chain, log)
    execution.cancelTask('b')
    expect(await codes(result)).toEqual(['success', 'cancelled', 'dependency_failed'])
    expect(held.order).toEqual([])
  })

  it('is not taken back by another resume: its result is given again', async () => {
    const { result, journal } = goOn(chain, await brokenOff(chain, { a: 1 }), { signal: AbortSignal.abort() })
    const before = await result
    const again = goOn(chain, journal.read())
    expect(await again.result).toMatchObject({ status: 'cancelled', executionTimeMs: before.executionTimeMs })
    expect([again.held.order, again.journal.lines]).toEqual([[], journal.lines])
  })
})

describe('a stream of what is resumed', () => {
  it('is empty where the execution had ended', async () => {
    const first = goOn(chain.slice(0, 1), [])
    ;(await first.held.started('a')).succeed('done')
    await first.result
    const { execution, held } = goOn(chain.slice(0, 1), first.journal.read())
    for await (const { type } of execution) expect.fail(type)
    expect(await execution.result).toMatchObject({ status: 'success', results: [{ output: 'done' }] })
    expect([held.order, execution.explain('a').result?.output]).toEqual([[], 'done'])
  })
})
