import { setImmediate as nextTurn } from 'node:timers/promises'
import v8 from 'node:v8'
import vm from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import {
  type DAGStructure,
  DagValidationError,
  ParallelExecutor,
  parseDag,
  StreamingExecutor,
  type ToolRegistry,
  validateDag,
} from '../src/index.js'
import { HeldTasks, rejection } from './held-tasks.js'

const tools: ToolRegistry = { ok: () => 1 }
const huge = 'x'.repeat(1_000_000)
const many = <Item>(count: number, item: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, i) => item(i))
const one = (members: object) => ({ tasks: [{ id: 'a', tool: 'ok', ...members }] })

/** A list that counts how often its items are looked at. */
function counted<Item>(items: Item[]): { list: Item[]; reads: () => number } {
  let reads = 0
  const list = new Proxy(items, {
    get(target, key, receiver) {
      if (typeof key === 'string' && /^\d+$/.test(key)) reads += 1
      return Reflect.get(target, key, receiver)
    },
  })
  return { list, reads: () => reads }
}

/** `value` inside objects, so that the path to it has `depth` keys below `arguments`. */
function nest(value: unknown, depth: number): Record<string, unknown> {
  let nested: Record<string, unknown> = { leaf: value }
  for (let level = 1; level < depth; level += 1) nested = { k: nested }
  return nested
}

describe('the answer to a hostile DAG is short', () => {
  it.each([
    ['ids', { tasks: many(1_000, () => ({ id: huge, tool: 'ok', dependsOn: ['x', 'y'] })) }],
    ['equal ids', { tasks: many(1_000, () => ({ id: huge, tool: 'ok' })) }],
    ['tools', { tasks: many(1_000, (i) => ({ id: `t${i}`, tool: huge })) }],
    ['dependencies', one({ id: huge, dependsOn: many(1_000, () => huge) })],
    ['references', one({ id: huge, arguments: { list: many(1_000, () => ({ $ref: huge })) } })],
    ['members of references', one({ arguments: { list: many(1_000, () => ({ $ref: 'a', [huge]: 1 })) } })],
    ['keys', one({ arguments: { [huge]: many(1_000, () => ({ $ref: 'b' })) } })],
    ['keys of escapes', one({ arguments: { ['~'.repeat(500)]: many(1_000, () => ({ $ref: 'b' })) } })],
    [
      'keys on a long way',
      one({
        arguments: nest(
          many(1_000, () => ({ $ref: 1 })),
          98,
        ),
      }),
    ],
  ])('with long %s', (_, dag) => {
    const issues = validateDag(dag, { tools })
    expect(issues.length).toBeGreaterThan(0)
    expect(issues.length).toBeLessThanOrEqual(101)
    for (const issue of issues) expect(JSON.stringify(issue).length).toBeLessThan(1_500)
    expect(new DagValidationError(issues).message.length).toBeLessThan(3_000)
  })

  it('names in issues are whole where they could be names, and otherwise cut', () => {
    const longest = 'n'.repeat(254)
    const missing = (dependency: string) => validateDag(one({ dependsOn: [dependency] }))
    expect(missing(longest)).toMatchObject([{ code: 'missing_dependency', taskId: 'a', dependency: longest }])
    expect(missing(`${longest}n`)).toMatchObject([{ dependency: `${'n'.repeat(64)}…` }])
    expect(missing(`${'n'.repeat(63)}${'😀'.repeat(200)}`)).toMatchObject([{ dependency: `${'n'.repeat(63)}…` }])
  })

  it('a pointer that would be too long ends at the last enclosing place that is not', () => {
    const pointer = (args: object) => validateDag(one({ arguments: args }))[0]?.pointer
    const head = '/tasks/0/arguments/'
    const fits = 'k'.repeat(512 - head.length)
    expect(pointer({ [fits]: { $ref: 1 } })).toBe(head + fits)
    expect(pointer({ [`${fits}k`]: { $ref: 1 } })).toBe('/tasks/0/arguments')
    expect(pointer({ a: { [huge]: { b: { $ref: 1 } } } })).toBe('/tasks/0/arguments/a')
    expect(pointer({ a: { ['~'.repeat(300)]: { $ref: 1 } } })).toBe('/tasks/0/arguments/a')
  })

  it('a validator is read no further than needed, and its texts are cut', () => {
    const { list, reads } = counted(many(5_000, () => ({ pointer: `/a~1b/${huge}`, message: huge })))
    const issues = validateDag(one({ tool: 'typed' }), {
      tools: { typed: { run: () => 1, inputSchema: {} } },
      validateArguments: () => list,
    })
    expect(issues).toHaveLength(101)
    expect(issues[0]).toMatchObject({ pointer: '/tasks/0/arguments/a~1b', message: `${'x'.repeat(500)}…` })
    expect(reads()).toBeLessThan(110)
  })

  it('what cannot be an id stands for no task: it is reported once, and nothing can depend on it', () => {
    const long = 'x'.repeat(300)
    const dag = {
      tasks: [
        { id: long, tool: 'ok' },
        { id: long, tool: 'ok' },
        { id: 'b', tool: 'ok', dependsOn: [long] },
      ],
    }
    expect(validateDag(dag)).toMatchObject([
      { code: 'invalid_value', pointer: '/tasks/0/id' },
      { code: 'invalid_value', pointer: '/tasks/1/id' },
      { code: 'missing_dependency', pointer: '/tasks/2/dependsOn/0' },
    ])
  })

  it('what cannot be the name of a tool is reported once', () => {
    expect(validateDag(one({ tool: huge }), { tools })).toMatchObject([
      { code: 'invalid_value', pointer: '/tasks/0/tool' },
    ])
  })
})

