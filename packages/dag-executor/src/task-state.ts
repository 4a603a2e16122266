import type { Attempt } from './attempt.js'
import { roundMs, type TaskResult, type TaskWaits } from './execution-result.js'
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

/**
 * One task in one execution. Only a transition changes the phase; the time in each is in a {@link PhaseClock}. A large graph has as many of
 * these as tasks, so that what few of them need is in a place of its own.
 */
export interface TaskState {
  readonly task: PlannedTask
  phase: TaskPhase
  /** Dependencies that do not let it run yet. */
  missing: number
  /** That have begun, those before a resume included. */
  attempts: number
  /** While running. */
  attempt: Attempt | undefined
  /** From the end on. */
  result: TaskResult | undefined
  /** By {@link incidentsOf}. */
  incidents: TaskIncidents | undefined
}

/** What has come over a task that does not simply run once. */
export interface TaskIncidents {
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
  /** Attempts that ended with the process that made them: they are no failures of the task. */
  lostAttempts: number
  /** Where there is a journal: what it is to keep of the output. */
  logged: { readonly output: unknown } | undefined
  /** Which of the plans of this execution, counted from 1, brought the task as it is. */
  generation: number
}

export function createTaskState(task: PlannedTask): TaskState {
  // Every member is there from the beginning, so that all states have one shape.
  return {
    task,
    phase: 'waiting',
    missing: task.dependencies.length,
    attempts: 0,
    attempt: undefined,
    result: undefined,
    incidents: undefined,
  }
}

/** A task's incidents, to add one. */
export function incidentsOf(state: TaskState): TaskIncidents {
  state.incidents ??= {
    backoff: undefined,
    deadline: undefined,
    isOverdue: false,
    cancelledBy: undefined,
    failure: undefined,
    lostAttempts: 0,
    logged: undefined,
    generation: 1,
  }
  return state.incidents
}

export function hasEnded({ phase }: Pick<TaskState, 'phase'>): boolean {
  return phase === 'success' || phase === 'error' || phase === 'skipped'
}

/** How many of its attempts a task has used up. */
export function countedAttempts({ attempts, incidents }: TaskState): number {
  return attempts - (incidents?.lostAttempts ?? 0)
}

export function createSuccess({ task, attempts }: TaskState, output: unknown, clock: PhaseClock): TaskResult {
  const executionTimeMs = roundMs(clock.spent(task.index, 'running'))
  const waits = createWaits(task, clock)
  return { taskId: task.id, tool: task.tool, status: 'success', output, executionTimeMs, waits, attempts }
}

export type TaskResultParts = Pick<TaskResult, 'output' | 'error' | 'code' | 'cause' | 'because' | 'handled'>

export function createTaskResult(
  { task, attempts }: TaskState,
  status: 'error' | 'skipped',
  { cause, ...parts }: TaskResultParts,
  clock: PhaseClock,
): TaskResult {
  const executionTimeMs = roundMs(clock.spent(task.index, 'running'))
  const waits = createWaits(task, clock)
  const result = { taskId: task.id, tool: task.tool, status, ...parts, executionTimeMs, waits, attempts }
  return status === 'error' ? Object.defineProperty(result, 'cause', { value: cause }) : result
}

function createWaits({ index }: PlannedTask, clock: PhaseClock): TaskWaits {
  return {
    dependencyMs: roundMs(clock.spent(index, 'waiting')),
    slotMs: roundMs(clock.spent(index, 'ready')),
    backoffMs: roundMs(clock.spent(index, 'backoff')),
  }
}
