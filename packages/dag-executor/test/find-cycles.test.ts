import { describe, expect, it } from 'vitest'
import { findCycles } from '../src/find-cycles.js'
import { validateDag } from '../src/index.js'
import { Dice, firstSeed, runs } from './fuzzing.js'
import { graph } from './held-tasks.js'

const paths = (dag: object, maxTasks = 1_000) =>
  validateDag(dag, { maxTasks }).map((issue) => (issue.code === 'cycle' ? issue.path : issue.code))

describe('cycles', () => {
  it('are there for every task that depends on itself, also inside others', () => {
    expect(paths(graph({ a: ['a', 'b'], b: ['a', 'b'], c: ['c'], d: ['c'] }))).toEqual([
      ['a', 'a'],
      ['a', 'b', 'a'],
      ['b', 'b'],
      ['c', 'c'],
    ])
  })

  it('of one knot are told together, those that share no task with each other first', () => {
    const knot = graph({ outer: ['a'], a: ['b'], b: ['a', 'end'], end: ['outer'], x: ['y'], y: ['x'] })
    expect(paths(knot)).toEqual([
      ['a', 'b', 'a'],
      ['x', 'y', 'x'],
      ['outer', 'a', 'b', 'end', 'outer'],
    ])
  })

  it.each(Array.from({ length: runs }, (_, run) => firstSeed + run))(
    'are real, no two the same, and all of them: without the last step of each there is none (seed %d)',
    (seed) => {
      const dice = new Dice(seed)
      for (let round = 0; round < 50; round += 1) {
        const nodes = Array.from({ length: 1 + dice.below(9) }, (_, node) => node)
        const density = dice.next() / 2
        const dependencies = nodes.map(() => nodes.filter(() => dice.chance(density)))
        const cycles = findCycles(dependencies)
        const steps = cycles.map(stepsOf)
        for (const [at, path] of cycles.entries()) {
          expect(path.at(-1)).toBe(path[0])
          expect(new Set(path).size).toBe(path.length - 1)
          for (const [from, to] of steps[at]!) expect(dependencies[from!]).toContain(to)
        }
        expect(new Set(steps.map((cycle) => cycle.map(String).toSorted().join())).size).toBe(cycles.length)
        const ofSelves = cycles.filter(({ length }) => length === 2).map(([node]) => node)
        expect(ofSelves.toSorted()).toEqual(nodes.filter((node) => dependencies[node]!.includes(node)))
        const last = new Set(steps.map((cycle) => String(cycle.at(-1))))
        const rest = dependencies.map((list, node) => list.filter((dependency) => !last.has(`${node},${dependency}`)))
        expect(hasCycle(rest)).toBe(false)
        expect(hasCycle(dependencies)).toBe(cycles.length > 0)
      }
    },
  )

  it('are together no longer than the graph allows, however many there are: a hundred issues at most', () => {
    const count = 200_000
    // A long way with a small cycle at its middle, and from there on a dependency back to the other half at each step.
    const half = count / 2
    const dependencies = Array.from({ length: count }, (_, node) => [
      ...(node === half ? [half - 1] : []),
      ...(node > half ? [count - node] : []),
      ...(node + 1 < count ? [node + 1] : []),
    ])
    const cycles = findCycles(dependencies)
    expect(cycles[0]).toEqual([half - 1, half, half - 1])
    expect(cycles.length).toBeGreaterThan(100)
    expect(cycles.reduce((sum, path) => sum + path.length, 0)).toBeLessThan(3 * count)
    const tasks = dependencies.map((list, node) => ({
      id: `t${node}`,
      tool: 'ok',
      dependsOn: list.map((n) => `t${n}`),
    }))
    const listed = paths({ tasks }, Number.POSITIVE_INFINITY)
    expect(listed).toHaveLength(101)
    expect(listed.at(-1)).toBe('too_many_issues')
  })
})

function stepsOf(path: readonly number[]): [number, number][] {
  return path.slice(1).map((node, at) => [path[at]!, node])
}

/** Whether not all nodes can be taken one after the other, each after those that it depends on. */
function hasCycle(dependencies: readonly (readonly number[])[]): boolean {
  const left = new Set(dependencies.keys())
  for (let before = -1; before !== left.size; ) {
    before = left.size
    for (const node of left) if (dependencies[node]!.every((dependency) => !left.has(dependency))) left.delete(node)
  }
  return left.size > 0
}
