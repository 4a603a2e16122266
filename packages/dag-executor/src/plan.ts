import type { ResolvedPolicy } from './policy.js'
import { rankTasks } from './task-order.js'
import type { TableTool } from './tool-table.js'
import type { DagInspection } from './validate-dag.js'

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

/** A task on its way into a plan: it still gets its dependents, its layer and its rank. */
export type TaskDraft = { -readonly [Member in keyof PlannedTask]: PlannedTask[Member] }

/** Finishes the tasks of a DAG in which no issue was found, against a table of tools. */
export function createPlan({ facts: tasks, indexes, order }: DagInspection): Plan {
  const last = order.at(-1)
  const layers = last === undefined ? 0 : tasks[last]!.layer
  rankTasks(tasks, order, layers)
  return { tasks, indexes, order, layers }
}
