import type { PhaseClock } from './phase-clock.js'
import type { ReadyQueue } from './ready-queue.js'
import type { PassingPhase, TaskPhase, TaskState } from './task-state.js'

/** What can happen to a task. */
export type TaskEvent =
  /** Its dependencies let it run. */
  | 'release'
  | 'start'
  /** An attempt failed and another one is to follow. */
  | 'retry'
  /** Its backoff is over. */
  | 'wake'
  | 'succeed'
  | 'fail'
  | 'skip'

/** What all tasks of an execution have in common; nothing but the transitions changes it. */
export interface BoardLedger {
  readonly ready: ReadyQueue
  readonly clock: PhaseClock
  /** How many tasks are running. */
  running: number
  /** How many tasks have not come to their end. */
  unsettled: number
}

interface Transition {
  readonly to: TaskPhase
  /** Where it is left out, always. */
  readonly when?: (state: TaskState) => boolean
  readonly effect: (state: TaskState, ledger: BoardLedger) => void
}

/**
 * A task's life: what each event means in each phase. A task that has had an attempt does not end as skipped, and one that has
 * had none does not fail (PROTOCOL.md §8.4).
 */
const transitions: Readonly<Record<TaskPhase, Readonly<Partial<Record<TaskEvent, Transition>>>>> = {
  waiting: {
    release: { to: 'ready', effect: queue },
    skip: { to: 'skipped', effect: settle },
  },
  ready: {
    start: { to: 'running', effect: takeSlot },
    skip: { to: 'skipped', effect: settle, when: ({ attempts }) => attempts === 0 },
    fail: { to: 'error', effect: settle, when: ({ attempts }) => attempts > 0 },
  },
  running: {
    succeed: { to: 'success', effect: freeSlotAndSettle },
    fail: { to: 'error', effect: freeSlotAndSettle },
    retry: { to: 'backoff', effect: freeSlot },
  },
  backoff: {
    wake: { to: 'ready', effect: requeue },
    fail: { to: 'error', effect: wakeAndSettle },
  },
  success: {},
  error: {},
  skipped: {},
}

/**
 * Takes a task from one phase to the next. `at` is the time in milliseconds since the execution began; the time since the last
 * transition is counted for the phase that the task leaves.
 *
 * @throws Error where the table has no such transition, which is a bug in this package.
 */
export function transition(state: TaskState, event: TaskEvent, at: number, ledger: BoardLedger): void {
  const { phase } = state
  const row = transitions[phase][event]
  if (row === undefined || row.when?.(state) === false) {
    throw new Error(`Task ${state.task.id} cannot ${event} in the phase ${phase}, after ${state.attempts} attempts`)
  }
  // No row leads out of a phase that is an end.
  ledger.clock.leave(state.task.index, phase as PassingPhase, at)
  state.phase = row.to
  row.effect(state, ledger)
}

function queue({ task }: TaskState, { ready }: BoardLedger): void {
  ready.add(task)
}

/** The slot of the task's tool was taken when the task was. */
function takeSlot(state: TaskState, ledger: BoardLedger): void {
  state.attempts += 1
  ledger.running += 1
}

function freeSlot(state: TaskState, ledger: BoardLedger): void {
  state.attempt = undefined
  ledger.running -= 1
  ledger.ready.release(state.task)
}

function freeSlotAndSettle(state: TaskState, ledger: BoardLedger): void {
  freeSlot(state, ledger)
  settle(state, ledger)
}

function requeue(state: TaskState, ledger: BoardLedger): void {
  stopBackoff(state)
  queue(state, ledger)
}

function wakeAndSettle(state: TaskState, ledger: BoardLedger): void {
  stopBackoff(state)
  settle(state, ledger)
}

function settle({ incidents }: TaskState, ledger: BoardLedger): void {
  incidents?.deadline?.stop()
  ledger.unsettled -= 1
}

function stopBackoff({ incidents }: TaskState): void {
  if (!incidents) return
  incidents.backoff?.stop()
  incidents.backoff = undefined
}
