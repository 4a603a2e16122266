import type { DAGTask } from '@x/dag-executor'
import type { SSEEvent } from '@x/sse-protocol'
import { EventStreamParser, serialize } from '@x/sse-protocol'
import type { Contender, Workload } from '../discipline.js'
import { type Graph, shapes, tasksOf } from './graphs.js'
import { executeToArray, type Outcome, type Run } from './runs.js'

/** Fewer make no shape. */
const smallest = 8

/** A contender that runs a graph of this shape and number of tasks. */
export function contender(
  shape: string,
  size: number,
  create: (tasks: readonly DAGTask[], events: readonly SSEEvent[]) => Run,
  hasEvents = false,
): Contender {
  return async (scale) => {
    const graph = shapes[shape]!(Math.max(smallest, Math.ceil(size * scale)))
    const tasks = tasksOf(graph)
    // Only for who takes them: they need memory.
    const events = create.length > 1 ? ((await executeToArray(tasks)(() => 0)).events ?? []) : []
    return workload(graph, create(tasks, events), hasEvents)
  }
}

/**
 * A run of a graph, in which every task must be called once and come to its end, and each event be there once. A pass is checked by counts; the
 * check also by the order of calls and by the text of the events.
 */
export function workload(graph: Graph, run: Run, hasEvents = false): Workload {
  return {
    units: graph.length,
    expected: 2 * graph.length + (hasEvents ? 2 * graph.length + 2 : 0),
    pass: async () => {
      let calls = 0
      const outcome = await run(() => (calls += 1))
      const made = outcome.events?.length ?? outcome.text?.reduce(countText, 0) ?? 0
      return calls + outcome.successes + made
    },
    check: async () => {
      const called = new Set<number>()
      const outcome = await run((id) => {
        const index = Number(id.slice(1))
        if (called.has(index)) throw new Error(`Expected each task to be called once, got ${id} twice`)
        const early = graph[index]!.find((dependency) => !called.has(dependency))
        if (early !== undefined) throw new Error(`Expected t${early} to be called before ${id}`)
        called.add(index)
        return index
      })
      if (called.size !== graph.length || outcome.successes !== graph.length) {
        throw new Error(`Expected ${graph.length} tasks, got ${called.size} calls and ${outcome.successes} successes`)
      }
      checkEvents(graph, outcome)
    },
  }
}

/** Reading a character makes the engine put together a text of which it only noted the parts, as any use of it does. */
function countText(count: number, text: string): number {
  return text.charCodeAt(text.length >> 1) > 0 ? count + 1 : count
}

/** One start and one end of each task between those of the execution. */
function checkEvents(graph: Graph, { events, text }: Outcome): void {
  const texts = text ?? events?.map(({ data }) => serialize(data))
  if (!texts) return
  const data = texts.map((one) => JSON.parse(one.startsWith('{') ? one : new EventStreamParser().push(one)[0]!.data))
  const ids = data.slice(1, -1).map(({ taskId }) => taskId as string)
  const twice = graph.flatMap((_, index) => [`t${index}`, `t${index}`])
  const ends = data.filter(({ taskId, status }) => taskId !== undefined && status === 'success').length
  if (ids.toSorted().join() !== twice.toSorted().join() || ends !== graph.length) {
    throw new Error('Expected one start and one end of each task')
  }
  if (data.at(-1).successCount !== graph.length)
    throw new Error('Expected the end of the execution, with all successes')
}
