import { describe, expect, it } from 'vitest'
import { type DAGTask, ParallelExecutor, parseDag, type ToolRegistry } from '../src/index.js'
import { createPlan, type Plan } from '../src/plan.js'
import { planHash } from '../src/plan-hash.js'
import { inspectDag, readRules } from '../src/validate-dag.js'
import { graph } from './held-tasks.js'

const tools: ToolRegistry = { ok: () => 1, held: () => 1 }

function plan(dag: unknown): Plan {
  const inspection = inspectDag(dag, readRules({ tools, maxTasks: Number.POSITIVE_INFINITY }))
  expect(inspection.issues).toEqual([])
  return createPlan(inspection)
}

/** The ids in the order of their ranks. */
const byRank = ({ tasks }: Plan) => tasks.toSorted((a, b) => a.rank - b.rank).map(({ id }) => id)

describe('a plan', () => {
  it('knows of each task what it depends on, each once, what depends on it, and the longest path to it', () => {
    const { tasks, order, layers, indexes } = plan(
      graph({ last: ['b', 'a', 'b', 'c'], a: [], b: ['a'], c: ['a', 'b', 'a'], alone: [] }),
    )
    expect(tasks.map(({ id, dependencies, dependents, layer }) => [id, dependencies, dependents, layer])).toEqual([
      ['last', [2, 1, 3], [], 4],
      ['a', [], [0, 2, 3], 1],
      ['b', [1], [0, 3], 2],
      ['c', [1, 2], [0], 3],
      ['alone', [], [], 1],
    ])
    expect(order).toEqual([1, 4, 2, 3, 0])
    expect(layers).toBe(4)
    expect([...indexes]).toEqual([['last', 0], ['a', 1], ['b', 2], ['c', 3], ['alone', 4]]) // biome-ignore format: pairs
  })

  it('ranks tasks by priority, then by the longest path that begins with them, then by their order', () => {
    const tasks: DAGTask[] = [
      { id: 'short', tool: 'ok' },
      { id: 'end', tool: 'ok', dependsOn: ['middle'] },
      { id: 'middle', tool: 'ok', dependsOn: ['long'] },
      { id: 'long', tool: 'ok' },
      { id: 'short too', tool: 'ok' },
    ]
    expect(byRank(plan({ tasks }))).toEqual(['long', 'middle', 'short', 'end', 'short too'])
    const urgent = tasks.map((task) => (task.id === 'short too' ? { ...task, priority: 0.5 } : task))
    expect(byRank(plan({ tasks: urgent }))).toEqual(['short too', 'long', 'middle', 'short', 'end'])
    const late = tasks.map((task) => (task.id === 'long' ? { ...task, priority: -1 } : task))
    expect(byRank(plan({ tasks: late }))).toEqual(['middle', 'short', 'end', 'short too', 'long'])
  })

  it('holds what was looked at: every member of a task is read once', () => {
    const reads = new Map<string, number>()
    const counted = (members: object, path: string): object =>
      new Proxy(members, {
        get(target, key, receiver) {
          const name = `${path}${String(key)}`
          reads.set(name, (reads.get(name) ?? 0) + 1)
          return Reflect.get(target, key, receiver)
        },
      })
    const retry = counted({ attempts: 2, delayMs: 1, factor: 1, maxDelayMs: 1, jitter: 0, retryOn: ['a'] }, 'retry.')
    const onError = counted({ fallback: 1 }, 'onError.')
    const args = counted({ x: 1, y: counted({ z: 2 }, 'y.') }, 'arguments.')
    const times = { timeout: 1, totalTimeout: 1, idleTimeout: 1, priority: 1 }
    const first = { id: 'b', tool: 'ok' }
    plan({
      tasks: [first, counted({ id: 'a', tool: 'ok', dependsOn: ['b'], arguments: args, retry, onError, ...times }, '')],
    })
    expect([...reads].filter(([, count]) => count > 1)).toEqual([])
    expect(reads.size).toBe(10 + 6 + 1 + 2 + 1)
  })

  it('keeps members of arguments that prototypes have as well as data', () => {
    const text = '{"__proto__":{"x":1},"constructor":1,"toString":[{"__proto__":null}]}'
    const { tasks } = plan({ tasks: [{ id: 'a', tool: 'ok', arguments: JSON.parse(text) }] })
    expect(JSON.stringify(tasks[0]!.arguments)).toBe(text)
    expect(Object.getPrototypeOf(tasks[0]!.arguments)).toBe(Object.prototype)
    expect(JSON.stringify(parseDag({ tasks: [{ id: 'a', tool: 'ok', arguments: JSON.parse(text) }] }).dag)).toContain(
      text,
    )
  })

  it('keeps the holes in arrays of arguments', () => {
    const list = [1, undefined, 2]
    delete list[1]
    list.length = 4
    const { tasks } = plan({ tasks: [{ id: 'a', tool: 'ok', arguments: { list } }] })
    expect(tasks[0]!.arguments).toStrictEqual({ list })
  })

  it('lets neither a validator nor a tool change the arguments of another task', async () => {
    const seen: unknown[] = []
    const change = (args: object) => {
      seen.push({ ...args })
      Object.assign(args, { changed: true })
      return []
    }
    const executor = new ParallelExecutor({
      tools: { change: { run: change, inputSchema: {} } },
      validateArguments: (_, args) => change(args),
    })
    expect(await executor.execute(graph({ a: [], b: [], c: [] }, 'change'))).toMatchObject({ status: 'success' })
    expect(seen).toEqual([{}, {}, {}, {}, {}, {}])
  })
})

describe('the hash of a plan', () => {
  it('stays what it is from version to version', async () => {
    const tasks = [
      { id: 'a', tool: 'ok' },
      { id: 'é"\\\n\ud800😀', tool: 'ok', arguments: {}, onError: 'ignore' },
      {
        id: 'c',
        tool: 'held',
        dependsOn: ['é"\\\n\ud800😀', 'a'],
        arguments: {
          z: [1, -0, 1.5, 1e21, null, true, Number.NaN, undefined, { $ref: 'a', pointer: '/x' }],
          a: { 10: 'ten', 9: 'nine', ü: '\u2028', undefined: undefined },
          odd: [() => 1, 5n, Symbol('s'), new Date(0), new Map([[1, 2]])],
        },
        onError: { fallback: { b: [], a: {} } },
        retry: { attempts: 5 },
      },
      ...Array.from({ length: 12 }, (_, i) => ({ id: `t${i}`, tool: 'ok' })),
      { id: 'many', tool: 'ok', dependsOn: Array.from({ length: 12 }, (_, i) => `t${11 - i}`) },
    ]
    expect(await planHash(plan({ tasks }))).toBe('3bb362d9876fe05e7cd4c0338e6a2da92afe95fa6d4d7d6927c2875da7ab2b42')
    expect(await planHash(plan({ tasks: [] }))).toBe('4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945')
  })

  it('is that of the whole text, however long and whatever stands at its ends', async () => {
    const texts = ['x'.repeat(5_000), 'é'.repeat(5_000), '😀'.repeat(3_000), '"'.repeat(5_000), '']
    const tasks = texts.map((text, index) => ({ id: `${index}`, tool: 'ok', arguments: { text } }))
    const json = tasks.map(({ id, tool, arguments: args }) => ({ arguments: args, dependsOn: [], id, tool }))
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(json)))
    expect(await planHash(plan({ tasks }))).toBe(Buffer.from(digest).toString('hex'))
  })
})
