import type { ExecutionRecord } from './execution-record.js'
import type { ExecutionSettings } from './execution-settings.js'
import type { TaskBoard } from './task-board.js'
import { incidentsOf, type TaskState } from './task-state.js'
import { ToolError } from './tool-error.js'

/** The execution that goes on from a log. */
export interface ResumedExecution {
  /** Starts an attempt, after which no other one follows. */
  startLast(state: TaskState): void
  /** As after a failure in this process, but for what runs. */
  stop(because: string): void
}

/** Does what the failures that a log tells of mean for others, as far as that is not in the log yet. */
export function resumeFailures(
  board: TaskBoard,
  { tasks }: ExecutionRecord,
  restored: Iterable<number>,
  failureMode: ExecutionSettings['failureMode'],
  execution: ResumedExecution,
  at: number,
): void {
  for (const index of restored) {
    const state = board.states[index]!
    const { status, code, because, handled } = state.result ?? {}
    if (handled || (status !== 'error' && status !== 'skipped')) continue
    if (because !== undefined) {
      // What comes after it is skipped for the same reason.
      board.skipDependents(state, at, because)
    } else if (failureMode === 'continue' || code === 'cancelled' || code === 'abandoned') {
      // Somebody meant this task alone: had it been the execution, nothing would be left to resume.
      board.skipDependents(state, at)
    } else {
      const brokenOff = board.states.filter(({ task, attempts }) => attempts > 0 && tasks.get(task.id)?.isRunning)
      if (failureMode === 'finish-running') finishRunning(board, new Set(brokenOff), execution)
      tellStopped(brokenOff)
      execution.stop(state.task.id)
      return
    }
  }
}

/** Runs what was running when the task failed; what else could start will be ended. */
function finishRunning(board: TaskBoard, brokenOff: ReadonlySet<TaskState>, execution: ResumedExecution): void {
  for (let state = board.next(); state; state = board.next()) {
    if (brokenOff.has(state)) execution.startLast(state)
    else board.ledger.ready.release(state.task)
  }
}

/** What was running and does not any more ends as if it had been told to stop. */
function tellStopped(brokenOff: readonly TaskState[]): void {
  for (const state of brokenOff) {
    if (state.phase !== 'ready') continue
    const incidents = incidentsOf(state)
    incidents.cancelledBy = 'execution'
    incidents.failure = new ToolError('cancelled', 'The task was stopped after another one failed.')
  }
}
