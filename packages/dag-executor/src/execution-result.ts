import type { Plan } from './plan.js'

/** Milliseconds that a task spent waiting, as it says what it waited for. */
export interface TaskWaits {
  /** For its dependencies, from the beginning of the execution on. */
  readonly dependencyMs: number
  /** For a slot, or for its turn to start, before every attempt. */
  readonly slotMs: number
  /** For the delays between attempts to pass. */
  readonly backoffMs: number
}

/** How a task ended. In this process the output is whole and the error text is raw. */
export interface TaskResult {
  readonly taskId: string
  readonly tool: string
  readonly status: 'success' | 'error' | 'skipped'
  /** With `success`: what the tool returned, as it is. Where `handled` is `fallback`: the value in its place. */
  readonly output?: unknown
  /** With `error`: the raw text, which may hold what is private. Events carry the public one. */
  readonly error?: string
  /** With `error`: a ToolError's code or a TaskFailureCode. With `skipped`: `dependency_failed` or `cancelled`. */
  readonly code?: string
  /** With `error`: what was thrown. Not enumerable, so that it does not get into JSON. */
  readonly cause?: unknown
  /** Milliseconds of all attempts together, without the waits between them. */
  readonly executionTimeMs: number
  readonly waits: TaskWaits
  readonly attempts: number
  /** With `skipped`: the task whose failure, or whose own cancel, is the reason; left out where it was a cancel. */
  readonly because?: string
  /**
   * Where the task failed, or was cancelled alone, and the tasks that depend on it run all the same, by its `onError`: without an
   * output of it, or with the fallback.
   */
  readonly handled?: 'ignored' | 'fallback'
}

/** A task that failed. */
export interface TaskError {
  readonly taskId: string
  readonly tool: string
  readonly status: 'error'
  /** As in TaskResult: raw. */
  readonly error: string
  readonly code: string
  /** As in TaskResult: what was thrown, not enumerable. */
  readonly cause?: unknown
  /** As in TaskResult. */
  readonly handled?: 'ignored' | 'fallback'
}

export type ExecutionStatus = 'success' | 'error' | 'cancelled' | 'timeout'

export interface ExecutionResult {
  readonly executionId: string
  /**
   * `cancelled` or `timeout` where the execution was cancelled before the end, else `error` where a task failed, or was cancelled
   * alone, and that was not handled. A timeout is a cancel whose reason is a `TimeoutError` or has the code `stream_timeout`.
   */
  readonly status: ExecutionStatus
  /** Of every task, in the order of the DAG. */
  readonly results: readonly TaskResult[]
  /** Of the tasks with status `error`, also where that was handled, in the order of the DAG. */
  readonly errors: readonly TaskError[]
  /** Milliseconds from the start of the execution, or of its resume, to its end. */
  readonly executionTimeMs: number
  /** Length of the longest path of the graph, in tasks. */
  readonly parallelizationLayers: number
  /** The sum of the execution times of the tasks that were run in `executionTimeMs`, divided by it; 1 where nothing took any time. */
  readonly speedup: number
  /** The path through the graph whose tasks took longest together. */
  readonly criticalPath: readonly string[]
  /** Milliseconds that the tasks of `criticalPath` took together. */
  readonly criticalPathMs: number
}

interface SummaryFacts {
  readonly executionId: string
  readonly status: ExecutionStatus
  readonly wallMs: number
  /** Whether the task was run in the time of `wallMs`, and not before a resume. */
  readonly ranHere: (index: number) => boolean
}

/** Puts the result together from those of the tasks, given in the order of the plan. */
export function summarize(
  plan: Plan,
  results: readonly TaskResult[],
  { executionId, status, wallMs, ranHere }: SummaryFacts,
): ExecutionResult {
  const errors: TaskError[] = []
  let sum = 0
  for (const [index, result] of results.entries()) {
    if (result.status === 'error') errors.push(createTaskError(result))
    if (ranHere(index)) sum += result.executionTimeMs
  }
  return {
    executionId,
    status,
    results,
    errors,
    executionTimeMs: roundMs(wallMs),
    parallelizationLayers: plan.layers,
    speedup: sum > 0 && wallMs > 0 ? roundMs(sum / wallMs) : 1,
    ...findCriticalPath(plan, results),
  }
}

function createTaskError({ taskId, tool, error = '', code = '', cause, handled }: TaskResult): TaskError {
  const taskError = { taskId, tool, status: 'error' as const, error, code, ...(handled && { handled }) }
  return Object.defineProperty(taskError, 'cause', { value: cause })
}

/** To the microsecond: more is noise, and takes room in every event. */
export function roundMs(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000
}

function findCriticalPath({ tasks, order }: Plan, results: readonly TaskResult[]) {
  const totals = new Array<number>(tasks.length).fill(0)
  const before = new Array<number | undefined>(tasks.length)
  let last: number | undefined
  for (const index of order) {
    let longest: number | undefined
    for (const dependency of tasks[index]!.dependencies) {
      if (longest === undefined || totals[dependency]! > totals[longest]!) longest = dependency
    }
    before[index] = longest
    totals[index] = results[index]!.executionTimeMs + (longest === undefined ? 0 : totals[longest]!)
    if (last === undefined || totals[index]! > totals[last]!) last = index
  }
  const criticalPath: string[] = []
  const criticalPathMs = last === undefined ? 0 : roundMs(totals[last]!)
  for (let at = last; at !== undefined; at = before[at]) {
    if (results[at]!.status !== 'skipped') criticalPath.push(tasks[at]!.id)
  }
  return { criticalPath: criticalPath.reverse(), criticalPathMs }
}
