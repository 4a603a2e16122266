import { describe, expect, it } from 'vitest'
import { type DagIssue, type ToolRegistry, validateDag } from '../src/index.js'
import { followPointer, parsePointer } from '../src/json-pointer.js'
import { editDistance, NearestName } from '../src/nearest-name.js'

const nearestIn = (names: string[], wanted: string) => new NearestName(names).find(wanted)
const tools: ToolRegistry = { fetch_page: () => 1, summarise: () => 1 }
const dag = (...tasks: object[]) => ({ tasks: tasks.map((task) => ({ tool: 'fetch_page', ...task })) })

describe('the nearest name', () => {
  it.each([
    ['fetchPage', 'fetch-page', 'fetchPage'],
    ['summarise', 'summarize', 'summarise'],
    ['load', 'laod', 'load'],
    ['step1', 'step', 'step1'],
    ['Lyon', 'LYON', 'Lyon'],
    ['caf\u00e9', 'cafe\u0301', 'caf\u00e9'],
    ['ﬁnd', 'find', 'ﬁnd'],
    ['__proto__', '__proto_', '__proto__'],
  ])('of the id %j is found for %j', (id, wanted, nearest) => {
    expect(nearestIn(['other', id], wanted)).toBe(nearest)
  })

  it.each([
    ['a', 'b'],
    ['fetch', 'store'],
    ['fetch', 'fch__'],
    ['x', ''],
    ['x'.repeat(254), 'x'.repeat(255)],
  ])('is not %j for %j', (id, wanted) => {
    expect(nearestIn([id], wanted)).toBeUndefined()
  })

  it.each([
    [2, 1],
    [3, 1],
    [5, 1],
    [6, 2],
    [8, 2],
    [9, 3],
    [12, 4],
    [30, 10],
  ])('of a name of %d characters is at most %d edits away, which is a third of it or one', (length, most) => {
    const wanted = 'abcdefghijklmnopqrstuvwxyz0123'.slice(0, length)
    const edited = (edits: number) => wanted.slice(0, length - edits) + '_'.repeat(edits)
    expect(nearestIn([edited(most)], wanted)).toBe(edited(most))
    expect(nearestIn([edited(most + 1)], wanted)).toBeUndefined()
  })

  it('is the one that takes the fewest edits, and of several the first', () => {
    expect(nearestIn(['search_two', 'search_on', 'search_one'], 'search_onn')).toBe('search_on')
    expect(nearestIn(['task1', 'task2', 'task3'], 'task9')).toBe('task1')
    expect(nearestIn(['pagess', 'PAGE'], 'page')).toBe('PAGE')
  })

  it('counts edits as the whole table of them does, up to its limit', () => {
    let seed = 1
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    const text = () => Array.from({ length: random(9) }, () => 'abc'[random(3)]).join('')
    for (let round = 0; round < 20_000; round += 1) {
      const [a, b, limit] = [text(), text(), random(6)]
      expect([a, b, limit, Math.min(editDistance(a, b, limit), limit + 1)]).toEqual([
        a,
        b,
        limit,
        Math.min(wholeTable(a, b), limit + 1),
      ])
    }
  })
})

describe('an issue about a name that does not exist', () => {
  it('tells the nearest id of a task, in its message and as a member', () => {
    const issues = validateDag(
      dag(
        { id: 'fetch' },
        { id: 'b', dependsOn: ['fetchh'], arguments: { x: { $ref: 'fetchh' }, y: { $ref: 'fetc' } } },
      ),
    )
    expect(issues).toEqual([
      {
        code: 'missing_dependency',
        pointer: '/tasks/1/dependsOn/0',
        message: 'Expected the id of a task of this DAG, got "fetchh"; the nearest is "fetch"',
        taskId: 'b',
        dependency: 'fetchh',
        nearest: 'fetch',
      },
      {
        code: 'reference_not_a_dependency',
        pointer: '/tasks/1/arguments/y/$ref',
        message: 'Expected a reference to a task in `dependsOn`, got "fetc"; the nearest is "fetch"',
        taskId: 'b',
        reference: 'fetc',
        nearest: 'fetch',
      },
    ])
  })

  it('points to where the nearest repairs the plan', () => {
    const plan = dag(
      { id: 'fetch' },
      {
        id: 'b',
        tool: 'sumarise',
        dependsOn: ['fetc', 'fetch'],
        arguments: { 'x/~': [{ $ref: 'Fetch', pointer: '/0' }] },
      },
    )
    const issues = validateDag(plan, { tools })
    expect(issues).toHaveLength(3)
    for (const issue of issues) {
      const parts = parsePointer(issue.pointer)!
      const place = followPointer(plan, parts.slice(0, -1)).value as Record<string, unknown>
      place[parts.at(-1)!] = (issue as { nearest?: string }).nearest
    }
    expect(validateDag(plan, { tools })).toEqual([])
  })

  it('has no nearest where the pointer was cut, so that it is no place to put it', () => {
    const key = 'k'.repeat(490)
    const [issue] = validateDag(dag({ id: 'fetch' }, { id: 'b', arguments: { [key]: { $ref: 'Fetch' } } }))
    expect(issue).toMatchObject({ code: 'reference_not_a_dependency', pointer: `/tasks/1/arguments/${key}` })
    expect(issue).not.toHaveProperty('nearest')
  })

  it('tells the nearest tool', () => {
    expect(validateDag(dag({ id: 'a', tool: 'fetchPage' }), { tools })).toEqual([
      {
        code: 'unknown_tool',
        pointer: '/tasks/0/tool',
        message: 'Expected the name of a registered tool, got "fetchPage"; the nearest is "fetch_page"',
        taskId: 'a',
        tool: 'fetchPage',
        nearest: 'fetch_page',
      },
    ])
  })

  it('says so where the nearest looks the same', () => {
    const [issue] = validateDag(dag({ id: 'caf\u00e9' }, { id: 'b', dependsOn: ['cafe\u0301'] }))
    expect(issue).toMatchObject({
      nearest: 'caf\u00e9',
      message: /the nearest is "café", the same in another Unicode form$/,
    })
  })

  it('has no nearest where nothing is near, and never the task itself, which would be a cycle', () => {
    const issues = validateDag(dag({ id: 'fetch', dependsOn: ['Fetch', 'zzz'] }, { id: 'parse' }))
    expect(issues).toHaveLength(2)
    for (const issue of issues) expect(issue).not.toHaveProperty('nearest')
  })

  it('has no nearest where a reference names a task that exists', () => {
    const [issue, ...others] = validateDag(
      dag({ id: 'a1' }, { id: 'a2' }, { id: 'b', arguments: { x: { $ref: 'a1' } } }),
    )
    expect(others).toEqual([])
    expect(issue).toMatchObject({ code: 'reference_not_a_dependency', reference: 'a1' })
    expect(issue).not.toHaveProperty('nearest')
  })

  it('stays short where both names are as long as names can be', () => {
    const id = '"'.repeat(126)
    const [issue] = validateDag(dag({ id }, { id: 'b', dependsOn: [`${id.slice(1)}x`] }))
    expect(issue).toMatchObject({ nearest: id })
    expect(JSON.stringify(issue).length).toBeLessThan(1_500)
  })
})

