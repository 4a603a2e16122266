import type { DAGStructure } from './dag.js'
import type { BuiltDag } from './dag-builder.js'
import { DagValidationError } from './dag-issue.js'
import { type PublicError, publicErrorText } from './error-text.js'
import { Execution } from './execution.js'
import type { ExecutionResult, TaskResult } from './execution-result.js'
import type { ExecutionSettings, ExecutionWatch, PreparedExecution } from './execution-settings.js'
import { isName, maxNameBytes } from './name-limit.js'
import { checkChoice, checkCount, checkDuration, checkFunction } from './option-checks.js'
import { createPlan } from './plan.js'
import { RunningExecution } from './running-execution.js'
import type { ToolRegistry, ValidateArguments } from './tool.js'
import { createToolTable, type ToolTable } from './tool-table.js'
import { type DagLimits, inspectDag, readLimits } from './validate-dag.js'

export interface ParallelExecutorOptions {
  /**
   * The tools that a DAG may name, taken as they are now.
   * @default {}
   */
  readonly tools?: ToolRegistry | undefined
  /**
   * How many tasks of one execution may run at the same time.
   * @default Infinity
   */
  readonly maxConcurrency?: number | undefined
  /**
   * How many tasks a DAG may have; `Infinity` is unlimited.
   * @default 1_000
   */
  readonly maxTasks?: number | undefined
  /**
   * Bytes that the arguments of one task may be long, as JSON in UTF-8 with the references in it; `Infinity` is unlimited.
   * @default 1_048_576
   */
  readonly maxArgumentBytes?: number | undefined
  /**
   * What a failed task does to the others, unless its `onError` handles the failure. `continue`: what depends on it is skipped, the
   * rest goes on. `finish-running`: no other attempt starts. `fail-fast`: what runs is cancelled as well.
   * @default 'continue'
   */
  readonly failureMode?: 'continue' | 'finish-running' | 'fail-fast' | undefined
  /**
   * Milliseconds that a cancelled tool has to come back; then its task is reported as `abandoned`. `0` gives it the rest of
   * the turn, `Infinity` all the time it takes.
   * @default 5_000
   */
  readonly grace?: number | undefined
  /**
   * Checks arguments against a tool's `inputSchema`: those without references before anything starts, the others before their
   * call. Bring the validator you like.
   * @default no check
   */
  readonly validateArguments?: ValidateArguments | undefined
  /**
   * The text for the public for what a task threw: what events carry. The `error` in results is always the raw one.
   * @default publicErrorText
   */
  readonly publicError?: PublicError | undefined
}

export interface ExecuteOptions {
  /** Cancels the execution when it is aborted. */
  readonly signal?: AbortSignal | undefined
  /**
   * Names the execution: not empty, at most 256 bytes as JSON.
   * @default a random UUID
   */
  readonly executionId?: string | undefined
  /**
   * Called with every task's result the moment it exists, also with those of skipped tasks. It is not waited for. Where it
   * throws, the execution is stopped and rejects with what was thrown.
   */
  readonly onTaskComplete?: ((result: TaskResult) => void) | undefined
}

/**
 * Runs task graphs: each task the moment its own dependencies are done. One executor runs any number of executions at once; they
 * share nothing, and the limits hold for each alone.
 *
 * @example
 * const executor = new ParallelExecutor({ tools: { add: ({ a, b }: { a: number; b: number }) => a + b } })
 * const { results } = await executor.execute({ tasks: [{ id: 'sum', tool: 'add', arguments: { a: 1, b: 2 } }] })
 */
export class ParallelExecutor {
  protected readonly publicError: PublicError
  readonly #tools: ToolTable
  readonly #limits: DagLimits
  readonly #settings: ExecutionSettings

  /** @throws TypeError where an option is not what it should be. */
  constructor(options: ParallelExecutorOptions = {}) {
    this.#tools = createToolTable(options.tools ?? {})
    this.#limits = readLimits(options)
    this.#settings = {
      maxConcurrency: checkCount('maxConcurrency', options.maxConcurrency ?? Number.POSITIVE_INFINITY),
      failureMode: checkChoice('failureMode', options.failureMode ?? 'continue', [
        'continue',
        'finish-running',
        'fail-fast',
      ]),
      grace: checkDuration('grace', options.grace ?? 5_000),
      validateArguments: checkFunction('validateArguments', options.validateArguments),
    }
    this.publicError = checkFunction('publicError', options.publicError ?? publicErrorText)
  }

  /**
   * Runs a DAG to its end. A task that fails is part of the result, not an error.
   *
   * @throws DagValidationError before anything has started, with everything that is wrong with the DAG.
   * @throws TypeError where an option is not what it should be.
   */
  async execute(dag: DAGStructure | BuiltDag, options: ExecuteOptions = {}): Promise<ExecutionResult> {
    return this.begin(this.prepare(dag, options)).run()
  }

  /**
   * Begins a DAG, and returns what it takes to cancel it, or one of its tasks, and to ask what happened to a task.
   *
   * @throws As `execute`, but at once.
   * @example
   * const execution = executor.start(dag)
   * process.once('SIGINT', () => execution.cancel())
   * const { status } = await execution.result
   */
  start(dag: DAGStructure | BuiltDag, options: ExecuteOptions = {}): RunningExecution {
    const prepared = this.prepare(dag, options)
    const execution = this.begin(prepared, { withHistory: true })
    return new RunningExecution(execution, prepared, execution.run())
  }

  /**
   * Checks everything that can be checked before anything starts.
   *
   * @throws DagValidationError with everything that is wrong with the DAG.
   * @throws TypeError where an option is not what it should be.
   */
  protected prepare(dag: DAGStructure | BuiltDag, options: ExecuteOptions): PreparedExecution {
    const { executionId = crypto.randomUUID(), signal, onTaskComplete } = options
    if (typeof executionId !== 'string' || !isName(executionId)) {
      throw new TypeError(`Expected \`executionId\` to be a non-empty string of at most ${maxNameBytes} bytes`)
    }
    checkFunction('onTaskComplete', onTaskComplete)
    const { dag: structure, tools } = isBuilt(dag) ? fromBuilder(dag) : { dag, tools: this.#tools }
    const { validateArguments } = this.#settings
    const { issues, facts } = inspectDag(structure, { tools, ...this.#limits, validateArguments })
    if (issues.length > 0) throw new DagValidationError(issues)
    return { plan: createPlan(structure, facts, tools), executionId, signal, onTaskComplete }
  }

  /** An execution that is still to `run`. */
  protected begin(prepared: PreparedExecution, watch?: ExecutionWatch): Execution {
    return new Execution(this.#settings, prepared, watch)
  }
}

function isBuilt(dag: DAGStructure | BuiltDag): dag is BuiltDag {
  return typeof dag === 'object' && dag !== null && 'build' in dag && typeof dag.build === 'function'
}

function fromBuilder(builder: BuiltDag): { dag: DAGStructure; tools: ToolTable } {
  const { dag, tools } = builder.build()
  return { dag, tools: createToolTable(tools) }
}
