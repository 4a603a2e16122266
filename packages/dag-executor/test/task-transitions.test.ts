import { describe, expect, it } from 'vitest'
import { PhaseClock } from '../src/phase-clock.js'
import { createPlan, type PlannedTask } from '../src/plan.js'
import { ReadyQueue } from '../src/ready-queue.js'
import { TaskBoard } from '../src/task-board.js'
import { createTaskState, incidentsOf, type TaskPhase, type TaskState } from '../src/task-state.js'
import { type BoardLedger, type TaskEvent, transition } from '../src/task-transitions.js'
import { createToolTable } from '../src/tool-table.js'
import { inspectDag, readRules } from '../src/validate-dag.js'
import { checkBoard } from './board-invariants.js'

const tools = createToolTable({ tool: { run: () => 1, maxConcurrency: 1 } })
const plan = createPlan(inspectDag({ tasks: [{ id: 'a', tool: 'tool' }] }, { ...readRules({}), tools }))
const task: PlannedTask = plan.tasks[0]!

const events: TaskEvent[] = ['release', 'start', 'retry', 'wake', 'succeed', 'fail', 'skip']
/** The events that lead a new task into a phase, and the events that it then takes. */
const life: [TaskPhase, attempts: number, way: TaskEvent[], next: Partial<Record<TaskEvent, TaskPhase>>][] = [
  ['waiting', 0, [], { release: 'ready', skip: 'skipped' }],
  ['ready', 0, ['release'], { start: 'running', skip: 'skipped' }],
  ['running', 1, ['release', 'start'], { succeed: 'success', fail: 'error', retry: 'backoff' }],
  ['backoff', 1, ['release', 'start', 'retry'], { wake: 'ready', fail: 'error' }],
  ['ready', 1, ['release', 'start', 'retry', 'wake'], { start: 'running', fail: 'error' }],
  ['success', 1, ['release', 'start', 'succeed'], {}],
  ['error', 1, ['release', 'start', 'fail'], {}],
  ['skipped', 0, ['skip'], {}],
]

function live(way: readonly TaskEvent[]): { state: TaskState; ledger: BoardLedger } {
  const state = createTaskState(task)
  const ledger = { ready: new ReadyQueue(plan.tasks), clock: new PhaseClock(1), running: 0, unsettled: 1 }
  for (const [at, event] of way.entries()) {
    if (event === 'start') ledger.ready.take()
    transition(state, event, at + 1, ledger)
  }
  return { state, ledger }
}

describe.each(life)('a task that is %s after %i attempts', (phase, attempts, way, next) => {
  it('is counted and timed as such', () => {
    const { state, ledger } = live(way)
    expect(state).toMatchObject({ phase, attempts })
    expect(ledger.clock.since(0)).toBe(way.length)
    expect(ledger.running).toBe(phase === 'running' ? 1 : 0)
    expect(ledger.ready.running('tool')).toBe(phase === 'running' ? 1 : 0)
    expect(ledger.unsettled).toBe(['success', 'error', 'skipped'].includes(phase) ? 0 : 1)
    const phases = ['waiting', 'ready', 'running', 'backoff'] as const
    expect(phases.reduce((sum, name) => sum + ledger.clock.spent(0, name), 0)).toBe(way.length)
  })

  it.each(events)('takes the event %s to the one phase that the table says, or to none', (event) => {
    const { state, ledger } = live(way)
    if (event === 'start') ledger.ready.take()
    const go = () => transition(state, event, 10, ledger)
    const to = next[event]
    if (to === undefined) {
      expect(go).toThrow(`Task a cannot ${event} in the phase ${phase}`)
      expect(state.phase).toBe(phase)
    } else {
      go()
      expect(state.phase).toBe(to)
    }
  })
})

describe('the check of this package’s tests', () => {
  const board = () =>
    new TaskBoard(plan, {
      maxConcurrency: 1,
      history: undefined,
      onResult: () => undefined,
      onReleased: () => undefined,
    })

  it('is on, and finds nothing wrong with a task’s way', () => {
    expect(TaskBoard.check).toBe(checkBoard)
    const good = board()
    good.open(0)
    const state = good.next()!
    good.start(state, 1)
    good.succeed(state, 'fine', 2)
    expect(good.results()).toMatchObject([{ status: 'success', output: 'fine' }])
  })

  it.each<[string, (board: TaskBoard, state: TaskState) => void]>([
    ['slots', ({ ledger }) => Object.assign(ledger, { running: -1 })],
    ['ends', ({ ledger }) => Object.assign(ledger, { unsettled: 0 })],
    ['dependencies', (_, state) => Object.assign(state, { missing: 1 })],
    ['attempts', (_, state) => Object.assign(state, { attempts: 5 })],
    ['waits', (_, state) => Object.assign(incidentsOf(state), { backoff: { until: 0, stop: () => undefined } })],
  ])('finds a contradiction about %s', (_, spoil) => {
    const bad = board()
    bad.open(0)
    const state = bad.next()!
    spoil(bad, state)
    expect(() => bad.start(state, 1)).toThrow(/Task a, running after/)
  })
})
