import { beforeEach } from 'vitest'
import { TaskBoard } from '../src/task-board.js'
import { countedAttempts, hasEnded, type TaskState } from '../src/task-state.js'

/** Boards up to this size are looked at as a whole after every transition; of larger ones, the task that changed. */
const wholeUpTo = 200

const ended = new WeakSet<TaskState>()

/** Has every transition of every execution in the tests of this file checked: an execution in which one is wrong rejects. */
beforeEach(() => {
  TaskBoard.check = checkBoard
})

/** @throws Error where a board contradicts itself. */
export function checkBoard(board: TaskBoard, changed: TaskState): void {
  const { ledger, maxConcurrency, states } = board
  demand(!ended.has(changed), 'an ended task changed', changed)
  if (hasEnded(changed)) ended.add(changed)
  demand(ledger.running >= 0 && ledger.running <= maxConcurrency, 'the slots are not counted right', changed)
  demand(ledger.unsettled >= 0 && ledger.unsettled <= states.length, 'the ends are not counted right', changed)
  checkTask(board, changed, changed)
  if (states.length <= wholeUpTo) checkWhole(board, changed)
}

function checkTask({ states, ledger, maxConcurrency }: TaskBoard, state: TaskState, changed: TaskState): void {
  const { phase, task, attempts, missing } = state
  demand(!Number.isNaN(ledger.clock.since(task.index)), 'a time is no number', state)
  demand(missing >= 0 && missing <= task.dependencies.length, 'dependencies are not counted right', state)
  if (state !== changed) demand(hasEnded(state) === (state.result !== undefined), 'a result is not at an end', state)
  demand((state.incidents?.backoff !== undefined) === (phase === 'backoff'), 'a wait is not in backoff', state)
  demand(state.attempt === undefined || phase === 'running', 'an attempt is not running', state)
  switch (phase) {
    case 'waiting':
      demand(attempts === 0 || missing === 0, 'it was tried before its dependencies were done', state)
      break
    case 'ready':
    case 'backoff':
    case 'running': {
      demand(missing === 0, 'it goes on without its dependencies', state)
      const done = task.dependencies.every((index) => isDone(states[index]!))
      demand(done, 'a dependency has no end that lets it run', state)
      demand(
        (attempts > 0 || phase === 'ready') && countedAttempts(state) <= task.policy.attempts,
        'attempts are wrong',
        state,
      )
      const { maxConcurrency: most } = task.call
      const limited = most === Number.POSITIVE_INFINITY ? 0 : ledger.ready.running(task.tool)
      demand(limited >= 0 && limited <= Math.min(most, maxConcurrency), 'slots of a tool are not counted right', state)
      break
    }
    case 'success':
    case 'error':
      demand(attempts > 0, 'it has an outcome of no attempt', state)
      break
    case 'skipped':
      demand(attempts === 0, 'it was tried and skipped', state)
      break
    default:
      phase satisfies never
  }
}

function checkWhole(board: TaskBoard, changed: TaskState): void {
  const { states, ledger } = board
  const running = states.filter(({ phase }) => phase === 'running')
  demand(running.length === ledger.running, 'the counts of running tasks disagree', changed)
  const unsettled = states.filter((state) => !hasEnded(state)).length
  demand(unsettled === ledger.unsettled, 'the counts of ended tasks disagree', changed)
  const tools = new Map(states.map(({ task }) => [task.tool, task.call]))
  for (const [tool, call] of tools) {
    if (call.maxConcurrency === Number.POSITIVE_INFINITY) continue
    const count = running.filter(({ task }) => task.tool === tool).length
    demand(count === ledger.ready.running(tool), 'the counts of a tool disagree', changed)
  }
  for (const state of states) checkTask(board, state, changed)
}

/** A task that has just ended has no result yet. */
function isDone({ phase, result }: TaskState): boolean {
  return phase === 'success' || result?.handled !== undefined
}

function demand(holds: boolean, what: string, { task, phase, attempts }: TaskState): void {
  if (!holds) throw new Error(`Task ${task.id}, ${phase} after ${attempts} attempts: ${what}`)
}
