import type { Attempt } from './attempt.js'
import { roundMs, type TaskResult } from './execution-result.js'
import type { PhaseClock } from './phase-clock.js'
import type { PlannedTask } from './plan.js'

/** Where a task is before its end. */
export type PassingPhase =
  /** For its dependencies. */
  | 'waiting'
  /** For a slot. */
  | 'ready'
  | 'running'
  /** For its next attempt; it holds no slot. */
  | 'backoff'

/** Where a task is in its life. */
export type TaskPhase = PassingPhase | TaskResult['status']

/** One task in one execution. Only a transition changes the phase; the time in each is in a {@link PhaseClock}. */
export interface TaskState {
  readonly task: PlannedTask
  phase: TaskPhase
  /** Dependencies that do not let it run yet. */
  missing: number
  attempts: number
  /** While running. */
  attempt: Attempt | undefined
  /** While in backoff; `until` in milliseconds since the execution began. */
  backoff: { readonly until: number; readonly stop: () => void } | undefined
  /** Where there is a limit of time on all attempts, from the first one on; `at` as in `backoff`. */
  deadline: { readonly at: number; readonly stop: () => void } | undefined
  /** Out of its total time: no attempt follows. */
  isOverdue: boolean
  /** Who told it to stop first: somebody who meant this task alone, or the execution as a whole. */
  cancelledBy: 'task' | 'execution' | undefined
  /** What the last failed attempt threw. */
  failure: unknown
  /** From the end on. */
  result: TaskResult | undefined
}

export function createTaskState(task: PlannedTask): TaskState {
  // Every member is there from the beginning, so that all states have one shape.
  return {
    task,
    phase: 'waiting',
    missing: task.dependencies.length,
    attempts: 0,
    attempt: undefined,
    backoff: undefined,
    deadline: undefined,
    isOverdue: false,
    cancelledBy: undefined,
    failure: undefined,
    result: undefined,
  }
}

export function hasEnded({ phase }: Pick<TaskState, 'phase'>): boolean {
  return phase === 'success' || phase === 'error' || phase === 'skipped'
}

export type TaskResultParts = Pick<TaskResult, 'output' | 'error' | 'code' | 'cause' | 'because' | 'handled'>

export function createTaskResult(
  { task, attempts }: TaskState,
  status: TaskResult['status'],
  { cause, ...parts }: TaskResultParts,
  clock: PhaseClock,
): TaskResult {
  const { index } = task
  const executionTimeMs = roundMs(clock.spent(index, 'running'))
  const waits = {
    dependencyMs: roundMs(clock.spent(index, 'waiting')),
    slotMs: roundMs(clock.spent(index, 'ready')),
    backoffMs: roundMs(clock.spent(index, 'backoff')),
  }
  const result = { taskId: task.id, tool: task.tool, status, ...parts, executionTimeMs, waits, attempts }
  return status === 'error' ? Object.defineProperty(result, 'cause', { value: cause }) : result
}
