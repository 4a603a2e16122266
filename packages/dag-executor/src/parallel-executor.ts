import type { DAGStructure } from './dag.js'
import { type BuiltDag, isBuilt } from './dag-builder.js'
import { DagValidationError, quote } from './dag-issue.js'
import { Execution } from './execution.js'
import type { ExecutionRecord } from './execution-record.js'
import type { ExecutionResult } from './execution-result.js'
import type { ExecutionSettings, ExecutionWatch, PreparedExecution } from './execution-settings.js'
import { checkJournal, type ExecuteOptions, type ParallelExecutorOptions, readSettings } from './executor-options.js'
import type { Journal, JournalEntry } from './journal.js'
import { isName, maxNameBytes } from './name-limit.js'
import { checkChoice, checkFunction, checkOptions, checkSignal } from './option-checks.js'
import { createPlan } from './plan.js'
import { planHash } from './plan-hash.js'
import { readExecution } from './read-execution.js'
import { ResumeError } from './resume-error.js'
import { RunningExecution } from './running-execution.js'
import { createToolTable, type ToolTable } from './tool-table.js'
import { type DagLimits, inspectDag, readLimits } from './validate-dag.js'

/**
 * Runs task graphs: each task the moment its own dependencies are done. One executor runs any number of executions at once; they
 * share nothing, and the limits hold for each alone.
 *
 * @example
 * const executor = new ParallelExecutor({ tools: { add: ({ a, b }: { a: number; b: number }) => a + b } })
 * const { results } = await executor.execute({ tasks: [{ id: 'sum', tool: 'add', arguments: { a: 1, b: 2 } }] })
 */
export class ParallelExecutor {
  protected readonly settings: ExecutionSettings
  readonly #tools: ToolTable
  readonly #limits: DagLimits
  readonly #journal: Journal | undefined

  /** @throws TypeError where an option is not what it should be. */
  constructor(options: ParallelExecutorOptions = {}) {
    this.#tools = createToolTable(checkOptions(options).tools ?? {})
    this.#limits = readLimits(options)
    this.#journal = checkJournal(options.journal)
    this.settings = readSettings(options)
  }

  /**
   * Runs a DAG to its end. A task that fails is part of the result, not an error.
   *
   * @throws DagValidationError before anything has started, with everything that is wrong with the DAG.
   * @throws ResumeError before anything has started, where `resumeFrom` is no log to resume from.
   * @throws TypeError where an option is not what it should be.
   */
  async execute(dag: DAGStructure | BuiltDag, options: ExecuteOptions = {}): Promise<ExecutionResult> {
    const prepared = this.prepare(dag, options)
    return this.launch(this.begin(prepared), prepared)
  }

  /**
   * Begins a DAG, and returns what it takes to cancel it, or one of its tasks, and to ask what happened to a task.
   *
   * @throws As `execute`, but at once; a ResumeError about the plan comes with `result`.
   * @example
   * const execution = executor.start(dag)
   * process.once('SIGINT', () => execution.cancel())
   * const { status } = await execution.result
   */
  start(dag: DAGStructure | BuiltDag, options: ExecuteOptions = {}): RunningExecution {
    const prepared = this.prepare(dag, options)
    const execution = this.begin(prepared, { withHistory: true })
    return new RunningExecution(execution, prepared, this.launch(execution, prepared))
  }

  /**
   * Checks everything that can be checked before anything starts.
   *
   * @throws DagValidationError with everything that is wrong with the DAG.
   * @throws ResumeError where `resumeFrom` is the log of no execution, or of another one.
   * @throws TypeError where an option is not what it should be.
   */
  protected prepare(dag: DAGStructure | BuiltDag, options: ExecuteOptions): PreparedExecution {
    const { resumeFrom, onTaskComplete, changedPlan = 'refuse' } = checkOptions(options)
    const signal = checkSignal(options.signal)
    const record = resumeFrom === undefined ? undefined : readLog(resumeFrom, options.executionId)
    const { executionId = record?.executionId ?? crypto.randomUUID() } = options
    if (typeof executionId !== 'string' || !isName(executionId)) {
      throw new TypeError(`Expected \`executionId\` to be a non-empty string of at most ${maxNameBytes} bytes`)
    }
    checkFunction('onTaskComplete', onTaskComplete)
    const { dag: structure, tools } = isBuilt(dag) ? fromBuilder(dag) : { dag, tools: this.#tools }
    const { validateArguments } = this.settings
    const inspection = inspectDag(structure, { tools, ...this.#limits, validateArguments })
    if (inspection.issues.length > 0) throw new DagValidationError(inspection.issues)
    const reuse = checkChoice('changedPlan', changedPlan, ['refuse', 'reuse-unchanged']) === 'reuse-unchanged'
    const journal = checkJournal(options.journal) ?? this.#journal
    return { plan: createPlan(inspection), executionId, signal, onTaskComplete, journal, record, reuse }
  }

  /** An execution that is still to `run`. */
  protected begin(prepared: PreparedExecution, watch?: ExecutionWatch): Execution {
    return new Execution(this.settings, prepared, watch)
  }

  /** Runs it; with the hash of its plan where somebody is told of that. */
  protected async launch(
    execution: Execution,
    { plan, journal, record }: PreparedExecution,
    withHash = false,
  ): Promise<ExecutionResult> {
    return execution.run(withHash || journal || record ? await planHash(plan) : undefined)
  }
}

function readLog(log: Iterable<JournalEntry>, executionId: string | undefined): ExecutionRecord | undefined {
  if (typeof log !== 'object' || log === null || typeof log[Symbol.iterator] !== 'function') {
    throw new TypeError(
      `Expected \`resumeFrom\` to be an array of events, or another iterable of them, got ${quote(log)}`,
    )
  }
  const record = readExecution(log)
  if (record && executionId !== undefined && executionId !== record.executionId) {
    throw new ResumeError(
      'other_execution',
      `The log is of the execution ${quote(record.executionId)}, not ${quote(executionId)}`,
    )
  }
  return record
}

function fromBuilder(builder: BuiltDag): { dag: DAGStructure; tools: ToolTable } {
  const { dag, tools } = builder.build()
  return { dag, tools: createToolTable(tools) }
}
