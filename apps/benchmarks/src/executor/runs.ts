import { type DAGTask, type ExecutionResult, ParallelExecutor, StreamingExecutor } from '@x/dag-executor'
import { encodeEvent, formatEventId, type SSEEvent, serialize } from '@x/sse-protocol'
import { PGraph } from 'p-graph'
import { type LoopOptions, runLoop } from './in-degree-loop.js'

/** What a task does: nothing but to be counted. */
export type Call = (id: string) => unknown

/** One run of a graph. Says how much came of it: results, and characters or pieces of what was made of its events. */
export type Run = (call: Call) => Promise<Outcome>

export interface Outcome {
  readonly successes: number
  /** Where there are events: them, or the text they were made to. */
  readonly events?: readonly SSEEvent[]
  readonly text?: readonly string[]
}

const limits = { maxTasks: Number.POSITIVE_INFINITY }

/** `@x/dag-executor` for its result alone. */
export function execute(tasks: readonly DAGTask[]): Run {
  return async (call) => {
    const executor = new ParallelExecutor({ ...limits, tools: toolsOf(call) })
    return { successes: successes(await executor.execute({ tasks })) }
  }
}

export function executeToArray(tasks: readonly DAGTask[]): Run {
  return async (call) => {
    const stream = new StreamingExecutor({ ...limits, tools: toolsOf(call) }).stream({ tasks })
    const events: SSEEvent[] = []
    for await (const batch of stream.batches()) for (const event of batch) events.push(event)
    return { successes: successes(await stream.result), events }
  }
}

export function executeToText(tasks: readonly DAGTask[]): Run {
  return async (call) => {
    const stream = new StreamingExecutor({ ...limits, tools: toolsOf(call) }).stream({ tasks })
    const text: string[] = []
    for await (const batch of stream.batches()) {
      for (const { type, data } of batch) {
        text.push(encodeEvent({ type, data: serialize(data), id: formatEventId('k3v9x2m1', text.length + 1) }))
      }
    }
    return { successes: successes(await stream.result), text }
  }
}

/** As a reader does to whom speed is nothing: one event at a time. */
export function executeAndIterate(tasks: readonly DAGTask[]): Run {
  return async (call) => {
    const stream = new StreamingExecutor({ ...limits, tools: toolsOf(call) }).stream({ tasks })
    const events: SSEEvent[] = []
    for await (const event of stream) events.push(event)
    return { successes: successes(await stream.result), events }
  }
}

/** Most of the time of this is that of the `WritableStream`. */
export function executeToSink(tasks: readonly DAGTask[]): Run {
  return async (call) => {
    const events: SSEEvent[] = []
    const sink = new WritableStream<SSEEvent>({ write: (event) => void events.push(event) })
    const executor = new StreamingExecutor({ ...limits, tools: toolsOf(call) })
    return { successes: successes(await executor.executeWithStreaming({ tasks }, sink)), events }
  }
}

export function loop(tasks: readonly DAGTask[]): Run {
  return async (call) => ({ successes: await loopSuccesses(tasks, call) })
}

/** The loop, and nothing more than the JSON text of events that are there already. */
export function loopAndText(tasks: readonly DAGTask[], events: readonly SSEEvent[]): Run {
  return async (call) => {
    const successes = await loopSuccesses(tasks, call)
    return { successes, text: events.map(({ data }) => JSON.stringify(data)) }
  }
}

/** As its README shows: a function for each task, and pairs of ids. Making the graph is a part of the run, as it is of the others'. */
export function pGraph(tasks: readonly DAGTask[]): Run {
  const pairs = tasks.flatMap(({ id, dependsOn = [] }) => dependsOn.map((other): [string, string] => [other, id]))
  return async (call) => {
    let successes = 0
    const nodes = new Map(
      tasks.map(({ id }) => [
        id,
        {
          run: () => {
            call(id)
            successes += 1
          },
        },
      ]),
    )
    await new PGraph(nodes, pairs).run({ continue: true })
    return { successes }
  }
}

function toolsOf(call: Call) {
  return { noop: (_: unknown, { taskId }: { readonly taskId: string }) => call(taskId) }
}

function successes({ results }: ExecutionResult): number {
  return results.reduce((count, { status }) => (status === 'success' ? count + 1 : count), 0)
}

async function loopSuccesses(tasks: readonly DAGTask[], call: Call): Promise<number> {
  const options: LoopOptions = { maxConcurrency: Number.POSITIVE_INFINITY, signal: new AbortController().signal }
  const results = await runLoop(tasks, call, options)
  return results.reduce((count, { status }) => (status === 'success' ? count + 1 : count), 0)
}
