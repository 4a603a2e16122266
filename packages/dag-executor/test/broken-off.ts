import {
  type DAGTask,
  type ExecuteOptions,
  type JournalEntry,
  ParallelExecutor,
  type ParallelExecutorOptions,
  StreamingExecutor,
} from '../src/index.js'
import { HeldTasks, settled } from './held-tasks.js'
import { MemoryJournal } from './memory-journal.js'

/** The log that a process leaves which goes away after these tasks have ended, so and in this order. */
export async function brokenOff(tasks: readonly DAGTask[], ends: Record<string, unknown>) {
  const held = new HeldTasks()
  const journal = new MemoryJournal()
  const executor = new ParallelExecutor({ tools: { held: held.tool } })
  void executor.execute({ tasks }, { executionId: 'run', journal })
  await held.started(tasks[0]!.id)
  await settled()
  for (const [id, end] of Object.entries(ends)) {
    const call = await held.started(id)
    if (end instanceof Error) call.fail(end)
    else call.succeed(end)
  }
  await settled()
  return journal.read()
}

/** The next process: goes on in the same log. */
export function goOn(
  tasks: readonly DAGTask[],
  log: readonly JournalEntry[],
  { failureMode, maxConcurrency, ...options }: ExecuteOptions & ParallelExecutorOptions = {},
) {
  const held = new HeldTasks()
  const journal = new MemoryJournal(log)
  const executor = new StreamingExecutor({ tools: { held: held.tool }, failureMode, maxConcurrency })
  const execution = executor.stream({ tasks }, { journal, resumeFrom: log, ...options })
  return { held, journal, execution, result: execution.result }
}
