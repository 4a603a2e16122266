import type { TruncatedValue } from '@x/sse-protocol'
import { leafSize } from './json-size.js'
import { truncate } from './payload-limit.js'
import type { Plan, PlannedTask } from './plan.js'

/** A task as `execution_start` lists it. */
export interface ListedTask {
  id: string
  tool: string
  dependsOn: string[]
}

const frameBytes = '{"id":,"tool":,"dependsOn":[]}'.length
/** More of them than fit in a preview. */
const previewTasks = 64

/**
 * The tasks of a plan, or the truncated form of the list where its JSON text has more than `maxBytes` bytes. Made for plans of any size: how long the
 * text of a large one is can be told without making it.
 */
export function listTasks(plan: Plan, maxBytes: number, ref: () => string | null): ListedTask[] | TruncatedValue {
  const bytes = listBytes(plan.tasks)
  if (bytes <= maxBytes) return plan.tasks.map((task) => listTask(task, plan.tasks))
  const start = plan.tasks.slice(0, previewTasks).map((task) => listTask(task, plan.tasks))
  return truncate(JSON.stringify(start), { bytes, maxBytes, ref: ref() })
}

function listTask({ id, tool, dependencies }: PlannedTask, tasks: readonly PlannedTask[]): ListedTask {
  return { id, tool, dependsOn: dependencies.map((index) => tasks[index]!.id) }
}

/** Bytes of the JSON text of the whole list. */
function listBytes(tasks: readonly PlannedTask[]): number {
  const names = new Uint16Array(tasks.length)
  let bytes = '[]'.length + Math.max(0, tasks.length - 1)
  for (const { index, id } of tasks) names[index] = leafSize(id, Number.POSITIVE_INFINITY)
  let [tool, toolBytes] = ['', 0]
  for (const task of tasks) {
    if (task.tool !== tool) {
      tool = task.tool
      toolBytes = leafSize(tool, Number.POSITIVE_INFINITY)
    }
    bytes += frameBytes + names[task.index]! + toolBytes + Math.max(0, task.dependencies.length - 1)
    for (const dependency of task.dependencies) bytes += names[dependency]!
  }
  return bytes
}
