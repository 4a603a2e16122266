import type { DAGStructure } from './dag.js'
import { type ResolvedPolicy, resolvePolicy } from './policy.js'
import { copyArguments } from './references.js'
import type { TableTool, ToolTable } from './tool-table.js'
import type { TaskFacts } from './validate-task.js'

/** A task with everything that can be known before it runs. Tasks are named by their index in the plan. */
export interface PlannedTask {
  readonly index: number
  readonly id: string
  readonly tool: string
  readonly call: TableTool
  /** The plan's own copy: what the caller does to the DAG afterwards changes nothing. */
  readonly arguments: unknown
  readonly hasReferences: boolean
  readonly dependencies: readonly number[]
  readonly dependents: readonly number[]
  /** Length of the longest path to this task, in tasks, from 1. */
  readonly layer: number
  readonly policy: ResolvedPolicy
  /** Place in the order in which tasks start when several could: 0 goes first. */
  readonly rank: number
}

export interface Plan {
  readonly tasks: readonly PlannedTask[]
  readonly indexes: ReadonlyMap<string, number>
  /** Indexes with every dependency before its dependents. */
  readonly order: readonly number[]
  /** Length of the longest path, in tasks. */
  readonly layers: number
}

/** Prepares a DAG in which no issue was found, with what was found out about each task. */
export function createPlan({ tasks }: DAGStructure, facts: readonly TaskFacts[], tools: ToolTable): Plan {
  const indexes = new Map(tasks.map(({ id }, index) => [id, index]))
  const dependencies = facts.map((those) => those.dependencies)
  const dependents: number[][] = tasks.map(() => [])
  for (const [index, those] of dependencies.entries())
    for (const dependency of those) dependents[dependency]!.push(index)

  const order = topologicalOrder(dependencies, dependents)
  const layers = longestPaths(order, dependencies)
  const remaining = longestPaths([...order].reverse(), dependents)
  const policies = tasks.map(resolvePolicy)
  const ranks = new Array<number>(tasks.length)
  const byUrgency = tasks.map((_, index) => index)
  // The sort is stable, so that a tie goes by the order in the DAG.
  byUrgency.sort((a, b) => policies[b]!.priority - policies[a]!.priority || remaining[b]! - remaining[a]!)
  for (const [rank, index] of byUrgency.entries()) ranks[index] = rank

  return {
    indexes,
    order,
    layers: layers.reduce((longest, layer) => Math.max(longest, layer), 0),
    tasks: tasks.map((task, index) => ({
      index,
      id: task.id,
      tool: task.tool,
      call: tools.get(task.tool)!,
      arguments: copyArguments(task.arguments ?? {}),
      hasReferences: facts[index]!.hasReferences,
      dependencies: dependencies[index]!,
      dependents: dependents[index]!,
      layer: layers[index]!,
      policy: policies[index]!,
      rank: ranks[index]!,
    })),
  }
}

function topologicalOrder(dependencies: readonly (readonly number[])[], dependents: readonly (readonly number[])[]) {
  const missing = dependencies.map(({ length }) => length)
  const order = missing.flatMap((count, index) => (count === 0 ? [index] : []))
  // The list grows while it is read: each task is appended when its last dependency is reached.
  for (const index of order) {
    for (const dependent of dependents[index]!) {
      missing[dependent]! -= 1
      if (missing[dependent] === 0) order.push(dependent)
    }
  }
  return order
}

/** For each node the length, in nodes, of the longest path that ends in it. `order` has every predecessor first. */
function longestPaths(order: readonly number[], predecessors: readonly (readonly number[])[]): number[] {
  const lengths = new Array<number>(order.length).fill(1)
  for (const node of order) {
    for (const predecessor of predecessors[node]!) lengths[node] = Math.max(lengths[node]!, lengths[predecessor]! + 1)
  }
  return lengths
}
