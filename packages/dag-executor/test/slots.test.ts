import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ParallelExecutor, type RunningExecution } from '../src/index.js'
import { TaskBoard } from '../src/task-board.js'
import { graph, HeldTasks, rejection, settled } from './held-tasks.js'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const ids = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}${i}`)
const independent = (names: string[], tool: string) =>
  graph(Object.fromEntries(names.map((name) => [name, []])), tool).tasks

it.each<[string, (held: HeldTasks, execution: RunningExecution) => unknown]>([
  ['a success', (held) => held.call('n0').succeed()],
  ['an error', (held) => held.call('n0').fail(new Error('no'))],
  ['a timeout', () => vi.advanceTimersByTimeAsync(50)],
  ['an idle timeout', () => vi.advanceTimersByTimeAsync(40)],
  ['a total timeout', () => vi.advanceTimersByTimeAsync(45)],
  [
    'a cancel that the tool hears',
    (held, execution) => {
      const { context, fail } = held.call('n0')
      context.signal.addEventListener('abort', () => fail(context.signal.reason))
      execution.cancelTask('n0')
    },
  ],
  [
    'a cancel that the tool does not hear',
    (_, execution) => {
      execution.cancelTask('n0')
      return vi.advanceTimersByTimeAsync(30)
    },
  ],
])('with 2 slots of a tool and 10 of the execution, %s gives exactly one of each back', async (how, end) => {
  const held = new HeldTasks()
  const limits = {
    'a timeout': { timeout: 50 },
    'an idle timeout': { idleTimeout: 40 },
    'a total timeout': { totalTimeout: 45 },
  }
  const narrow = independent(ids('n', 4), 'narrow')
  const wide = independent(ids('w', 12), 'wide')
  const executor = new ParallelExecutor({
    tools: { narrow: { run: held.tool, maxConcurrency: 2 }, wide: held.tool },
    maxConcurrency: 10,
    grace: 30,
  })
  const first = { ...narrow[0]!, ...limits[how as keyof typeof limits] }
  const execution = executor.start({ tasks: [first, ...narrow.slice(1), ...wide] })
  const started = [...ids('n', 2), ...ids('w', 8)]
  expect(held.order).toEqual(started)

  await end(held, execution)
  await settled()
  expect(held.order).toEqual([...started, 'n2'])

  // A slot of the execution alone goes to whoever is next, since the tool is full again.
  held.call('w0').succeed()
  await settled()
  expect(held.order).toEqual([...started, 'n2', 'w8'])

  for (const id of ['n1', 'n2', ...ids('w', 12).slice(1, 9)]) held.call(id).succeed()
  await settled()
  for (const id of ['n3', 'w9', 'w10', 'w11']) held.call(id).succeed()
  await execution.result
  expect(held.order).toHaveLength(16)
})

it('a contradiction in the engine ends an execution with an error: it neither hangs nor throws elsewhere', async () => {
  const check = TaskBoard.check
  TaskBoard.check = (_, { phase }) => {
    if (phase === 'success') throw new Error('a bug')
  }
  const held = new HeldTasks()
  const run = new ParallelExecutor({ tools: { held: held.tool } }).execute(graph({ a: [], b: ['a'] }))
  held.call('a').succeed()
  expect(await rejection(run)).toMatchObject({ message: 'a bug' })
  TaskBoard.check = check
})
