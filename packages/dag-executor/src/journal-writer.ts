import type { SSEEvent } from '@x/sse-protocol'
import { anotherTurn } from './another-turn.js'
import { BufferedEventStream, maxBatchEvents } from './buffered-event-stream.js'
import { EventRenderer } from './event-renderer.js'
import type { ExecutionMark, ObserveExecution } from './execution-mark.js'
import type { ExecutionSettings, PreparedExecution } from './execution-settings.js'
import type { Journal, JournalEntry } from './journal.js'
import { surelyFits } from './json-bound.js'
import { jsonText } from './json-size.js'
import { isTruncated } from './payload-limit.js'
import type { Plan } from './plan.js'
import { describePlan } from './plan-data.js'
import { failureCode } from './task-failure.js'
import type { TaskState } from './task-state.js'

/** The execution that is journalled. */
export interface JournalHost {
  /** The ends of these tasks were appended. */
  committed(states: readonly TaskState[]): void
  /** An append failed. */
  failed(error: unknown): void
}

/**
 * Writes what happens in an execution to its journal: one append at a time, of all that has happened since the last one. The journal is never
 * behind by more than what the tasks do meanwhile, since nothing goes on from what is not committed.
 */
export class JournalWriter {
  readonly #journal: Journal
  readonly #executionId: string
  readonly #renderer: EventRenderer
  readonly #buffer: BufferedEventStream
  readonly #observe: ObserveExecution | undefined
  readonly #host: JournalHost
  readonly #finished: Promise<void>
  /** Whose ends are not in a batch yet, by their ids. */
  readonly #ended = new Map<string, TaskState>()

  private constructor(
    journal: Journal,
    executionId: string,
    { events, maxBufferedEvents }: ExecutionSettings,
    observe: ObserveExecution | undefined,
    host: JournalHost,
  ) {
    this.#journal = journal
    this.#executionId = executionId
    this.#renderer = new EventRenderer(executionId, events)
    this.#buffer = new BufferedEventStream(maxBufferedEvents)
    this.#observe = observe
    this.#host = host
    this.#finished = this.#pump()
  }

  /**
   * Where the execution has a journal.
   *
   * @param observe Told of what was appended, and of nothing else.
   */
  static open(
    { journal, executionId }: PreparedExecution,
    settings: ExecutionSettings,
    observe: ObserveExecution | undefined,
    host: JournalHost,
  ): JournalWriter | undefined {
    return journal && new JournalWriter(journal, executionId, settings, observe, host)
  }

  /** How many `task_progress` and `task_output` were dropped because an append took too long. */
  get dropped(): number {
    return this.#buffer.dropped
  }

  /** Needs no `this`. */
  readonly observe = (mark: ExecutionMark): void => this.#buffer.push(mark)

  /** Has the task among those `committed` once its end, which was observed, is. */
  release(state: TaskState): void {
    this.#ended.set(state.task.id, state)
  }

  /** Nothing more is to be observed; resolves when all was appended, or an append has failed. */
  async finish(): Promise<void> {
    this.#buffer.end()
    await this.#finished
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        await this.#buffer.wait()
        const marks = this.#buffer.takeBatch().map(asLogged)
        if (marks.length === 0) break
        const entries = marks.map((mark) => this.#entry(mark))
        await this.#journal.append(entries, this.#executionId)
        if (this.#observe) for (const mark of marks) this.#observe(mark)
        const ended = this.#endedIn(marks)
        if (ended.length > 0) this.#host.committed(ended)
        // There may be many more.
        if (marks.length === maxBatchEvents) await anotherTurn()
      }
    } catch (error) {
      this.#buffer.discard()
      this.#host.failed(error)
    }
  }

  #endedIn(marks: readonly ExecutionMark[]): TaskState[] {
    const ended: TaskState[] = []
    for (const mark of marks) {
      const state = mark.type === 'task_complete' ? this.#ended.get(mark.task.id) : undefined
      if (!state) continue
      ended.push(state)
      this.#ended.delete(state.task.id)
    }
    return ended
  }

  #entry(mark: ExecutionMark): JournalEntry {
    const { type, data } = this.#renderer.render(mark)
    const internal = internalOf(mark, data)
    return internal === undefined ? { type, data } : { type, data, internal }
  }
}

/** With the output as it was at the task's end. */
function asLogged(mark: ExecutionMark): ExecutionMark {
  if (mark.type !== 'task_complete' || !mark.logged) return mark
  return { ...mark, result: { ...mark.result, ...mark.logged } }
}

/** What a resume needs and a reader must not have. */
function internalOf(mark: ExecutionMark, data: SSEEvent['data']): unknown {
  if (mark.type === 'execution_start') return planOf(mark)
  // The event has no room for it, and a task that is stopped in its wait ends with it.
  if (mark.type === 'task_retry') return { code: failureCode(mark.error) }
  if (mark.type !== 'task_complete' || mark.result.status !== 'success') return undefined
  const { output } = mark.result
  // An output that only looks like a truncated one would be taken for one.
  const isWhole = 'output' in data && data.output === output && !isTruncated(output)
  return isWhole || output === undefined ? undefined : { output }
}

/** Left out where it is no JSON, by an argument that only this process could make: it can then not be compared with another one. */
function planOf({ plan }: { readonly plan: Plan }): unknown {
  const tasks = describePlan(plan)
  const hasText = surelyFits(tasks, Number.POSITIVE_INFINITY) || jsonText(tasks) !== undefined
  return hasText ? { tasks } : undefined
}
