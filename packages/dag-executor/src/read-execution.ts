import type { DAGTask } from './dag.js'
import type { CompletionRecord, ExecutionRecord, TaskEnd, TaskRecord } from './execution-record.js'
import type { JournalEntry } from './journal.js'
import { isName } from './name-limit.js'
import { isTruncated } from './payload-limit.js'
import { keptTasks, untouched } from './plan-data.js'
import { ResumeError } from './resume-error.js'

type Data = Readonly<Record<string, unknown>>

/**
 * What the log of an execution says, as a fold over its events; `undefined` where it holds no `execution_start`. It depends on nothing but
 * the events.
 *
 * @throws ResumeError `corrupt_log` where the events are not those of one execution, whole and in order.
 */
export function readExecution(log: Iterable<JournalEntry>): ExecutionRecord | undefined {
  const fold = new ExecutionFold()
  for (const entry of log) fold.add(entry)
  return fold.record
}

class ExecutionFold {
  record: ExecutionRecord | undefined
  #tasks = new Map<string, TaskRecord>()
  #position = -1
  #lastId: { readonly epoch: string; readonly sequence: number } | undefined

  add(entry: JournalEntry): void {
    this.#position += 1
    if (!isData(entry) || typeof entry.type !== 'string') throw this.#corrupt('Expected an event with a `type`')
    this.#checkId(entry.id)
    switch (entry.type) {
      case 'execution_start':
        this.#start(this.#data(entry), entry.internal)
        break
      case 'task_start':
        this.#taskStart(this.#data(entry))
        break
      case 'task_retry':
        this.#taskRetry(this.#data(entry), entry.internal)
        break
      case 'task_complete':
        this.#taskComplete(this.#data(entry), entry.internal)
        break
      case 'execution_complete':
        this.#complete(this.#data(entry))
        break
      default:
      // Progress and partial output are void without the attempt that made them; other types are somebody else's.
    }
  }

  #start(data: Data, internal: unknown): void {
    const executionId = this.#text(data, 'executionId')
    const planHash = this.#text(data, 'planHash')
    if (!isName(executionId)) throw this.#corrupt('Expected `executionId` to be a name')
    const plan = isData(internal) && internal.tasks !== undefined ? this.#plan(internal.tasks) : undefined
    const before = this.record
    if (before && before.executionId !== executionId) throw this.#corrupt('Expected the events of one execution')
    if (before && before.planHash === planHash) throw this.#corrupt('Expected no second start of the same plan')
    const generation = (before?.generation ?? 0) + 1
    this.#tasks = before?.plan && plan ? keptTasks(before, before.plan, plan) : new Map()
    this.record = { executionId, planHash, plan, generation, tasks: this.#tasks, completion: undefined }
  }

