import type { TaskDraft } from './plan.js'

/** What most tasks depend on, or have as dependents, shared by them. */
export const noTasks: readonly number[] = []

/**
 * Gives each task its dependents and its layer. Returns the indexes with every dependency before its dependents; where there are
 * cycles, those of the tasks that neither are in one nor depend on one.
 */
export function orderTasks(tasks: readonly TaskDraft[]): number[] {
  linkDependents(tasks)
  const missing = new Int32Array(tasks.length)
  const order: number[] = []
  for (const { index, dependencies } of tasks) {
    missing[index] = dependencies.length
    if (dependencies.length === 0) order.push(index)
  }
  // The list grows while it is read: each task is appended when its last dependency is reached.
  for (let place = 0; place < order.length; place += 1) {
    const { dependents, layer } = tasks[order[place]!]!
    for (const dependent of dependents) {
      missing[dependent]! -= 1
      if (missing[dependent] !== 0) continue
      // The layers in the list never fall, so that the last dependency has the highest.
      tasks[dependent]!.layer = layer + 1
      order.push(dependent)
    }
  }
  return order
}

/** Counted first, so that each list is made in its size: one that grows takes several times the memory. */
function linkDependents(tasks: readonly TaskDraft[]): void {
  const counts = new Int32Array(tasks.length)
  for (const { dependencies } of tasks) for (const dependency of dependencies) counts[dependency]! += 1
  const lists: number[][] = []
  for (const task of tasks) {
    const count = counts[task.index]!
    const list = count === 0 ? (noTasks as number[]) : new Array<number>(count)
    task.dependents = list
    lists.push(list)
  }
  // From the last to the first, as the lists are filled from their ends.
  for (let index = tasks.length - 1; index >= 0; index -= 1) {
    for (const dependency of tasks[index]!.dependencies) {
      counts[dependency]! -= 1
      lists[dependency]![counts[dependency]!] = index
    }
  }
}

/** Gives each task its rank: by priority, then by the longest path that begins with it, then by the order in the DAG. */
export function rankTasks(tasks: readonly TaskDraft[], order: readonly number[], layers: number): void {
  const remaining = new Int32Array(tasks.length).fill(1)
  for (let place = order.length - 1; place >= 0; place -= 1) {
    const index = order[place]!
    const longer = remaining[index]! + 1
    for (const dependency of tasks[index]!.dependencies) {
      if (remaining[dependency]! < longer) remaining[dependency] = longer
    }
  }
  if (tasks.every(({ policy }) => policy.priority === 0)) rankByLength(tasks, remaining, layers)
  else rankByPriority(tasks, remaining)
}

/** Without comparisons, since the lengths are small integers: most plans have no priorities. */
function rankByLength(tasks: readonly TaskDraft[], remaining: Int32Array, longest: number): void {
  /** At each length, how many tasks have a longer one; then the next free rank. */
  const ranks = new Int32Array(longest + 1)
  for (const length of remaining) ranks[length - 1]! += 1
  for (let length = longest - 1; length >= 0; length -= 1) ranks[length]! += ranks[length + 1]!
  for (const task of tasks) {
    const length = remaining[task.index]!
    task.rank = ranks[length]!
    ranks[length]! += 1
  }
}

function rankByPriority(tasks: readonly TaskDraft[], remaining: Int32Array): void {
  // The sort is stable, so that a tie goes by the order in the DAG.
  const byUrgency = [...tasks].sort(
    (a, b) => b.policy.priority - a.policy.priority || remaining[b.index]! - remaining[a.index]!,
  )
  for (const [rank, task] of byUrgency.entries()) task.rank = rank
}
