import type { DAGTask } from '@x/dag-executor'
import { randomNumbers } from '../statistics.js'

/** For each task the indexes of its dependencies, all of them smaller than its own. */
export type Graph = readonly (readonly number[])[]

/** By name; `size` is the number of tasks. The same graph at every call. */
export const shapes: Readonly<Record<string, (size: number) => Graph>> = {
  wide: (size) => graph(size, () => []),
  chain: (size) => graph(size, (index) => (index === 0 ? [] : [index - 1])),
  'layered random': layered,
  'tree outwards': (size) => graph(size, (index) => (index === 0 ? [] : [(index - 1) >> 1])),
  reduction,
  fan: (size) => graph(size, (index) => (index === 0 ? [] : index < size - 1 ? [0] : range(1, size - 1))),
}

/** All tasks call the tool `noop`, which has no arguments. */
export function tasksOf(graph: Graph): DAGTask[] {
  return graph.map((dependencies, index) => ({
    id: `t${index}`,
    tool: 'noop',
    dependsOn: dependencies.map((dependency) => `t${dependency}`),
  }))
}

function graph(size: number, dependencies: (index: number) => readonly number[]): Graph {
  return Array.from({ length: size }, (_, index) => dependencies(index))
}

/** As many layers as tasks in each; each task depends on one to three of the layer before. */
function layered(size: number): Graph {
  const random = randomNumbers(1)
  const width = Math.ceil(Math.sqrt(size))
  return graph(size, (index) => {
    const start = (Math.floor(index / width) - 1) * width
    if (start < 0) return []
    const count = 1 + Math.floor(random() * 3)
    return [...new Set(Array.from({ length: count }, () => start + Math.floor(random() * width)))]
  })
}

/** A binary tree inwards: each task but the first half has two of those before it. */
function reduction(size: number): Graph {
  return graph(size, (index) => {
    const fromRoot = size - 1 - index
    return [2 * fromRoot + 2, 2 * fromRoot + 1].filter((child) => child < size).map((child) => size - 1 - child)
  })
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}