  #plan(tasks: unknown): readonly DAGTask[] {
    if (Array.isArray(tasks) && tasks.every(isTask)) return tasks
    throw this.#corrupt('Expected `internal.tasks` to be the tasks of a plan')
  }

  #taskStart(data: Data): void {
    const { task, taskId } = this.#task(data)
    const attempts = this.#count(data, 'attempt')
    if (attempts !== task.attempts + 1) throw this.#corrupt(`Expected attempt ${task.attempts + 1}, got ${attempts}`)
    this.#put(taskId, { ...task, attempts, isRunning: true })
  }

  #taskRetry(data: Data, internal: unknown): void {
    const { task, taskId } = this.#task(data)
    if (!task.isRunning || task.attempts !== this.#count(data, 'attempt'))
      throw this.#corrupt('Expected the attempt that has begun')
    const code = (isData(internal) ? textOf(internal.code) : undefined) ?? 'task_failed'
    const failure = { code, error: this.#text(data, 'error') }
    this.#put(taskId, { ...task, isRunning: false, failures: task.failures + 1, failure })
  }

  #taskComplete(data: Data, internal: unknown): void {
    const { task, taskId } = this.#task(data)
    const { status, output, error, code, because, handled } = data
    if (status !== 'success' && status !== 'error' && status !== 'skipped') throw this.#corrupt('Expected a `status`')
    if ((status === 'skipped') !== (task.attempts === 0) || (status === 'success' && !task.isRunning)) {
      throw this.#corrupt(
        `Expected a task that is ${status} to ${status === 'skipped' ? 'have had no' : 'follow an'} attempt`,
      )
    }
    const isWhole = isData(internal) && Object.hasOwn(internal, 'output')
    const end: TaskEnd = {
      status,
      output: isWhole ? internal.output : output,
      isPreview: !isWhole && isTruncated(output),
      error: textOf(error),
      code: textOf(code),
      because: textOf(because),
      handled: handled === 'ignored' || handled === 'fallback' ? handled : undefined,
      executionTimeMs: this.#duration(data, 'executionTimeMs'),
      attempts: task.attempts,
    }
    this.#put(taskId, { ...task, isRunning: false, end })
  }

  #complete(data: Data): void {
    const { status } = data
    if (!this.record || this.record.completion)
      throw this.#corrupt('Expected an execution that has begun and not ended')
    if (status !== 'success' && status !== 'error' && status !== 'cancelled' && status !== 'timeout') {
      throw this.#corrupt('Expected a `status`')
    }
    const completion: CompletionRecord = {
      status,
      totalExecutionTimeMs: this.#duration(data, 'totalExecutionTimeMs'),
      speedup: this.#duration(data, 'speedup'),
    }
    this.record = { ...this.record, completion }
  }

  /** The task that an event tells of, which must be one that may still have events. */
  #task(data: Data): { task: TaskRecord; taskId: string } {
    const taskId = this.#text(data, 'taskId')
    const { record } = this
    if (!record) throw this.#corrupt('Expected `execution_start` before the events of tasks')
    if (record.completion) throw this.#corrupt('Expected nothing of an execution after its end')
    const task = this.#tasks.get(taskId)
    if (task?.end) throw this.#corrupt(`Expected nothing of task ${JSON.stringify(taskId)} after its end`)
    return { task: task ?? untouched(record.generation), taskId }
  }

  /** As the last, since what the ends of tasks mean for others goes by their order. */
  #put(taskId: string, task: TaskRecord): void {
    this.#tasks.delete(taskId)
    this.#tasks.set(taskId, task)
  }

  /** An event that is missing would be run again, or for ever be waited for. */
  #checkId(id: unknown): void {
    if (id === undefined) return
    const [, epoch, digits] = (typeof id === 'string' && /^(.+)-([1-9][0-9]*)$/.exec(id)) || []
    if (epoch === undefined || !Number.isSafeInteger(Number(digits)))
      throw this.#corrupt('Expected an event id such as "k3v9x2m1-7"')
    const sequence = Number(digits)
    const last = this.#lastId
    if (last && (last.epoch !== epoch || last.sequence + 1 !== sequence)) {
      throw this.#corrupt(`Expected the id ${last.epoch}-${last.sequence + 1}, got ${epoch}-${sequence}`)
    }
    this.#lastId = { epoch, sequence }
  }

  #data({ data }: JournalEntry): Data {
    if (!isData(data)) throw this.#corrupt('Expected `data` to be an object')
    return data
  }

  #text(data: Data, member: string): string {
    const value = data[member]
    if (typeof value !== 'string') throw this.#corrupt(`Expected \`${member}\` to be a string`)
    return value
  }

  #count(data: Data, member: string): number {
    const value = data[member]
    if (!Number.isSafeInteger(value) || Number(value) < 1) throw this.#corrupt(`Expected \`${member}\` to count from 1`)
    return Number(value)
  }

  #duration(data: Data, member: string): number {
    const value = data[member]
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw this.#corrupt(`Expected \`${member}\` to be a number`)
    return value
  }

  #corrupt(message: string): ResumeError {
    return new ResumeError('corrupt_log', message, { position: this.#position })
  }
}

function isData(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTask(task: unknown): task is DAGTask {
  if (!isData(task) || typeof task.id !== 'string' || typeof task.tool !== 'string') return false
  const { dependsOn = [] } = task
  return Array.isArray(dependsOn) && dependsOn.every((id) => typeof id === 'string')
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
