import { describe, expect, it } from 'vitest'
import { type Journal, type JournalEntry, ParallelExecutor, type ToolContext } from '../src/index.js'
import { graph, HeldTasks, rejection, settled } from './held-tasks.js'
import { HeldJournal, MemoryJournal, tell } from './memory-journal.js'

/** An execution of held tasks with a held journal, its first append waiting. */
async function begin(dependencies: Record<string, string[]>, options: { failureMode?: 'fail-fast' } = {}) {
  const held = new HeldTasks()
  const journal = new HeldJournal()
  const execution = new ParallelExecutor({ tools: { held: held.tool }, journal, ...options }).start(graph(dependencies))
  execution.result.catch(() => undefined)
  await held.started(Object.keys(dependencies)[0]!)
  await settled()
  return { held, journal, execution }
}

describe('what waits for the journal', () => {
  it('tasks that depend on nothing start before the beginning is appended', async () => {
    const { held, journal } = await begin({ a: [], b: [] })
    expect(held.order).toEqual(['a', 'b'])
    expect(journal.told()).toEqual([['execution_start', 'task_start a', 'task_start b']])
    expect(journal.waiting).toBe(1)
  })

  it('a dependent starts when the append that holds the end has resolved, and not before', async () => {
    const { held, journal } = await begin({ a: [], b: ['a'] })
    journal.commit()
    await settled()
    held.call('a').succeed()
    await settled()
    expect([held.has('b'), journal.told()[1]]).toEqual([false, ['task_complete a']])
    journal.commit()
    await settled()
    expect(held.has('b')).toBe(true)
  })

  it('an end that comes while an append is under way is not in it, and so waits for the next one', async () => {
    const { held, journal } = await begin({ a: [], b: ['a'] })
    held.call('a').succeed()
    await settled()
    journal.commit()
    await settled()
    expect([held.has('b'), journal.told().at(-1)]).toEqual([false, ['task_complete a']])
    journal.commit()
    await settled()
    expect(held.has('b')).toBe(true)
  })

  it('nothing else waits: another branch whose ends are committed goes on, and skipped tasks are told of at once', async () => {
    const { held, journal } = await begin({ a: [], b: [], c: ['a'], d: ['b'], e: ['d'] })
    journal.commit()
    held.call('a').succeed()
    await settled()
    held.call('b').fail(new Error('no'))
    await settled()
    expect([held.has('c'), journal.waiting]).toEqual([false, 1])
    journal.commit()
    await settled()
    expect(held.has('c')).toBe(true)
    expect(journal.told().at(-1)).toEqual(['task_complete b', 'task_complete d', 'task_complete e', 'task_start c'])
  })

  it('a task whose failure is handled lets its dependents go when that is committed', async () => {
    const held = new HeldTasks()
    const journal = new HeldJournal()
    const tasks = [{ id: 'a', tool: 'held', onError: 'ignore' as const }, ...graph({ b: ['a'] }).tasks]
    void new ParallelExecutor({ tools: { held: held.tool } }).execute({ tasks }, { journal })
    ;(await held.started('a')).fail(new Error('no'))
    await settled()
    journal.commit()
    await settled()
    expect(held.has('b')).toBe(false)
    journal.commit()
    await settled()
    expect(held.has('b')).toBe(true)
  })

  it('the result does: it comes when the end of the execution is committed', async () => {
    const { held, journal, execution } = await begin({ a: [] })
    let isDone = false
    void execution.result.then(() => {
      isDone = true
    })
    held.call('a').succeed()
    journal.commit()
    await settled()
    expect([journal.told().at(-1), isDone]).toEqual([['task_complete a', 'execution_complete'], false])
    journal.commit()
    await settled()
    expect(isDone).toBe(true)
  })

  it('one append at a time is made, of everything since the last one, in order', async () => {
    const ids = Array.from({ length: 8 }, (_, i) => `t${i}`)
    const { held, journal } = await begin(Object.fromEntries(ids.map((id) => [id, []])))
    for (const id of ids.toReversed()) {
      held.call(id).succeed()
      await settled()
    }
    expect(journal.batches).toHaveLength(1)
    journal.commit()
    await settled()
    const ends = ids.toReversed().map((id) => `task_complete ${id}`)
    expect([journal.waiting, journal.told()[1]]).toEqual([1, [...ends, 'execution_complete']])
  })

  it('an execution without tasks is journalled as well', async () => {
    const journal = new MemoryJournal()
    await new ParallelExecutor({ journal }).execute({ tasks: [] })
    expect(tell(journal.read())).toEqual(['execution_start', 'execution_complete'])
  })
})

