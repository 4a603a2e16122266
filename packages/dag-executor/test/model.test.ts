import type { SSEEvent } from '@x/sse-protocol'
import { describe, expect, it } from 'vitest'
import { type DAGTask, StreamingExecutor, type TaskResult, ToolError, type ToolRegistry } from '../src/index.js'
import { settled } from './held-tasks.js'

/** Numbers from 0 to 1 that are the same in every run (a linear congruential generator). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

interface Scenario {
  readonly tasks: DAGTask[]
  /** On which attempt a task succeeds; `Infinity`: never. */
  readonly succeedsOn: ReadonlyMap<string, number>
  readonly maxConcurrency: number
}

function randomScenario(random: () => number): Scenario {
  const pick = (limit: number) => Math.floor(random() * limit)
  const size = 1 + pick(random() < 0.1 ? 200 : 25)
  const density = random() * 3
  const ids = Array.from({ length: size }, (_, i) => `t${i}`)
  // Dependencies go backwards in this order, and the DAG is given in another one.
  const tasks = ids.map((id, i) => ({
    id,
    tool: random() < 0.3 ? 'narrow' : 'wide',
    dependsOn: ids.slice(0, i).filter(() => random() < density / (i + 1)),
    priority: pick(3),
    retry: { attempts: 1 + pick(3), delayMs: 0 },
  }))
  for (let i = tasks.length - 1; i > 0; i -= 1) {
    const other = pick(i + 1)
    ;[tasks[i], tasks[other]] = [tasks[other]!, tasks[i]!]
  }
  const chanceOfFailure = random() * 0.4
  const succeedsOn = new Map(ids.map((id) => [id, random() < chanceOfFailure ? Number.POSITIVE_INFINITY : 1 + pick(3)]))
  return { tasks, succeedsOn, maxConcurrency: random() < 0.3 ? Number.POSITIVE_INFINITY : 1 + pick(5) }
}

/** What must become of every task, by nothing but its dependencies and its luck. */
function reference({ tasks, succeedsOn }: Scenario): Map<string, Pick<TaskResult, 'status' | 'attempts'>> {
  const byId = new Map(tasks.map((task) => [task.id, task]))
  const outcomes = new Map<string, Pick<TaskResult, 'status' | 'attempts'>>()
  const outcome = (id: string): Pick<TaskResult, 'status' | 'attempts'> => {
    const known = outcomes.get(id)
    if (known) return known
    const { dependsOn = [], retry } = byId.get(id)!
    const allowed = retry!.attempts
    const needed = succeedsOn.get(id)!
    const result = dependsOn.some((dependency) => outcome(dependency).status !== 'success')
      ? { status: 'skipped' as const, attempts: 0 }
      : needed <= allowed
        ? { status: 'success' as const, attempts: needed }
        : { status: 'error' as const, attempts: allowed }
    outcomes.set(id, result)
    return result
  }
  for (const { id } of tasks) outcome(id)
  return outcomes
}

/** Runs a scenario, giving every call a random number of turns; aborts after some number of calls. */
async function play(scenario: Scenario, random: () => number, abortAfter = Number.POSITIVE_INFINITY) {
  const controller = new AbortController()
  const running = { narrow: 0, all: 0 }
  let calls = 0
  const call = (isNarrow: boolean): ToolRegistry[string] => ({
    maxConcurrency: isNarrow ? 2 : undefined,
    run: async (_: unknown, { taskId, attempt, progress, emit, signal }) => {
      running.all += 1
      if (isNarrow) running.narrow += 1
      expect(running.all).toBeLessThanOrEqual(scenario.maxConcurrency)
      expect(running.narrow).toBeLessThanOrEqual(2)
      calls += 1
      if (calls > abortAfter) controller.abort()
      for (let turns = Math.floor(random() * 8); turns > 0 && !signal.aborted; turns -= 1) {
        progress(random())
        if (turns === 2) emit(attempt)
        await Promise.resolve()
      }
      running.all -= 1
      if (isNarrow) running.narrow -= 1
      if (attempt < scenario.succeedsOn.get(taskId)!) throw new ToolError('unlucky', `Attempt ${attempt} had no luck.`)
      return taskId
    },
  })
  const events: SSEEvent[] = []
  const executor = new StreamingExecutor({
    tools: { narrow: call(true), wide: call(false) },
    maxConcurrency: scenario.maxConcurrency,
  })
  const writable = new WritableStream<SSEEvent>({
    write: async (event) => {
      events.push(event)
      if (random() < 0.1) await settled()
    },
  })
  const result = await executor.executeWithStreaming({ tasks: scenario.tasks }, writable, { signal: controller.signal })
  expect(running).toEqual({ narrow: 0, all: 0 })
  expect(result.delivery).toBe('complete')
  return { result, events }
}

