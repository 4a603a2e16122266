import type { SSEEvent, TaskComplete, TruncatedValue } from '@x/sse-protocol'
import { type PublicError, publicMessage, safePublicError } from './error-text.js'
import type { ExecutionMark } from './execution-mark.js'
import type { ExecutionResult, TaskResult } from './execution-result.js'
import { surelyFits } from './json-bound.js'
import { jsonText, startThatFits, utf8Length } from './json-size.js'
import { limitPayload, minPayloadLimit } from './payload-limit.js'
import type { PlannedTask } from './plan.js'
import { listTasks } from './plan-listing.js'

export interface EventRendererOptions {
  /** At least {@link minPayloadBytes}. */
  readonly maxPayloadBytes: number
  readonly publicError: PublicError
  readonly outputRef: ((executionId: string, taskId: string) => string) | undefined
  readonly planRef: ((executionId: string) => string) | undefined
}

/** What every event can be made to fit in, however long the names in it are. */
export const minPayloadBytes = 1_024
/** Of a code as JSON: a tool names its own codes, and an event has to hold them. */
const maxCodeBytes = 66

/**
 * Makes the events of one execution (PROTOCOL.md §8.3). The data of each fits in `maxPayloadBytes` as JSON in UTF-8; what does not fit
 * has the truncated form (§8.7), or is cut where it is text. All text is public (§8.6).
 */
export class EventRenderer {
  readonly #options: EventRendererOptions
  readonly #executionId: string
  /** A value of so many bytes fits in any event: with all else in it, one of `minPayloadBytes` still has room for a truncated form. */
  readonly #freeBytes: number
  #at = Number.NaN
  #timestamp = ''

  constructor(executionId: string, options: EventRendererOptions) {
    this.#executionId = executionId
    this.#options = options
    this.#freeBytes = options.maxPayloadBytes - (minPayloadBytes - minPayloadLimit)
  }

  render(mark: ExecutionMark): SSEEvent {
    const timestamp = this.#timestampOf(mark.at)
    switch (mark.type) {
      case 'execution_start': {
        const { executionId, planHash } = mark
        const maxBytes = this.#room({ executionId, planHash, tasks: null, timestamp }) + 'null'.length
        const tasks = listTasks(mark.plan, maxBytes, () => refOf(() => this.#options.planRef?.(executionId)))
        return { type: mark.type, data: { executionId, planHash, tasks, timestamp } }
      }
      case 'task_start': {
        const { id, tool, layer } = mark.task
        return { type: mark.type, data: { taskId: id, tool, layer, attempt: mark.attempt, timestamp } }
      }
      case 'task_retry': {
        const { attempt, delayMs, task } = mark
        const data = { taskId: task.id, tool: task.tool, attempt, delayMs, error: '', timestamp }
        return { type: mark.type, data: this.#withText(data, 'error', this.#publicError(mark.error, task)) }
      }
      case 'task_progress': {
        const { progress, message, attempt, task } = mark
        const data = { taskId: task.id, attempt, ...(progress === undefined ? undefined : { progress }), timestamp }
        return { type: mark.type, data: typeof message === 'string' ? this.#withText(data, 'message', message) : data }
      }
      case 'task_output': {
        const data = { taskId: mark.task.id, attempt: mark.attempt, output: mark.output, timestamp }
        return { type: mark.type, data: this.#withValue(data, 'output', mark.output) }
      }
      case 'task_complete':
        return { type: mark.type, data: this.#taskComplete(mark.task, mark.result, timestamp) }
      case 'execution_complete':
        return { type: mark.type, data: { ...describeResult(mark.result), timestamp } }
      case 'error': {
        const text = publicMessage(mark.error) ?? 'The execution failed.'
        return { type: mark.type, data: this.#withText({ error: '', timestamp }, 'error', text) }
      }
      default:
        return mark satisfies never
    }
  }

  #taskComplete(task: PlannedTask, result: TaskResult, timestamp: string): TaskComplete {
    const { taskId, tool, status, executionTimeMs, attempts, because, handled } = result
    if (status === 'success') {
      const { output } = result
      const data = { taskId, tool, status, output, executionTimeMs, attempts, timestamp }
      return this.#withValue(data, 'output', output, () => this.#options.outputRef?.(this.#executionId, taskId))
    }
    const head = { taskId, tool, status }
    const reasons = { ...(because === undefined ? undefined : { because }), ...(handled && { handled }) }
    const tail = { executionTimeMs, attempts, ...reasons, timestamp }
    if (status === 'skipped') return { ...head, ...tail }
    const code = startThatFits(result.code ?? '', maxCodeBytes) ?? ''
    return this.#withText({ ...head, error: '', code, ...tail }, 'error', this.#publicError(result.cause, task))
  }

  #publicError(error: unknown, { id, tool }: PlannedTask): string {
    return safePublicError(this.#options.publicError, error, { id, tool })
  }

  /** Tasks that do nothing have many events in a millisecond, and a date is dear. */
  #timestampOf(at: number): string {
    if (at !== this.#at) {
      this.#at = at
      this.#timestamp = new Date(at).toISOString()
    }
    return this.#timestamp
  }

  /** The data, which has the value in this member already, where that fits, and else with the truncated form in its place. */
  #withValue<Data extends object, Member extends string, Value>(
    data: Data,
    member: Member,
    value: Value,
    ref?: () => string | undefined,
  ) {
    type Limited = Data & { [Name in Member]: Value | TruncatedValue }
    // Nearly all of them.
    if (value === undefined || surelyFits(value, this.#freeBytes)) return data as Limited
    const maxBytes = this.#room({ ...data, [member]: null }) + 'null'.length
    return { ...data, [member]: limitPayload(value, { maxBytes, ref: refOf(ref) }) } as Limited
  }

  #withText<Data extends object, Member extends string>(data: Data, member: Member, text: string) {
    const room = this.#room({ ...data, [member]: '' }) + '""'.length
    const ellipsis = '…'
    const fits = utf8Length(JSON.stringify(text)) <= room
    const cut = fits ? text : `${startThatFits(text, room - utf8Length(ellipsis)) ?? ''}${ellipsis}`
    return { ...data, [member]: cut } as Data & { [Name in Member]: string }
  }

  /** Bytes that these data leave for more. */
  #room(data: object): number {
    return this.#options.maxPayloadBytes - utf8Length(jsonText(data) ?? '')
  }
}

/** An event is worth more than its reference. */
function refOf(make: (() => string | undefined) | undefined): string | null {
  try {
    return make?.() ?? null
  } catch {
    return null
  }
}

function describeResult(result: ExecutionResult) {
  const counts = { success: 0, error: 0, skipped: 0 }
  for (const { status } of result.results) counts[status] += 1
  return {
    status: result.status,
    totalTasks: result.results.length,
    successCount: counts.success,
    errorCount: counts.error,
    skippedCount: counts.skipped,
    totalExecutionTimeMs: result.executionTimeMs,
    speedup: result.speedup,
    parallelizationLayers: result.parallelizationLayers,
    criticalPathMs: result.criticalPathMs,
  }
}