describe('a journal that fails', () => {
  it('stops the execution, which rejects with the same; what runs is aborted with it, nothing starts, nothing is appended', async () => {
    const { held, journal, execution } = await begin({ a: [], b: [], c: ['a'] })
    const { signal } = held.call('b').context
    journal.commit()
    held.call('a').succeed()
    await settled()
    const error = new Error('disk full')
    journal.refuse(error)
    await settled()
    expect([signal.aborted, signal.reason]).toEqual([true, error])
    held.call('b').fail(signal.reason)
    expect(await rejection(execution.result)).toBe(error)
    expect([journal.batches.length, held.order]).toEqual([2, ['a', 'b']])
  })

  it('may fail for the very last events', async () => {
    const { held, journal, execution } = await begin({ a: [] })
    journal.commit()
    held.call('a').succeed()
    await settled()
    journal.refuse('no')
    expect(await rejection(execution.result)).toBe('no')
  })

  it('may throw at once, also at the first append, and whatever it likes', async () => {
    for (const error of [new Error('broken'), undefined]) {
      const appended: unknown[] = []
      const journal: Journal = {
        append: (events) => {
          appended.push(events)
          throw error
        },
      }
      const tools = {
        wait: (_: unknown, { signal }: ToolContext) =>
          new Promise((_resolve, reject) => signal.addEventListener('abort', reject)),
      }
      const execution = new ParallelExecutor({ tools, journal }).execute(graph({ a: [], b: ['a'] }, 'wait'))
      expect(await rejection(execution)).toBe(error)
      expect(appended).toHaveLength(1)
    }
  })

  it('is not waited for by more than the grace where a tool does not stop', async () => {
    const journal: Journal = { append: () => Promise.reject(new Error('gone')) }
    const tools = { deaf: () => new Promise(() => undefined) }
    const execution = new ParallelExecutor({ tools, journal, grace: 0 }).execute(graph({ a: [] }, 'deaf'))
    expect(await rejection(execution)).toEqual(new Error('gone'))
  })

  it('of several writers refuses all but one: that one ends, the other rejects', async () => {
    const first = new MemoryJournal()
    const tools = { id: (_: unknown, { taskId }: ToolContext) => taskId }
    const dag = graph({ a: [], b: ['a'], c: ['b'] }, 'id')
    await new ParallelExecutor({ tools, journal: first }).execute(dag, { executionId: 'one' })
    const prefix = first.read().slice(0, 3)
    const log = new MemoryJournal(prefix)
    let holder = 0
    /** As a log that takes only the newest fence. */
    const open = (): Journal => {
      holder += 1
      const fence = holder
      return {
        append: async (events, executionId) => {
          if (fence < holder) throw new Error('fenced')
          await log.append(events, executionId)
        },
      }
    }
    const executor = new ParallelExecutor({ tools })
    const [stale, fresh] = [open(), open()].map((journal) => executor.execute(dag, { journal, resumeFrom: prefix }))
    expect(await rejection(stale!)).toEqual(new Error('fenced'))
    expect((await fresh!).status).toBe('success')
    expect(tell(log.read())).toEqual(tell(first.read()))
  })
})

describe('whose journal it is', () => {
  const tools = { id: (_: unknown, { taskId }: ToolContext) => taskId }

  it('one of an execution goes before that of its executor', async () => {
    const [ofExecutor, own] = [new MemoryJournal(), new MemoryJournal()]
    const executor = new ParallelExecutor({ tools, journal: ofExecutor })
    await executor.execute(graph({ a: [] }, 'id'), { journal: own })
    expect([ofExecutor.lines.length, own.lines.length]).toEqual([0, 4])
  })

  it('two executions at once are told apart by the second argument', async () => {
    const logs = new Map<string, JournalEntry[]>()
    const journal: Journal = {
      append: async (events, executionId) => {
        logs.set(executionId, [...(logs.get(executionId) ?? []), ...events])
      },
    }
    const executor = new ParallelExecutor({ tools, journal })
    await Promise.all(
      ['one', 'two'].map((executionId) => executor.execute(graph({ [executionId]: [] }, 'id'), { executionId })),
    )
    const expected = (id: string) => [
      'execution_start',
      `task_start ${id}`,
      `task_complete ${id}`,
      'execution_complete',
    ]
    expect([...logs].map(([id, log]) => [id, tell(log)])).toEqual(['one', 'two'].map((id) => [id, expected(id)]))
  })

  it('what is no journal is refused at once', async () => {
    const notOne = { push: () => undefined } as never
    expect(() => new ParallelExecutor({ journal: notOne })).toThrow(TypeError)
    expect(await rejection(new ParallelExecutor().execute({ tasks: [] }, { journal: notOne }))).toBeInstanceOf(
      TypeError,
    )
  })
})