describe('the work on a hostile DAG is bounded', () => {
  it('refuses more dependencies of a task than there may be tasks, without looking at them', () => {
    const { list, reads } = counted(many(500_000, () => 1))
    expect(validateDag(one({ dependsOn: list }))).toEqual([
      {
        code: 'too_many_dependencies',
        pointer: '/tasks/0/dependsOn',
        message: 'Expected `dependsOn` to have at most 1000 entries, got 500000',
        taskId: 'a',
        count: 500_000,
        maxDependencies: 1_000,
      },
    ])
    expect(reads()).toBe(0)
    const two = (length: number) => ({
      tasks: [{ id: 'b', tool: 'ok' }, ...one({ dependsOn: many(length, () => 'b') }).tasks],
    })
    expect(validateDag(two(2), { maxTasks: 2 })).toEqual([])
    expect(validateDag(two(3), { maxTasks: 2 })).toMatchObject([{ code: 'too_many_dependencies' }])
  })

  it.each([
    ['dependencies of a wrong type', (list: unknown[]) => one({ dependsOn: list }), 1],
    ['dependencies that are missing', (list: unknown[]) => one({ dependsOn: list }), ''],
    ['wrong references', (list: unknown[]) => one({ arguments: { list } }), { $ref: 1 }],
    ['references to what is no dependency', (list: unknown[]) => one({ arguments: { list } }), { $ref: 'b' }],
    ['tasks that are none', (list: unknown[]) => ({ tasks: list }), null],
  ])('stops at the last issue that it lists: %s', (_, dag, item) => {
    const { list, reads } = counted(many(90_000, () => item))
    expect(validateDag(dag(list), { maxTasks: Number.POSITIVE_INFINITY })).toHaveLength(101)
    // Ids are collected from all tasks before any issue is looked for.
    expect(reads()).toBeLessThanOrEqual(item === null ? 90_000 + 110 : 110)
  })

  it('stops to collect ids when the list is full of those that are there twice', () => {
    const { list, reads } = counted(many(90_000, () => ({ id: 'a', tool: 'ok' })))
    expect(validateDag({ tasks: list }, { maxTasks: Number.POSITIVE_INFINITY })).toHaveLength(101)
    expect(reads()).toBeLessThan(110)
  })

  it('makes no path and no pointer for a reference that is right, however deep it is', () => {
    const references = many(10_000, () => ({ $ref: 'a' }))
    const dag = {
      tasks: [...one({}).tasks, { id: 'b', tool: 'ok', dependsOn: ['a'], arguments: nest(references, 98) }],
    }
    const replaceAll = vi.spyOn(String.prototype, 'replaceAll')
    // A spy would iterate over arrays itself.
    const iterator = Array.prototype[Symbol.iterator]
    let copies = 0
    Array.prototype[Symbol.iterator] = function (this: unknown[]) {
      if (this.length >= 98) copies += 1
      return iterator.call(this)
    }
    const issues = validateDag(dag, { tools })
    Array.prototype[Symbol.iterator] = iterator
    const pointers = replaceAll.mock.calls.length
    replaceAll.mockRestore()
    expect(issues).toEqual([])
    expect({ pointers, copies }).toEqual({ pointers: 0, copies: 0 })
  })

  it('looks at the arguments of a task once, to check and to copy them', async () => {
    const { list, reads } = counted(many(1_000, () => 1))
    expect(validateDag(one({ arguments: { list } }), { tools })).toEqual([])
    expect(reads()).toBe(1_000)
    await new ParallelExecutor({ tools }).execute(one({ arguments: { list } }))
    expect(reads()).toBe(2_000)
  })
})

