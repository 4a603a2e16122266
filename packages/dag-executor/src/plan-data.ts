import { canonicalJson } from './canonical-json.js'
import type { DAGTask, OnError, RetryPolicy } from './dag.js'
import type { ExecutionRecord, TaskRecord } from './execution-record.js'
import type { Plan } from './plan.js'
import type { ResolvedPolicy } from './policy.js'
import { ResumeError } from './resume-error.js'

type RetryPart = Pick<ResolvedPolicy, 'attempts' | 'delayMs' | 'factor' | 'maxDelayMs' | 'jitter' | 'retryOn'>

/** A plan as a DAG again, for a log. What is no data is left out of it: functions in `retryOn`, limits that are infinite. */
export function describePlan({ tasks }: Plan): DAGTask[] {
  return tasks.map((task) => ({
    id: task.id,
    tool: task.tool,
    arguments: task.arguments as DAGTask['arguments'],
    dependsOn: task.dependencies.map((index) => tasks[index]!.id),
    ...describePolicy(task.policy),
  }))
}

function describePolicy({
  priority,
  timeout,
  totalTimeout,
  idleTimeout,
  onError,
  ...policy
}: ResolvedPolicy): Partial<DAGTask> {
  return {
    ...(policy.attempts > 1 && { retry: describeRetry(policy) }),
    ...(Number.isFinite(timeout) && { timeout }),
    ...(Number.isFinite(totalTimeout) && { totalTimeout }),
    ...(Number.isFinite(idleTimeout) && { idleTimeout }),
    ...(onError && { onError: describeOnError(onError) }),
    ...(priority !== 0 && { priority }),
  }
}

function describeRetry({ attempts, delayMs, factor, maxDelayMs, jitter, retryOn }: RetryPart): RetryPolicy {
  return {
    attempts,
    delayMs,
    factor,
    ...(Number.isFinite(maxDelayMs) && { maxDelayMs }),
    jitter,
    ...(typeof retryOn === 'object' && { retryOn }),
  }
}

function describeOnError(onError: NonNullable<ResolvedPolicy['onError']>): OnError {
  return onError.handled === 'ignored' ? 'ignore' : { fallback: onError.output }
}

/**
 * What is known of the tasks that a changed plan leaves as they are, also of those without an event: their call may have been made. Of a
 * task that was skipped because of another one, the end is left out: it has done nothing, and the other one may be a new one now.
 */
export function keptTasks(
  { tasks, generation }: Pick<ExecutionRecord, 'tasks' | 'generation'>,
  before: readonly DAGTask[],
  after: readonly DAGTask[],
): Map<string, TaskRecord> {
  const unchanged = unchangedTasks(before, after)
  const kept = new Map([...tasks].filter(([id]) => unchanged.has(id)))
  for (const id of unchanged) {
    const task = kept.get(id)
    if (!task || task.end?.because !== undefined) kept.set(id, untouched(task?.generation ?? generation))
  }
  return kept
}

/** Of a task that has had no event. */
export function untouched(generation: number): TaskRecord {
  return { generation, attempts: 0, isRunning: false, failures: 0, failure: undefined, end: undefined }
}

/** The ids of the tasks that compute the same in two plans: they are the same themselves, and so are those they depend on. */
function unchangedTasks(before: readonly DAGTask[], after: readonly DAGTask[]): Set<string> {
  const known = new Map(before.map((task) => [task.id, taskText(task)]))
  const changed = new Set(after.filter((task) => known.get(task.id) !== taskText(task)).map(({ id }) => id))
  const dependents = new Map<string, string[]>()
  for (const { id, dependsOn = [] } of after) {
    for (const dependency of dependsOn) {
      const those = dependents.get(dependency)
      if (those) those.push(id)
      else dependents.set(dependency, [id])
    }
  }
  // The set grows while it is read.
  for (const id of changed) for (const dependent of dependents.get(id) ?? []) changed.add(dependent)
  return new Set(after.flatMap(({ id }) => (changed.has(id) ? [] : [id])))
}

/** How patiently a task is run is no part of what it computes. */
function taskText({ id, tool, arguments: args = {}, dependsOn = [], onError }: DAGTask): string {
  try {
    return canonicalJson({ id, tool, arguments: args, dependsOn: [...dependsOn].sort(), onError })
  } catch (error) {
    // Nested so deep that no plan of ours can be meant.
    if (error instanceof RangeError) throw new ResumeError('corrupt_log', 'The plan in the log is nested too deep')
    throw error
  }
}
