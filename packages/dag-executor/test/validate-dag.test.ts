import { describe, expect, it } from 'vitest'
import { DagValidationError, ParallelExecutor, type ToolRegistry, validateDag } from '../src/index.js'
import { graph, rejection } from './held-tasks.js'

const tools: ToolRegistry = { held: () => undefined }
const codes = (value: unknown) => validateDag(value, { tools }).map(({ code }) => code)

describe('validateDag', () => {
  it('finds nothing wrong with a DAG that can be run, an empty one included', () => {
    expect(validateDag(graph({ a: [], b: ['a'], c: ['a', 'b'] }), { tools })).toEqual([])
    expect(validateDag({ tasks: [] })).toEqual([])
  })

  it.each([
    ['depends_on', 'dependsOn'],
    ['dependson', 'dependsOn'],
    ['dependOn', 'dependsOn'],
    ['argument', 'arguments'],
    ['Tool', 'tool'],
    ['time-out', 'timeout'],
    ['retrys', 'retry'],
  ])('says that `%s` was probably meant to be `%s`', (name, member) => {
    const task = { id: 'a', tool: 'held', [name]: [] }
    expect(validateDag({ tasks: [task] }, { tools })).toEqual([
      { code: 'unknown_member', pointer: `/tasks/0/${name}`, message: `Expected \`${member}\`, got "${name}"`, member },
    ])
  })

  it.each(['name', 'description', 'metadata', 'it', 'ido', 'layer', 'x'.repeat(1_000), '__proto__'])(
    'leaves the unknown member `%s` alone',
    (name) => {
      const task = JSON.parse(`{"id":"a","tool":"held",${JSON.stringify(name)}:1}`)
      expect(validateDag({ tasks: [task] }, { tools })).toEqual([])
    },
  )

  it.each([
    [undefined, ''],
    [null, ''],
    [[], ''],
    ['tasks', ''],
    [{}, '/tasks'],
    [{ tasks: {} }, '/tasks'],
    [{ tasks: [null] }, '/tasks/0'],
    [{ tasks: [[]] }, '/tasks/0'],
    [{ tasks: [{ tool: 'held' }] }, '/tasks/0/id'],
    [{ tasks: [{ id: 1, tool: 'held' }] }, '/tasks/0/id'],
    [{ tasks: [{ id: 'a' }] }, '/tasks/0/tool'],
    [{ tasks: [{ id: 'a', tool: 'held', dependsOn: 'b' }] }, '/tasks/0/dependsOn'],
    [{ tasks: [{ id: 'a', tool: 'held', dependsOn: [null] }] }, '/tasks/0/dependsOn/0'],
    [{ tasks: [{ id: 'a', tool: 'held', arguments: [] }] }, '/tasks/0/arguments'],
  ])('says where %j is not of the right type', (value, pointer) => {
    expect(validateDag(value, { tools })).toMatchObject([{ code: 'invalid_type', pointer }])
  })

  it('reports every issue at once, with a JSON Pointer', () => {
    const issues = validateDag(
      {
        tasks: [
          { id: 'a', tool: 'held' },
          { id: 'a', tool: 'nothing' },
          { id: 'b', tool: 'held', dependsOn: ['a', 'x', 'y'] },
          { id: '', tool: 'held', timeout: -1 },
        ],
      },
      { tools },
    )
    expect(issues).toMatchObject([
      { code: 'duplicate_id', pointer: '/tasks/1/id', taskId: 'a', positions: [0, 1] },
      { code: 'unknown_tool', pointer: '/tasks/1/tool', tool: 'nothing' },
      { code: 'missing_dependency', pointer: '/tasks/2/dependsOn/1', dependency: 'x' },
      { code: 'missing_dependency', pointer: '/tasks/2/dependsOn/2', dependency: 'y' },
      { code: 'invalid_value', pointer: '/tasks/3/id' },
      { code: 'invalid_value', pointer: '/tasks/3/timeout' },
    ])
  })

  it('reports a cycle as its exact path, without what only leads to it', () => {
    expect(validateDag(graph({ start: ['a'], a: ['b'], b: ['c'], c: ['a'], after: ['c'] }))).toMatchObject([
      {
        code: 'cycle',
        path: ['a', 'b', 'c', 'a'],
        pointer: '/tasks/1/dependsOn',
        message: expect.stringContaining('→'),
      },
    ])
  })

  it('reports a task that depends on itself as a cycle', () => {
    expect(validateDag(graph({ a: ['a'] }))).toMatchObject([{ code: 'cycle', path: ['a', 'a'] }])
  })

  it('reports two independent cycles, also where one of them leads to the other', () => {
    const issues = validateDag(graph({ a: ['b'], b: ['a', 'c'], c: ['d'], d: ['c'] }))
    expect(issues.map((issue) => (issue.code === 'cycle' ? issue.path : issue))).toEqual([
      ['a', 'b', 'a'],
      ['c', 'd', 'c'],
    ])
  })

  it('finds a cycle in a graph 200,000 tasks wide, and one 100,000 tasks long', () => {
    const wide = Array.from({ length: 200_000 }, (_, i) => ({ id: `t${i}`, tool: 'held' }))
    const tasks = [...wide, { id: 'x', tool: 'held', dependsOn: ['y'] }, { id: 'y', tool: 'held', dependsOn: ['x'] }]
    expect(validateDag({ tasks }, { maxTasks: Infinity })).toMatchObject([{ code: 'cycle', path: ['x', 'y', 'x'] }])
    const ring = Array.from({ length: 100_000 }, (_, i) => ({
      id: `t${i}`,
      tool: 'held',
      dependsOn: [`t${(i + 1) % 100_000}`],
    }))
    const [issue] = validateDag({ tasks: ring }, { maxTasks: Infinity })
    expect(issue?.code === 'cycle' && issue.path.length).toBe(100_001)
    expect(issue?.message.length).toBeLessThan(1_000)
  })

  it('bounds the number of tasks and looks no further', () => {
    const dag = graph({ a: [], b: ['missing'], c: [] })
    expect(validateDag(dag, { maxTasks: 2 })).toMatchObject([{ code: 'too_many_tasks', count: 3, maxTasks: 2 }])
    expect(validateDag({ tasks: Array.from({ length: 1_001 }, () => null) })).toMatchObject([
      { code: 'too_many_tasks' },
    ])
    expect(validateDag(graph({ a: [], b: [] }), { maxTasks: 2 })).toEqual([])
  })

  it('bounds the number of issues, and says that there are more', () => {
    const missing = (count: number) => ({
      tasks: [{ id: 'a', tool: 'held', dependsOn: Array.from({ length: count }, (_, i) => `missing${i}`) }],
    })
    expect(codes(missing(100))).toEqual(Array.from({ length: 100 }, () => 'missing_dependency'))
    const issues = validateDag(missing(101))
    expect(issues).toHaveLength(101)
    expect(issues.at(-1)).toMatchObject({ code: 'too_many_issues', pointer: '', maxIssues: 100 })
  })

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '0', 'a\nb\r\0\u2028', '$ref'])(
    'takes %j as an ordinary id, of a task and of a dependency',
    (id) => {
      expect(
        codes({
          tasks: [
            { id, tool: 'held' },
            { id: 'last', tool: 'held', dependsOn: [id] },
          ],
        }),
      ).toEqual([])
      expect(codes({ tasks: [{ id: 'last', tool: 'held', dependsOn: [id] }] })).toEqual(['missing_dependency'])
    },
  )

  it.each(['__proto__', 'constructor', 'toString'])('knows a tool %j only where it is an own property', (tool) => {
    const dag = { tasks: [{ id: 'a', tool }] }
    expect(codes(dag)).toEqual(['unknown_tool'])
    const own: ToolRegistry = Object.fromEntries([[tool, () => undefined]])
    expect(validateDag(dag, { tools: own })).toEqual([])
  })

  it('tells ids apart that differ only in their Unicode normalisation', () => {
    expect(codes(graph({ '\u00e9': [], 'e\u0301': ['\u00e9'] }))).toEqual([])
  })

  it('refuses an id longer than 256 bytes as JSON, without quoting all of it', () => {
    expect(codes({ tasks: [{ id: 'x'.repeat(254), tool: 'held' }] })).toEqual([])
    expect(codes({ tasks: [{ id: 'x'.repeat(255), tool: 'held' }] })).toEqual(['invalid_value'])
    expect(codes({ tasks: [{ id: '\u0001'.repeat(42), tool: 'held' }] })).toEqual([])
    expect(codes({ tasks: [{ id: '\u0001'.repeat(43), tool: 'held' }] })).toEqual(['invalid_value'])
    expect(codes({ tasks: [{ id: '😀'.repeat(64), tool: 'held' }] })).toEqual(['invalid_value'])
    const [issue] = validateDag({ tasks: [{ id: 'x'.repeat(1_000_000), tool: 'held' }] })
    expect(issue?.message.length).toBeLessThan(200)
  })

  it.each([
    [{ retry: 3 }, '/retry'],
    [{ retry: {} }, '/retry'],
    [{ retry: { attempts: 0 } }, '/retry/attempts'],
    [{ retry: { attempts: 101 } }, '/retry/attempts'],
    [{ retry: { attempts: 2.5 } }, '/retry/attempts'],
    [{ retry: { attempts: 2, delayMs: '1' } }, '/retry/delayMs'],
    [{ retry: { attempts: 2, factor: 0.5 } }, '/retry/factor'],
    [{ retry: { attempts: 2, jitter: 2 } }, '/retry/jitter'],
    [{ timeout: null }, '/timeout'],
    [{ timeout: Number.NaN }, '/timeout'],
    [{ priority: Infinity }, '/priority'],
  ])('refuses the policy %j', (policy, place) => {
    expect(validateDag({ tasks: [{ id: 'a', tool: 'held', ...policy }] })).toMatchObject([
      { code: 'invalid_value', pointer: `/tasks/0${place}` },
    ])
  })

  it('finds references however deep, and demands that they name a dependency', () => {
    const dag = (dependsOn: string[]) => ({
      tasks: [
        { id: 'a', tool: 'held' },
        { id: 'b', tool: 'held', dependsOn, arguments: { 'x/y': [0, { z: { $ref: 'a', pointer: '/0' } }] } },
      ],
    })
    expect(validateDag(dag(['a']))).toEqual([])
    expect(validateDag(dag([]))).toMatchObject([
      { code: 'reference_not_a_dependency', pointer: '/tasks/1/arguments/x~1y/1/z/$ref', reference: 'a' },
    ])
  })

  it.each([
    { $ref: 1 },
    { $ref: 'a', pointer: 'x' },
    { $ref: 'a', pointer: '/~2' },
    { $ref: 'a', pointer: 0 },
    { $ref: 'a', default: 1 },
  ])('refuses the reference %j', (reference) => {
    const tasks = [
      { id: 'a', tool: 'held' },
      { id: 'b', tool: 'held', dependsOn: ['a'], arguments: { x: reference } },
    ]
    expect(validateDag({ tasks })).toMatchObject([{ code: 'invalid_reference', pointer: '/tasks/1/arguments/x' }])
  })

  it('refuses a reference in place of all arguments', () => {
    const tasks = [{ id: 'a', tool: 'held', arguments: { $ref: 'a' } }]
    expect(validateDag({ tasks })).toMatchObject([{ code: 'invalid_reference', pointer: '/tasks/0/arguments' }])
  })

  it('refuses arguments deeper than 100 levels, and cycles in them, without overflow', () => {
    const nested: unknown = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)
    const cyclic: Record<string, unknown> = {}
    Object.assign(cyclic, { left: cyclic, right: cyclic })
    for (const value of [nested, cyclic]) {
      const tasks = [{ id: 'a', tool: 'held', arguments: { value } }]
      expect(validateDag({ tasks })).toMatchObject([{ code: 'arguments_too_deep', maxDepth: 100 }])
    }
  })

  it('checks arguments against the schema of their tool, but only where they hold no reference', () => {
    const schema = { type: 'object' }
    const tasks = [
      { id: 'a', tool: 'typed' },
      { id: 'b', tool: 'typed', dependsOn: ['a'], arguments: { n: { $ref: 'a' } } },
    ]
    const seen: unknown[] = []
    const issues = validateDag(
      { tasks },
      {
        tools: { typed: { run: () => undefined, inputSchema: schema } },
        validateArguments: (given, args) => {
          seen.push([given, args])
          return [{ pointer: '/n', message: 'Expected a number' }]
        },
      },
    )
    expect(seen).toEqual([[schema, {}]])
    expect(issues).toMatchObject([
      { code: 'invalid_arguments', pointer: '/tasks/0/arguments/n', message: 'Expected a number', tool: 'typed' },
    ])
  })

  it('says what is wrong with its own options', () => {
    expect(() => validateDag({ tasks: [] }, { maxTasks: 0 })).toThrow(
      'Expected `maxTasks` to be a positive integer or Infinity, got 0',
    )
  })
})

describe('execute', () => {
  it('rejects with every issue before anything starts', async () => {
    let calls = 0
    const executor = new ParallelExecutor({ tools: { count: () => (calls += 1) } })
    const error = await rejection(executor.execute(graph({ a: [], b: ['x'], c: ['c'] }, 'count')))
    expect(DagValidationError.isInstance(error)).toBe(true)
    expect(error).toMatchObject({
      name: 'DagValidationError',
      code: 'invalid_dag',
      issues: [{ code: 'missing_dependency' }, { code: 'cycle' }],
    })
    expect(calls).toBe(0)
  })
})

describe('DagValidationError', () => {
  it('knows its own, and throws at no value whatever', () => {
    const hostile = new Proxy(
      {},
      {
        has() {
          throw new Error('no')
        },
      },
    )
    expect(DagValidationError.isInstance(new DagValidationError([]))).toBe(true)
    for (const value of [hostile, null, undefined, 'x', new Error('x')]) {
      expect(DagValidationError.isInstance(value)).toBe(false)
    }
  })
})