describe('the search is bounded', () => {
  const unknown = (count: number, make: (index: number) => string, ids: string[]) =>
    dag(...ids.map((id) => ({ id })), { id: 'last', dependsOn: Array.from({ length: count }, (_, i) => make(i)) })
  const near = (issues: DagIssue[]) => issues.filter((issue) => 'nearest' in issue).length

  it('finds the nearest for each of a hundred ids in a DAG of 1,000 ordinary ones', () => {
    const ids = Array.from({ length: 999 }, (_, i) => `collect_${['page', 'title', 'links', 'text'][i % 4]}_${i}`)
    const issues = validateDag(unknown(100, (i) => `colect_${['page', 'title', 'links', 'text'][i % 4]}_${i}`, ids))
    expect(issues).toHaveLength(100)
    for (const [i, issue] of issues.entries()) expect(issue).toMatchObject({ nearest: ids[i] })
  })

  it('gives up over names made to be costly, and still finds those that differ only in case', () => {
    // All about as far from each other as may be, with the same letters, so that every comparison is a long one.
    const long = (seed: number) =>
      Array.from({ length: 254 }, (_, i) => (((i + 1) * (seed + 7)) % 11 < 5 ? 'a' : 'b')).join('')
    const ids = Array.from({ length: 998 }, (_, i) => `${long(i).slice(0, 248)}${String(i).padStart(4, '0')}`)
    const wanted = (i: number) =>
      i < 99 ? `${[...long(i + 5_000).slice(0, 248)].reverse().join('')}x${i}` : 'LAST_ONE'
    const dagOfAll = unknown(100, wanted, [...ids, 'last_one'])
    let issues: DagIssue[] = []
    const steps = countCharacterReads(() => {
      issues = validateDag(dagOfAll)
    })
    // Of three million units of work, few do anything but read a character; all comparisons would take two hundred million.
    expect(steps).toBeLessThan(4_000_000)
    expect(issues).toHaveLength(100)
    expect(issues[99]).toMatchObject({ dependency: 'LAST_ONE', nearest: 'last_one' })
    expect(near(issues)).toBeLessThan(100)
  })

  it('does not read the names of a DAG in which nothing is missing', () => {
    let reads = 0
    const names = {
      *[Symbol.iterator]() {
        reads += 1
        yield 'a'
      },
    }
    const nearest = new NearestName(names)
    expect(reads).toBe(0)
    nearest.find('b')
    nearest.find('c')
    expect(reads).toBe(1)
  })
})

/** A spy would keep a record of each of the millions. */
function countCharacterReads(work: () => void): number {
  const original = String.prototype.charCodeAt
  let reads = 0
  String.prototype.charCodeAt = function (this: string, index: number) {
    reads += 1
    return original.call(this, index)
  }
  try {
    work()
  } finally {
    String.prototype.charCodeAt = original
  }
  return reads
}

/** The optimal string alignment distance as textbooks write it. */
function wholeTable(a: string, b: string): number {
  const table = Array.from({ length: a.length + 1 }, (_, row) =>
    Array.from({ length: b.length + 1 }, (_, column) => (row === 0 ? column : column === 0 ? row : 0)),
  )
  for (let row = 1; row <= a.length; row += 1) {
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = table[row - 1]![column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1)
      const ways = [replaced, table[row - 1]![column]! + 1, table[row]![column - 1]! + 1]
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        ways.push(table[row - 2]![column - 2]! + 1)
      }
      table[row]![column] = Math.min(...ways)
    }
  }
  return table[a.length]![b.length]!
}
