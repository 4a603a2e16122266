import type { Stream } from './stream.js'

/** An event as an executor journals it. */
export interface JournalEvent {
  readonly type: string
  /** Public. */
  readonly data: unknown
  /** Never sent to a reader. */
  readonly internal?: unknown
}

/** A stream as an executor of @x/dag-executor writes its journal, and as it resumes from it. */
export interface StreamJournal {
  /** Resolves when the log holds the events: all of them, or none where it rejects. */
  append(events: readonly JournalEvent[]): Promise<void>
}

/** The contract of a stream that executions can be journalled in: `executionEvents`, `sessionEvents`, or one with their types. */
interface ExecutionTypes {
  readonly execution_start: unknown
  readonly task_complete: unknown
  readonly execution_complete: unknown
}

/**
 * Makes a stream the journal of an execution: its readers see each event when the log holds it, and the executor starts what depends on it
 * then. The executor needs no other sink. What `stream.entries()` gives is what it resumes from.
 *
 * @example
 * const stream = await sse.open(executionId)
 * await executor.execute(dag, { executionId, signal: stream.signal, journal: journal(stream), resumeFrom: await stream.entries() })
 */
export function journal<Events extends ExecutionTypes>(stream: Stream<Events>): StreamJournal {
  return {
    append: async (events) => {
      // The contract decides which types there are, when it is used.
      await stream.publishAll(events as Parameters<typeof stream.publishAll>[0])
    },
  }
}
