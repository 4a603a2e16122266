import type { SSEEvent } from '@x/sse-protocol'
import { describe, expect, it } from 'vitest'
import {
  type DAGTask,
  type RetryPolicy,
  StreamingExecutor,
  type TaskResult,
  ToolError,
  type ToolRegistry,
} from '../src/index.js'
import { checkLog } from './check-log.js'
import { settled } from './held-tasks.js'
import { seeded } from './seeded.js'

interface Scenario {
  readonly tasks: DAGTask[]
  /** On which attempt a task succeeds; `Infinity`: never. */
  readonly succeedsOn: ReadonlyMap<string, number>
  readonly maxConcurrency: number
}

/** What is said about a task's end by its status, its attempts and how its failure was handled. */
interface Outcome {
  readonly status: TaskResult['status']
  readonly attempts: number
  readonly handled: TaskResult['handled'] | undefined
}

const outcomeOf = ({ status, attempts, handled }: Omit<Outcome, 'handled'> & Partial<Outcome>): Outcome => ({
  status,
  attempts,
  handled,
})

const retryOns: readonly RetryPolicy['retryOn'][] = [undefined, ['unlucky'], ['other'], (_, attempt) => attempt < 2]
const onErrors: readonly DAGTask['onError'][] = [undefined, 'skip-dependents', 'ignore', { fallback: 'instead' }]

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
    retry: { attempts: 1 + pick(3), delayMs: 0, retryOn: retryOns[pick(retryOns.length)] },
    onError: onErrors[pick(onErrors.length)],
  }))
  for (let i = tasks.length - 1; i > 0; i -= 1) {
    const other = pick(i + 1)
    ;[tasks[i], tasks[other]] = [tasks[other]!, tasks[i]!]
  }
  const chanceOfFailure = random() * 0.4
  const succeedsOn = new Map(ids.map((id) => [id, random() < chanceOfFailure ? Number.POSITIVE_INFINITY : 1 + pick(3)]))
  return { tasks, succeedsOn, maxConcurrency: random() < 0.3 ? Number.POSITIVE_INFINITY : 1 + pick(5) }
}

/**
 * What must become of every task, by nothing but its dependencies and its luck. Of a task that somebody cancelled alone, how far it got
 * is given.
 */
function reference({ tasks, succeedsOn }: Scenario, cancelled: ReadonlyMap<string, TaskResult> = new Map()) {
  const byId = new Map(tasks.map((task) => [task.id, task]))
  const outcomes = new Map<string, Outcome>()
  const outcome = (id: string): Outcome => {
    const known = outcomes.get(id)
    if (known) return known
    const { dependsOn = [], retry, onError } = byId.get(id)!
    const handled = onError === 'ignore' ? 'ignored' : typeof onError === 'object' ? 'fallback' : undefined
    const { retryOn } = retry!
    const lucky = retryOn === undefined || (typeof retryOn === 'object' && retryOn[0] === 'unlucky')
    const allowed = lucky ? retry!.attempts : Math.min(retry!.attempts, typeof retryOn === 'function' ? 2 : 1)
    const needed = succeedsOn.get(id)!
    const stopped = cancelled.get(id)
    let result: Outcome
    if (stopped) result = { ...outcomeOf(stopped), handled }
    else if (dependsOn.some((dependency) => !letsGo(outcome(dependency)))) {
      result = { status: 'skipped', attempts: 0, handled: undefined }
    } else if (needed <= allowed) result = { status: 'success', attempts: needed, handled: undefined }
    else result = { status: 'error', attempts: allowed, handled }
    outcomes.set(id, result)
    return result
  }
  for (const { id } of tasks) outcome(id)
  return outcomes
}

/** Whether the tasks that depend on one can run. */
function letsGo({ status, handled }: Outcome): boolean {
  return status === 'success' || handled !== undefined
}

