import { describe, expect, it } from 'vitest'
import {
  type DAGTask,
  type ExecuteOptions,
  type JournalEntry,
  ParallelExecutor,
  type ParallelExecutorOptions,
  ResumeError,
  ToolError,
} from '../src/index.js'
import { rejection } from './held-tasks.js'
import { MemoryJournal, tell } from './memory-journal.js'

/** One process after the other over the same log; each call is written down with its key. */
class Story {
  readonly journal = new MemoryJournal()
  keys: string[] = []
  readonly #fails = new Set<string>()

  /** Runs it to its end, or to where the log has so many events. */
  async run(
    tasks: readonly DAGTask[],
    length = Number.POSITIVE_INFINITY,
    { failureMode, maxConcurrency, ...options }: ExecuteOptions & ParallelExecutorOptions = {},
  ) {
    this.keys = []
    const tool = (args: object, { idempotencyKey, taskId }: { idempotencyKey: string; taskId: string }) => {
      this.keys.push(idempotencyKey)
      if (this.#fails.has(taskId)) throw new ToolError('no', 'No.')
      return { taskId, ...args }
    }
    const execution = new ParallelExecutor({ tools: { tool, other: tool }, failureMode, maxConcurrency }).execute(
      { tasks },
      { executionId: 'run', journal: this.journal, resumeFrom: this.journal.read(), ...options },
    )
    const result = await execution
    this.journal.lines.splice(length)
    return result
  }

  fail(...ids: string[]): this {
    this.#fails.clear()
    for (const id of ids) this.#fails.add(id)
    return this
  }
}

const reuse = { changedPlan: 'reuse-unchanged' } as const
const task = (id: string, dependsOn: string[] = [], more: Partial<DAGTask> = {}): DAGTask => ({
  id,
  tool: 'tool',
  dependsOn,
  arguments: Object.fromEntries(dependsOn.map((other) => [other, { $ref: other }])),
  ...more,
})
const diamond = [task('a'), task('b', ['a']), task('c', ['a']), task('d', ['b', 'c'])]
const changed = (id: string, more: Partial<DAGTask>) =>
  diamond.map((one) => (one.id === id ? { ...one, ...more } : one))

describe('a changed plan with reuse-unchanged', () => {
  it('runs what has changed, and what depends on that, anew and with other keys; nothing else', async () => {
    const story = new Story()
    await story.run(diamond)
    expect(story.keys).toEqual(['run/a', 'run/b', 'run/c', 'run/d'])
    const { results, status } = await story.run(changed('b', { arguments: { x: 1 } }), undefined, reuse)
    expect(story.keys).toEqual(['run~2/b', 'run~2/d'])
    expect(status).toBe('success')
    expect(results[3]?.output).toMatchObject({ b: { x: 1 }, c: { taskId: 'c' } })
    expect(tell(story.journal.read()).slice(10)).toEqual([
      'execution_start',
      'task_start b',
      'task_complete b',
      'task_start d',
      'task_complete d',
      'execution_complete',
    ])
  })

  it('leaves the keys of unchanged tasks as they are, also of those that are not in the log yet or were skipped', async () => {
    const story = new Story()
    await story.run(diamond, 3)
    await story.run(changed('d', { arguments: {} }), 4, reuse)
    expect(story.keys).toEqual(['run/b', 'run/c', 'run~2/d'])
    await story.run([...diamond.slice(0, 3), task('d')], undefined, reuse)
    expect(story.keys).toEqual(['run/b', 'run/c', 'run~3/d'])
    const other = new Story().fail('a')
    const lone = [task('a'), task('z')]
    await other.run(lone, undefined, { failureMode: 'finish-running', maxConcurrency: 1 })
    await other.fail().run([task('a', [], { tool: 'other' }), task('z')], undefined, reuse)
    expect(other.keys).toEqual(['run~2/a', 'run/z'])
  })

  it('takes a task as changed by its tool, its arguments, its dependencies and what its failure leaves', async () => {
    const changes: Partial<DAGTask>[] = [
      { tool: 'other' },
      { arguments: { a: { $ref: 'a', pointer: '/taskId' } } },
      { dependsOn: ['a', 'c'] },
      { onError: { fallback: 1 } },
    ]
    for (const change of changes) {
      const story = new Story()
      await story.run(diamond)
      await story.run(changed('b', change), undefined, reuse)
      expect(story.keys).toEqual(['run~2/b', 'run~2/d'])
    }
  })

  it('is no other plan by how patiently tasks are run, or by how the same is written', async () => {
    const story = new Story()
    await story.run(diamond, 3)
    const patient = changed('b', { retry: { attempts: 9, retryOn: () => true }, timeout: 9, priority: 9 })
    await story.run(patient, 6)
    expect(story.keys).toEqual(['run/b', 'run/c', 'run/d'])
    const written = changed('d', { arguments: { c: { $ref: 'c' }, b: { $ref: 'b' } }, dependsOn: ['c', 'b', 'c'] })
    await story.run(written)
    expect((await story.run(diamond)).status).toBe('success')
    expect(tell(story.journal.read()).filter((text) => text === 'execution_start')).toHaveLength(1)
  })

  it('may be broken off and resumed like any other, without asking for reuse again; keys stay', async () => {
    const other = changed('b', { arguments: { x: 1 } })
    const whole = new Story()
    await whole.run(diamond)
    await whole.run(other, undefined, reuse)
    for (let length = 11; length <= whole.journal.lines.length; length += 1) {
      const story = new Story()
      story.journal.lines.push(...whole.journal.lines.slice(0, length))
      const { results, status } = await story.run(other)
      expect([status, results[3]?.output]).toMatchObject(['success', { b: { x: 1 } }])
      expect(['run~2/b', 'run~2/d'].slice(length > 12 ? 1 : 0)).toEqual(expect.arrayContaining(story.keys))
      const before = whole.journal.read().slice(0, length)
      expect(await story.run(other)).toMatchObject({ status: 'success' })
      expect([story.keys, story.journal.read().slice(0, length)]).toEqual([[], before])
    }
  })

  it('may change twice, also back: a task that is new again has a key of its own', async () => {
    const story = new Story()
    await story.run(diamond)
    await story.run(changed('c', { arguments: { x: 1 } }), 12, reuse)
    await story.run(diamond, undefined, reuse)
    expect(story.keys).toEqual(['run~3/c', 'run~3/d'])
    expect(await rejection(story.run(changed('c', { arguments: { x: 1 } })))).toMatchObject({ code: 'plan_changed' })
  })

  it('may drop tasks, and add some, also after tasks that were skipped', async () => {
    const story = new Story().fail('b')
    await story.run(diamond)
    const { results } = await story.run([...diamond, task('e', ['d']), task('f', ['c'])], undefined, reuse)
    expect(results.map(({ taskId, status, because }) => [taskId, because ?? status])).toEqual([
      ['a', 'success'],
      ['b', 'error'],
      ['c', 'success'],
      ['d', 'b'],
      ['e', 'b'],
      ['f', 'success'],
    ])
    expect(story.keys).toEqual(['run~2/f'])
    await story.run(diamond.slice(0, 1), undefined, reuse)
    expect(story.keys).toEqual([])
    await story.fail().run(diamond, undefined, reuse)
    expect(story.keys).toEqual(['run~4/b', 'run~4/c', 'run~4/d'])
  })

  it('runs what was skipped because of a task that is another one now', async () => {
    const story = new Story().fail('b')
    await story.run(diamond)
    const { status } = await story.fail().run(changed('b', { arguments: { x: 1 } }), undefined, reuse)
    expect([status, story.keys]).toEqual(['success', ['run~2/b', 'run~2/d']])
  })

  it('is refused where the plan in the log is nested deeper than any plan may be', async () => {
    const story = new Story()
    await story.run(diamond, 5)
    const nested = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`
    for (const [member, tasks] of [
      ['arguments', `[{"id":"a","tool":"tool","arguments":${nested}}]`],
      ['onError', `[{"id":"a","tool":"tool","onError":{"fallback":${nested}}}]`],
      [
        'arguments of a list',
        `[{"id":"a","tool":"tool","arguments":{"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}}]`,
      ],
    ] as const) {
      const [first, ...rest] = story.journal.read()
      const log = [{ ...first!, internal: { tasks: JSON.parse(tasks) } }, ...rest]
      const error = await rejection(
        new ParallelExecutor({ tools: { tool: () => expect.fail('called') } }).execute(
          { tasks: changed('d', { arguments: { other: 1 } }) },
          { resumeFrom: log, ...reuse },
        ),
      )
      expect([member, ResumeError.isInstance(error), error]).toMatchObject([member, true, { code: 'corrupt_log' }])
    }
  })

  it('is refused where the log does not hold the plan, or nothing is asked for', async () => {
    const story = new Story()
    await story.run(diamond, 5)
    const other = changed('b', { arguments: {} })
    expect(await rejection(story.run(other))).toMatchObject({ code: 'plan_changed' })
    const stripped = story.journal.read().map(({ internal, ...event }): JournalEntry => event)
    expect(await rejection(story.run(other, 5, { ...reuse, resumeFrom: stripped }))).toMatchObject({
      code: 'plan_changed',
    })
    expect(story.keys).toEqual([])
    expect((await story.run(diamond, 5, { resumeFrom: stripped })).status).toBe('success')
  })
})
