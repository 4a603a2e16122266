import { roundMs, type TaskResult, type TaskWaits } from './execution-result.js'
import type { TaskBoard } from './task-board.js'
import { describeFailure } from './task-failure.js'
import type { TaskHistory, TaskMoment } from './task-history.js'
import { hasEnded, type PassingPhase, type TaskPhase, type TaskState } from './task-state.js'

/** What happened to one task, as data. Times are milliseconds since the execution began. */
export interface TaskExplanation {
  readonly taskId: string
  readonly tool: string
  /** Every phase that it came into, in order; the last one is where it is now. */
  readonly phases: readonly { readonly phase: TaskPhase; readonly atMs: number }[]
  /** The tasks that it depends on, in the order of the DAG. */
  readonly dependencies: readonly { readonly taskId: string; readonly phase: TaskPhase; readonly endedAtMs?: number }[]
  /** The dependency that ended last before this task could run, or was skipped because of another: it waited for this one. */
  readonly lastDependency?: string
  /** What it is waiting for now. */
  readonly waitsFor?: TaskWait
  /** That began since the execution began, or was resumed. */
  readonly attempts: readonly AttemptExplanation[]
  /** So far. */
  readonly waits: TaskWaits
  /** Milliseconds of all attempts so far. */
  readonly executionTimeMs: number
  /** From its end on. */
  readonly result?: TaskResult
}

export type TaskWait =
  | { readonly type: 'dependencies'; readonly taskIds: readonly string[] }
  /** `tool`: as many tasks as may run its tool at the same time do. `execution`: so with all tasks, or it is about to start. */
  | { readonly type: 'slot'; readonly of: 'tool' | 'execution' }
  | { readonly type: 'backoff'; readonly untilMs: number }

export interface AttemptExplanation {
  /** From 1. */
  readonly attempt: number
  readonly startedAtMs: number
  /** Left out while it runs. */
  readonly endedAtMs?: number
  /** Where it failed: the raw text, as in TaskResult. */
  readonly error?: string
  readonly code?: string
  /** What was thrown; not enumerable. */
  readonly cause?: unknown
}

/** @param at The time now; of a task that has ended nothing changes with it. */
export function explainTask(state: TaskState, board: TaskBoard, history: TaskHistory, at: number): TaskExplanation {
  const { task, result } = state
  const { clock } = board.ledger
  const moments = history.of(task.index)
  const spent = (phase: PassingPhase): number =>
    clock.spent(task.index, phase) + (state.phase === phase ? at - clock.since(task.index) : 0)
  const lastDependency = findLastDependency(state, board, history)
  const waitsFor = findWait(state, board)
  return {
    taskId: task.id,
    tool: task.tool,
    phases: [{ phase: 'waiting', at: 0 } as const, ...moments].map((moment) => ({
      phase: moment.phase,
      atMs: roundMs(moment.at),
    })),
    dependencies: task.dependencies.map((index) => {
      const dependency = board.states[index]!
      const about = { taskId: dependency.task.id, phase: dependency.phase }
      return hasEnded(dependency) ? { ...about, endedAtMs: roundMs(clock.since(index)) } : about
    }),
    ...(lastDependency !== undefined && { lastDependency }),
    ...(waitsFor && { waitsFor }),
    attempts: describeAttempts(moments, state.attempts),
    waits: {
      dependencyMs: roundMs(spent('waiting')),
      slotMs: roundMs(spent('ready')),
      backoffMs: roundMs(spent('backoff')),
    },
    executionTimeMs: roundMs(spent('running')),
    ...(result && { result }),
  }
}

function findLastDependency({ task, result }: TaskState, board: TaskBoard, history: TaskHistory): string | undefined {
  const left = history.of(task.index)[0]
  if (!left || (result?.status === 'skipped' && result.because === undefined)) return undefined
  const last = history.lastEnded(task.dependencies, left.sequence)
  return last === undefined ? undefined : board.states[last]!.task.id
}

function findWait({ task, phase, incidents }: TaskState, { states, ledger }: TaskBoard): TaskWait | undefined {
  switch (phase) {
    case 'waiting': {
      const others = task.dependencies.map((index) => states[index]!)
      return { type: 'dependencies', taskIds: others.filter((other) => !hasEnded(other)).map((other) => other.task.id) }
    }
    case 'ready':
      return { type: 'slot', of: ledger.ready.hasRoom(task) ? 'execution' : 'tool' }
    case 'backoff':
      return { type: 'backoff', untilMs: roundMs(incidents?.backoff?.until ?? 0) }
    case 'running':
    case 'success':
    case 'error':
    case 'skipped':
      return undefined
    default:
      return phase satisfies never
  }
}

/** Those of this process, which are the last ones. */
function describeAttempts(moments: readonly TaskMoment[], attempts: number): AttemptExplanation[] {
  const starts = moments.flatMap(({ phase }, place) => (phase === 'running' ? [place] : []))
  return starts.map((place, index) => {
    const end = moments[place + 1]
    const about = { attempt: attempts - starts.length + index + 1, startedAtMs: roundMs(moments[place]!.at) }
    if (!end) return about
    const ended = { ...about, endedAtMs: roundMs(end.at) }
    if (end.phase === 'success') return ended
    const { cause, ...failure } = describeFailure(end.failure)
    return Object.defineProperty({ ...ended, ...failure }, 'cause', { value: cause })
  })
}
