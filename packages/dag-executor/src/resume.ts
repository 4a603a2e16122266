import type { ExecutionRecord, TaskEnd, TaskRecord } from './execution-record.js'
import type { TaskResult } from './execution-result.js'
import type { Plan, PlannedTask } from './plan.js'
import { describePlan, keptTasks } from './plan-data.js'
import { ResumeError } from './resume-error.js'
import type { RestoredTask } from './task-board.js'
import { ToolError } from './tool-error.js'

/** Where a log leaves the tasks of a plan. */
export interface Resumption {
  /** By index, in the order in which the log first tells of them. */
  readonly tasks: ReadonlyMap<number, RestoredTask>
  /** What the log says of the end of this very plan. */
  readonly completion: ExecutionRecord['completion']
  /** The log tells of this plan: its `execution_start` is there. */
  readonly isKnown: boolean
}

/**
 * Puts a plan where a log left it.
 *
 * @throws ResumeError `plan_changed` where the plan is another one and `reuse` is not asked for, or the log does not hold the plan it tells
 * of; `output_missing`; `corrupt_log` where it tells of tasks that the plan does not have, or of one without those it depends on.
 */
export function resume(record: ExecutionRecord, plan: Plan, planHash: string, reuse: boolean): Resumption {
  if (record.planHash === planHash) {
    const tasks = restoreTasks(record.tasks, plan, record.generation)
    return { tasks, completion: record.completion, isKnown: true }
  }
  if (!reuse) {
    throw new ResumeError(
      'plan_changed',
      'The log tells of another plan. Give the plan that it was written with, or ask for `changedPlan: "reuse-unchanged"`',
    )
  }
  if (!record.plan)
    throw new ResumeError('plan_changed', 'The log does not hold its plan, so that nothing can be compared with it')
  const kept = keptTasks(record, record.plan, describePlan(plan))
  const generation = record.generation + 1
  return {
    tasks: restoreTasks(kept, plan, generation),
    completion: undefined,
    isKnown: false,
  }
}

function restoreTasks(
  tasks: ReadonlyMap<string, TaskRecord>,
  plan: Plan,
  generation: number,
): Map<number, RestoredTask> {
  const restored = new Map<number, RestoredTask>()
  for (const [id, record] of tasks) {
    const index = plan.indexes.get(id)
    if (index === undefined)
      throw new ResumeError('corrupt_log', `The log tells of a task ${JSON.stringify(id)} that the plan does not have`)
    restored.set(index, restoreTask(plan.tasks[index]!, record))
    if (record.attempts > 0) checkDependencies(plan.tasks[index]!, plan, tasks)
  }
  // What the plan before did not have has no key of its id yet either, but may have been in one before that.
  if (generation > 1) {
    for (const { index } of plan.tasks) {
      if (!restored.has(index))
        restored.set(index, { result: undefined, attempts: 0, lostAttempts: 0, failure: undefined, generation })
    }
  }
  return restored
}

/** What was tried had its dependencies: where the log does not have them, it has lost them. */
function checkDependencies(
  { id, dependencies }: PlannedTask,
  plan: Plan,
  tasks: ReadonlyMap<string, TaskRecord>,
): void {
  for (const index of dependencies) {
    const dependency = plan.tasks[index]!.id
    const end = tasks.get(dependency)?.end
    if (end?.status === 'success' || end?.handled) continue
    const [start, missing] = [JSON.stringify(id), JSON.stringify(dependency)]
    throw new ResumeError(
      'corrupt_log',
      `The log has the start of task ${start}, but not the end of ${missing}, on which it depends`,
    )
  }
}

function restoreTask(task: PlannedTask, { generation, attempts, failures, failure, end }: TaskRecord): RestoredTask {
  return {
    result: end && restoreResult(task, end),
    attempts,
    // One more is made in any case, also where the plan allows for fewer now.
    lostAttempts: attempts - Math.min(failures, task.policy.attempts - 1),
    failure: failure && new ToolError(failure.code, failure.error),
    generation,
  }
}

function restoreResult({ id, tool, policy }: PlannedTask, end: TaskEnd): TaskResult {
  const { status, output, isPreview, error = '', because, handled, executionTimeMs, attempts } = end
  const head = { taskId: id, tool, status }
  const waits = { dependencyMs: 0, slotMs: 0, backoffMs: 0 }
  const substitute =
    handled === 'fallback'
      ? { output: policy.onError?.handled === 'fallback' ? policy.onError.output : undefined }
      : undefined
  const tail = { ...(handled && { handled }), executionTimeMs, waits, attempts }
  switch (status) {
    case 'success':
      if (isPreview) {
        throw new ResumeError(
          'output_missing',
          `The log holds only a preview of the output of task ${JSON.stringify(id)}`,
          { taskId: id },
        )
      }
      return { ...head, output, ...tail }
    case 'error': {
      const code = end.code ?? 'task_failed'
      const result = { ...head, error, code, ...substitute, ...tail }
      return Object.defineProperty(result, 'cause', { value: new ToolError(code, error) })
    }
    case 'skipped': {
      const code = because === undefined ? 'cancelled' : 'dependency_failed'
      return { ...head, code, ...(because !== undefined && { because }), ...substitute, ...tail }
    }
    default:
      return status satisfies never
  }
}