/** What holds for every log of events, whatever happened. */
function checkLog({ tasks }: Scenario, events: readonly SSEEvent[], results: readonly TaskResult[]): void {
  expect(events[0]?.type).toBe('execution_start')
  expect(events.at(-1)?.type).toBe('execution_complete')
  const attempts = new Map<string, number>()
  const ended = new Map<string, string>()
  for (const event of events.slice(1, -1)) {
    switch (event.type) {
      case 'task_start': {
        const { taskId, attempt } = event.data
        expect(ended.has(taskId)).toBe(false)
        expect(attempt).toBe((attempts.get(taskId) ?? 0) + 1)
        attempts.set(taskId, attempt)
        const { dependsOn = [] } = tasks.find(({ id }) => id === taskId)!
        for (const dependency of dependsOn) expect(ended.get(dependency)).toBe('success')
        break
      }
      case 'task_retry':
      case 'task_progress':
      case 'task_output':
        expect(event.data.attempt).toBe(attempts.get(event.data.taskId))
        expect(ended.has(event.data.taskId)).toBe(false)
        break
      case 'task_complete': {
        const { taskId, status } = event.data
        expect(ended.has(taskId)).toBe(false)
        expect(status === 'skipped').toBe(!attempts.has(taskId))
        expect(event.data.attempts).toBe(attempts.get(taskId) ?? 0)
        ended.set(taskId, status)
        break
      }
      default:
        expect.fail(`${event.type} is out of place`)
    }
  }
  expect(ended.size).toBe(tasks.length)
  expect(results.map(({ taskId, status }) => [taskId, status])).toEqual(tasks.map(({ id }) => [id, ended.get(id)]))
}

describe('random DAGs', { timeout: 30_000 }, () => {
  it('300 of them end as a reference model says, with a log that keeps its promises', async () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = seeded(seed)
      const scenario = randomScenario(random)
      const expected = reference(scenario)
      const { result, events } = await play(scenario, random)
      checkLog(scenario, events, result.results)
      for (const { taskId, status, attempts, because } of result.results) {
        expect({ seed, taskId, status, attempts }).toEqual({ seed, taskId, ...expected.get(taskId) })
        if (status === 'skipped') expect(expected.get(because!)?.status).toBe('error')
      }
      const failed = [...expected.values()].some(({ status }) => status === 'error')
      expect(result.status).toBe(failed ? 'error' : 'success')
    }
  })

  it('200 of them that are aborted at a random moment end all the same, with no task started afterwards', async () => {
    let cancelled = 0
    for (let seed = 1_001; seed <= 1_200; seed += 1) {
      const random = seeded(seed)
      const scenario = randomScenario(random)
      const expected = reference(scenario)
      const { result, events } = await play(scenario, random, Math.floor(random() * scenario.tasks.length))
      checkLog(scenario, events, result.results)
      if (result.status === 'cancelled') cancelled += 1
      for (const { taskId, status } of result.results) {
        if (status === 'success') expect(expected.get(taskId)?.status).toBe('success')
      }
    }
    expect(cancelled).toBeGreaterThan(100)
  })

  it('the order of the tasks in the DAG changes no status', async () => {
    for (let seed = 2_001; seed <= 2_050; seed += 1) {
      const random = seeded(seed)
      const scenario = randomScenario(random)
      const { result } = await play(scenario, random)
      const { result: other } = await play({ ...scenario, tasks: scenario.tasks.toReversed() }, random)
      const statuses = ({ results }: { results: readonly TaskResult[] }) =>
        Object.fromEntries(results.map(({ taskId, status, attempts }) => [taskId, [status, attempts]]))
      expect(statuses(other)).toEqual(statuses(result))
    }
  })
})
