import type { Attempt } from './attempt.js'
import { roundMs, type TaskResult } from './execution-result.js'
import type { PlannedTask } from './plan.js'

/** Where a task is in its life. */
export type TaskPhase =
  /** For its dependencies. */
  | 'waiting'
  /** For a slot. */
  | 'ready'
  | 'running'
  /** For its next attempt; it holds no slot. */
  | 'backoff'
  | 'success'
  | 'error'
  | 'skipped'

const transitions: Readonly<Record<TaskPhase, readonly TaskPhase[]>> = {
  waiting: ['ready', 'skipped'],
  ready: ['running', 'skipped', 'error'],
  running: ['success', 'error', 'backoff'],
  backoff: ['ready', 'error'],
  success: [],
  error: [],
  skipped: [],
}

/** One task in one execution. Only `moveTo` changes the phase. */
export interface TaskState {
  readonly task: PlannedTask
  phase: TaskPhase
  /** Dependencies that have not succeeded yet. */
  missing: number
  attempts: number
  executionTimeMs: number
  /** While running. */
  attempt?: Attempt | undefined
  /** While in backoff. */
  stopBackoff?: (() => void) | undefined
  /** What the last failed attempt threw. */
  failure?: unknown
  /** From the end on. */
  result?: TaskResult
}

export function createTaskState(task: PlannedTask): TaskState {
  return { task, phase: 'waiting', missing: task.dependencies.length, attempts: 0, executionTimeMs: 0 }
}

/** @throws Error where the table has no such transition, which is a bug in this package. */
export function moveTo(state: TaskState, phase: TaskPhase): void {
  if (!transitions[state.phase].includes(phase) || (phase === 'skipped' && state.attempts > 0)) {
    throw new Error(`Task ${state.task.id} cannot go from ${state.phase} to ${phase}`)
  }
  state.phase = phase
}

export function hasEnded({ phase }: TaskState): boolean {
  return transitions[phase].length === 0
}

export type TaskResultParts = Pick<TaskResult, 'output' | 'error' | 'code' | 'cause' | 'because'>

export function createTaskResult(
  { task, attempts, executionTimeMs }: TaskState,
  status: TaskResult['status'],
  { cause, ...parts }: TaskResultParts,
): TaskResult {
  const time = roundMs(executionTimeMs)
  const result = { taskId: task.id, tool: task.tool, status, ...parts, executionTimeMs: time, attempts }
  return status === 'error' ? Object.defineProperty(result, 'cause', { value: cause }) : result
}
