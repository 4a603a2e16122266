import type { SSEEvent, TaskComplete } from '@x/sse-protocol'
import { type PublicError, safePublicError } from './error-text.js'
import type { ExecutionMark } from './execution-mark.js'
import type { ExecutionResult, TaskResult } from './execution-result.js'
import { jsonText, startThatFits, utf8Length } from './json-size.js'
import { limitPayload } from './payload-limit.js'
import type { Plan, PlannedTask } from './plan.js'
import { ToolError } from './tool-error.js'

export interface EventRendererOptions {
  /** At least {@link minPayloadBytes}. */
  readonly maxPayloadBytes: number
  readonly publicError: PublicError
  readonly outputRef: ((executionId: string, taskId: string) => string) | undefined
  readonly planRef: ((executionId: string) => string) | undefined
}

/** What every event can be made to fit in, however long the names in it are. */
export const minPayloadBytes = 1_024
/** A tool names its own codes, and an event has to hold them. */
const maxCodeLength = 64

/**
 * Makes the events of one execution (PROTOCOL.md §8.3). The data of each fits in `maxPayloadBytes` as JSON in UTF-8; what does not fit
 * has the truncated form (§8.7), or is cut where it is text. All text is public (§8.6).
 */
export class EventRenderer {
  readonly #options: EventRendererOptions
  readonly #executionId: string

  constructor(executionId: string, options: EventRendererOptions) {
    this.#executionId = executionId
    this.#options = options
  }

  render(mark: ExecutionMark): SSEEvent {
    const timestamp = new Date(mark.at).toISOString()
    switch (mark.type) {
      case 'execution_start': {
        const { executionId, planHash } = mark
        const data = { executionId, planHash, tasks: [], timestamp }
        const ref = this.#ref(() => this.#options.planRef?.(executionId))
        return { type: mark.type, data: this.#withValue(data, 'tasks', describeTasks(mark.plan), ref) }
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
        const data = { taskId: mark.task.id, attempt: mark.attempt, output: undefined, timestamp }
        return { type: mark.type, data: this.#withValue(data, 'output', mark.output, null) }
      }
      case 'task_complete':
        return { type: mark.type, data: this.#taskComplete(mark.task, mark.result, timestamp) }
      case 'execution_complete':
        return { type: mark.type, data: { ...describeResult(mark.result), timestamp } }
      case 'error': {
        const text = ToolError.isInstance(mark.error) ? mark.error.message : 'The execution failed.'
        return { type: mark.type, data: this.#withText({ error: '', timestamp }, 'error', text) }
      }
      default:
        return mark satisfies never
    }
  }

  #taskComplete(task: PlannedTask, result: TaskResult, timestamp: string): TaskComplete {
    const { taskId, tool, status, executionTimeMs, attempts, because, handled } = result
    const head = { taskId, tool, status }
    const reasons = { ...(because === undefined ? undefined : { because }), ...(handled && { handled }) }
    const tail = { executionTimeMs, attempts, ...reasons, timestamp }
    switch (status) {
      case 'success': {
        const ref = this.#ref(() => this.#options.outputRef?.(this.#executionId, taskId))
        return this.#withValue({ ...head, output: undefined, ...tail }, 'output', result.output, ref)
      }
      case 'error':
        return this.#withText(
          { ...head, error: '', code: (result.code ?? '').slice(0, maxCodeLength), ...tail },
          'error',
          this.#publicError(result.cause, task),
        )
      case 'skipped':
        return { ...head, ...tail }
      default:
        return status satisfies never
    }
  }

  #publicError(error: unknown, { id, tool }: PlannedTask): string {
    return safePublicError(this.#options.publicError, error, { id, tool })
  }

  /** An event is worth more than its reference. */
  #ref(make: () => string | undefined): string | null {
    try {
      return make() ?? null
    } catch {
      return null
    }
  }

  #withValue<Data extends object, Member extends string, Value>(
    data: Data,
    member: Member,
    value: Value,
    ref: string | null,
  ) {
    const rest = this.#bytes({ ...data, [member]: null }) - 'null'.length
    const limited = limitPayload(value, { maxBytes: this.#options.maxPayloadBytes - rest, ref })
    return { ...data, [member]: limited } as Data & { [Name in Member]: typeof limited }
  }

  #withText<Data extends object, Member extends string>(data: Data, member: Member, text: string) {
    const room = this.#options.maxPayloadBytes - this.#bytes({ ...data, [member]: '' }) + '""'.length
    const ellipsis = '…'
    const fits = utf8Length(JSON.stringify(text)) <= room
    const cut = fits ? text : `${startThatFits(text, room - utf8Length(ellipsis)) ?? ''}${ellipsis}`
    return { ...data, [member]: cut } as Data & { [Name in Member]: string }
  }

  #bytes(data: object): number {
    return utf8Length(jsonText(data) ?? '')
  }
}

function describeTasks({ tasks }: Plan): { id: string; tool: string; dependsOn: string[] }[] {
  return tasks.map(({ id, tool, dependencies }) => ({ id, tool, dependsOn: dependencies.map((at) => tasks[at]!.id) }))
}

function describeResult(result: ExecutionResult) {
  const count = (wanted: TaskResult['status']): number =>
    result.results.reduce((sum, { status }) => (status === wanted ? sum + 1 : sum), 0)
  return {
    status: result.status,
    totalTasks: result.results.length,
    successCount: count('success'),
    errorCount: count('error'),
    skippedCount: count('skipped'),
    totalExecutionTimeMs: result.executionTimeMs,
    speedup: result.speedup,
    parallelizationLayers: result.parallelizationLayers,
    criticalPathMs: result.criticalPathMs,
  }
}