/** Runs a scenario, giving every call a random number of turns; `calls` has the task of each, and `onCall` comes after each. */
function play(scenario: Scenario, random: () => number, onCall: () => void = () => {}) {
  const running = { narrow: 0, all: 0 }
  const calls: string[] = []
  const call = (isNarrow: boolean): ToolRegistry[string] => ({
    maxConcurrency: isNarrow ? 2 : undefined,
    run: async (_: unknown, { taskId, attempt, progress, emit, signal }) => {
      running.all += 1
      if (isNarrow) running.narrow += 1
      expect(running.all).toBeLessThanOrEqual(scenario.maxConcurrency)
      expect(running.narrow).toBeLessThanOrEqual(2)
      calls.push(taskId)
      onCall()
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
  const executor = new StreamingExecutor({
    tools: { narrow: call(true), wide: call(false) },
    maxConcurrency: scenario.maxConcurrency,
  })
  return { executor, running, calls }
}

/** How far an execution was when it was aborted. */
interface AbortMoment {
  readonly calls: readonly string[]
  readonly ended: ReadonlySet<string>
}

/** Plays a scenario into a stream that is slow now and then; aborts after some number of calls. */
async function playInto(scenario: Scenario, random: () => number, abortAfter = Number.POSITIVE_INFINITY) {
  const controller = new AbortController()
  const ended = new Set<string>()
  let aborted: AbortMoment | undefined
  const { executor, running, calls } = play(scenario, random, () => {
    if (calls.length <= abortAfter) return
    aborted ??= { calls: [...calls], ended: new Set(ended) }
    controller.abort()
  })
  const events: SSEEvent[] = []
  const writable = new WritableStream<SSEEvent>({
    write: async (event) => {
      events.push(event)
      if (random() < 0.1) await settled()
    },
  })
  const result = await executor.executeWithStreaming({ tasks: scenario.tasks }, writable, {
    signal: controller.signal,
    onTaskComplete: ({ taskId }) => ended.add(taskId),
  })
  expect(running).toEqual({ narrow: 0, all: 0 })
  expect(result.delivery).toBe('complete')
  return { result, events, calls, aborted }
}

/** What must become of a task of an execution that was aborted at this moment; `otherwise` is what would have become of it. */
function afterAbort({ calls, ended }: AbortMoment, taskId: string, otherwise: Outcome): Outcome {
  if (ended.has(taskId)) return otherwise
  const attempts = calls.filter((id) => id === taskId).length
  return { status: attempts > 0 ? 'error' : 'skipped', attempts, handled: undefined }
}

/** What holds for every log of events, whatever happened, and that the results say the same. */
function checkEvents({ tasks }: Scenario, events: readonly SSEEvent[], results: readonly TaskResult[]): void {
  checkLog(tasks, events)
  const told = new Map(events.flatMap(({ type, data }) => (type === 'task_complete' ? [[data.taskId, data]] : [])))
  expect(results.map((result) => [result.taskId, outcomeOf(result)])).toEqual(
    tasks.map(({ id }) => [id, outcomeOf(told.get(id)!)]),
  )
}

describe('random DAGs', { timeout: 30_000 }, () => {
  it('300 of them end as a reference model says, with a log that keeps its promises', async () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = seeded(seed)
      const scenario = randomScenario(random)
      const expected = reference(scenario)
      const { result, events } = await playInto(scenario, random)
      checkEvents(scenario, events, result.results)
      for (const task of result.results) {
        const { taskId, status, because } = task
        expect({ seed, taskId, ...outcomeOf(task) }).toEqual({ seed, taskId, ...expected.get(taskId) })
        if (status === 'skipped') expect(expected.get(because!)).toMatchObject({ status: 'error', handled: undefined })
      }
      expect(result.status).toBe([...expected.values()].every(letsGo) ? 'success' : 'error')
    }
  })

  it('200 of them that are aborted at a random moment end as the model says, with no task started afterwards', async () => {
    const seen = { success: 0, error: 0, skipped: 0 }
    let cancelled = 0
    for (let seed = 1_001; seed <= 1_200; seed += 1) {
      const random = seeded(seed)
      const scenario = randomScenario(random)
      const expected = reference(scenario)
      const abortAfter = Math.floor(random() * scenario.tasks.length)
      const { result, events, calls, aborted } = await playInto(scenario, random, abortAfter)
      checkEvents(scenario, events, result.results)
      if (aborted) expect([seed, calls]).toEqual([seed, aborted.calls])
      else expect(calls.length).toBeLessThanOrEqual(abortAfter)
      for (const task of result.results) {
        const { taskId } = task
        const otherwise = expected.get(taskId)!
        const outcome = aborted ? afterAbort(aborted, taskId, otherwise) : otherwise
        expect({ seed, taskId, ...outcomeOf(task) }).toEqual({ seed, taskId, ...outcome })
        if (!aborted) continue
        expect([seed, taskId, task.code === 'cancelled']).toEqual([seed, taskId, !aborted.ended.has(taskId)])
        seen[task.status] += 1
      }
      if (aborted) cancelled += 1
      const status = [...expected.values()].every(letsGo) ? 'success' : 'error'
      expect([seed, result.status]).toEqual([seed, aborted ? 'cancelled' : status])
    }
    expect(cancelled).toBeGreaterThan(100)
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100)
  })

  it('300 of them in which single tasks are cancelled at random moments end as the model says of all other tasks', async () => {
    const seen = { skipped: 0, error: 0, ignored: 0, fallback: 0 }
    for (let seed = 3_001; seed <= 3_300; seed += 1) {
      const random = seeded(seed)
      const scenario = randomScenario(random)
      const asked = new Set<string>()
      const cancelOne = () => {
        const { id } = scenario.tasks[Math.floor(random() * scenario.tasks.length)]!
        asked.add(id)
        stream.cancelTask(id)
      }
      const { executor, running } = play(scenario, random, () => {
        if (random() < 0.3) cancelOne()
      })
      const stream = executor.stream({ tasks: scenario.tasks })
      if (random() < 0.5) cancelOne()
      const events: SSEEvent[] = []
      for await (const event of stream) events.push(event)
      expect(running).toEqual({ narrow: 0, all: 0 })
      const { results, status } = await stream.result
      checkEvents(scenario, events, results)
      const cancelled = new Map(results.flatMap((task) => (task.code === 'cancelled' ? [[task.taskId, task]] : [])))
      const expected = reference(scenario, cancelled)
      for (const task of results) {
        const { taskId, because, code, attempts } = task
        expect({ seed, taskId, ...outcomeOf(task) }).toEqual({ seed, taskId, ...expected.get(taskId) })
        if (because !== undefined) expect(letsGo(expected.get(because)!)).toBe(false)
        const story = stream.explain(taskId)
        expect(story.attempts).toHaveLength(attempts)
        expect(story.phases.at(-1)?.phase).toBe(task.status)
        if (code !== 'cancelled') continue
        expect(asked).toContain(taskId)
        seen[task.status === 'skipped' ? 'skipped' : 'error'] += 1
        if (task.handled) seen[task.handled] += 1
      }
      expect(status).toBe([...expected.values()].every(letsGo) ? 'success' : 'error')
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50)
  })

  it('the order of the tasks in the DAG changes no status', async () => {
    for (let seed = 2_001; seed <= 2_050; seed += 1) {
      const random = seeded(seed)
      const scenario = randomScenario(random)
      const { result } = await playInto(scenario, random)
      const { result: other } = await playInto({ ...scenario, tasks: scenario.tasks.toReversed() }, random)
      const statuses = ({ results }: { results: readonly TaskResult[] }) =>
        Object.fromEntries(results.map(({ taskId, status, attempts }) => [taskId, [status, attempts]]))
      expect(statuses(other)).toEqual(statuses(result))
    }
  })

  it('dependencies that others imply change nothing of what becomes of the tasks, nor the layers', async () => {
    const seen = { added: 0, success: 0, error: 0, skipped: 0 }
    for (let seed = 4_001; seed <= 4_150; seed += 1) {
      const random = seeded(seed)
      const scenario = randomScenario(random)
      const tasks = withImplied(scenario.tasks, () => random() < 0.3)
      const { result } = await playInto(scenario, random)
      const { result: other, events } = await playInto({ ...scenario, tasks }, random)
      checkEvents({ ...scenario, tasks }, events, other.results)
      const outcomes = ({ results }: { results: readonly TaskResult[] }) =>
        results.map((task) => ({ seed, taskId: task.taskId, code: task.code, output: task.output, ...outcomeOf(task) }))
      expect(outcomes(other)).toEqual(outcomes(result))
      expect([other.status, other.parallelizationLayers]).toEqual([result.status, result.parallelizationLayers])
      seen.added += countDependencies(tasks) - countDependencies(scenario.tasks)
      for (const { status } of result.results) seen[status] += 1
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100)
  })
})

const countDependencies = (tasks: readonly DAGTask[]) =>
  tasks.reduce((sum, { dependsOn = [] }) => sum + dependsOn.length, 0)

/** The same tasks, in which some depend also on what their dependencies depend on, over any number of tasks between. */
function withImplied(tasks: readonly DAGTask[], isAdded: () => boolean): DAGTask[] {
  const byId = new Map(tasks.map((task) => [task.id, task]))
  return tasks.map((task) => {
    const dependsOn = new Set(task.dependsOn)
    const implied = new Set([...dependsOn].flatMap((id) => byId.get(id)!.dependsOn ?? []))
    // The set grows while it is read.
    for (const id of implied) for (const before of byId.get(id)!.dependsOn ?? []) implied.add(before)
    for (const id of implied) if (isAdded()) dependsOn.add(id)
    return { ...task, dependsOn: [...dependsOn] }
  })
}