describe('unknown members', () => {
  const deep: unknown = JSON.parse(`${'['.repeat(450_000)}${']'.repeat(450_000)}`)

  it('are looked into by nothing, however deep they are', async () => {
    const dag = { x: deep, tasks: [{ id: 'a', tool: 'ok', x: deep, retry: { attempts: 1, x: deep } }] }
    expect(validateDag(dag, { tools })).toEqual([])
    expect(parseDag(dag, { tools }).dag).toEqual({ tasks: [{ id: 'a', tool: 'ok', retry: { attempts: 1 } }] })
    expect((await new ParallelExecutor({ tools }).execute(dag)).status).toBe('success')
  })

  it.each(['id', 'tool', 'dependsOn', 'retry', 'timeout', 'priority'])('may stand in place of `%s`', async (member) => {
    const executor = new ParallelExecutor({ tools })
    expect(await rejection(executor.execute(one({ [member]: deep })))).toMatchObject({ code: 'invalid_dag' })
    expect(await rejection(executor.execute(one({ [member]: [deep] })))).toMatchObject({ code: 'invalid_dag' })
  })

  it('may stand in a reference, and as `arguments`', () => {
    expect(validateDag(one({ arguments: { x: { $ref: 'a', y: deep } } }))).toMatchObject([
      { code: 'invalid_reference' },
    ])
    expect(validateDag(one({ arguments: { x: deep } }))).toMatchObject([{ code: 'arguments_too_deep' }])
  })

  it.each(['execute', 'executeWithStreaming', 'stream'] as const)('are not kept while %s runs', async (way) => {
    v8.setFlagsFromString('--expose-gc')
    const collectGarbage = vm.runInNewContext('gc') as () => void
    const held = new HeldTasks()
    const executor = new StreamingExecutor({ tools: { held: held.tool } })
    const begin = () => {
      const unknown = {}
      const dag: DAGStructure = Object.assign(one({ tool: 'held', unknown }), { unknown })
      const result =
        way === 'stream'
          ? executor.stream(dag).result
          : way === 'execute'
            ? executor.execute(dag)
            : executor.executeWithStreaming(dag, new WritableStream())
      return { result, kept: new WeakRef(unknown) }
    }
    const { result, kept } = begin()
    const call = await held.started('a')
    await nextTurn()
    collectGarbage()
    expect(kept.deref()).toBeUndefined()
    call.succeed()
    expect(await result).toMatchObject({ status: 'success' })
  })
})

describe('parseDag', () => {
  it('gives the issues of a DAG that cannot be run', () => {
    expect(parseDag(one({ tool: 'x' }), { tools })).toEqual({ issues: validateDag(one({ tool: 'x' }), { tools }) })
    expect(() => parseDag({}, { maxTasks: 0 })).toThrow('Expected `maxTasks`')
  })

  it('gives a copy of the members of a DAG, and nothing else', () => {
    const value = {
      name: 'mine',
      tasks: [
        { id: '__proto__', tool: 'ok', title: 'first', extra: { deep: 1 } },
        {
          id: 'b',
          tool: 'ok',
          arguments: { list: [{ $ref: '__proto__', pointer: '/a' }], ['__proto__']: { deep: null } },
          dependsOn: ['__proto__', '__proto__'],
          retry: { attempts: 2, delayMs: 0, factor: 1, maxDelayMs: 5, jitter: 0, budget: 9 },
          timeout: 0,
          priority: -1,
        },
      ],
    }
    const { dag } = parseDag(value, { tools })
    expect(JSON.stringify(dag)).toBe(
      JSON.stringify({
        tasks: [
          { id: '__proto__', tool: 'ok' },
          {
            id: 'b',
            tool: 'ok',
            arguments: { list: [{ $ref: '__proto__', pointer: '/a' }], ['__proto__']: { deep: null } },
            dependsOn: ['__proto__'],
            retry: { attempts: 2, delayMs: 0, factor: 1, maxDelayMs: 5, jitter: 0 },
            timeout: 0,
            priority: -1,
          },
        ],
      }),
    )
    expect(dag?.tasks[1]?.arguments).not.toBe(value.tasks[1]?.arguments)
  })

  it('makes limits of time finite, which as JSON would become null and be refused', () => {
    const text = '{"tasks":[{"id":"a","tool":"ok","timeout":1e999,"retry":{"attempts":1,"maxDelayMs":1e999}}]}'
    const { dag } = parseDag(JSON.parse(text), { tools })
    expect(parseDag(JSON.parse(JSON.stringify(dag)), { tools })).toEqual({ dag })
  })
})
