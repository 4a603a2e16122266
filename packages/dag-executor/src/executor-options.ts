import { quote } from './dag-issue.js'
import { type PublicError, publicErrorText } from './error-text.js'
import { minPayloadBytes } from './event-renderer.js'
import type { TaskResult } from './execution-result.js'
import type { ExecutionSettings } from './execution-settings.js'
import type { Journal, JournalEntry } from './journal.js'
import { checkChoice, checkCount, checkDuration, checkFunction } from './option-checks.js'
import type { ToolRegistry, ValidateArguments } from './tool.js'

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
  /**
   * Where executions write what they must not forget; each may have one of its own.
   * @default none
   */
  readonly journal?: Journal | undefined
  /**
   * Bytes that the data of one event, for a journal or a stream, may be long, as JSON in UTF-8; at least 1,024 (PROTOCOL.md §2.4).
   * @default 65_536
   */
  readonly maxPayloadBytes?: number | undefined
  /**
   * Path where the whole output of a task is served; it stands in the truncated form, unless it is too long for
   * `maxPayloadBytes` even without a preview.
   * @default none
   */
  readonly outputRef?: ((executionId: string, taskId: string) => string) | undefined
  /**
   * Path where the whole plan is served; it stands in the truncated form of `tasks`.
   * @default none
   */
  readonly planRef?: ((executionId: string) => string) | undefined
  /**
   * How many `task_progress` and `task_output` may wait for the journal or the consumer. Beyond that, older progress of the same task is merged
   * into the newer, then the oldest are dropped.
   * @default 1_000
   */
  readonly maxBufferedEvents?: number | undefined
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
   * throws, or rejects before the execution has ended, that is stopped and rejects with the same.
   */
  readonly onTaskComplete?: ((result: TaskResult) => void) | undefined
  /**
   * Where this execution writes its events; the dependents of a task start only when its end was appended.
   * @default the `journal` of the executor
   */
  readonly journal?: Journal | undefined
  /**
   * What a journal holds of an execution that was broken off: only what has not come to its end in there is run. An attempt that was broken
   * off does not count as a failure. Where the execution has ended, its result is given again and nothing is run.
   * @default none: the execution begins
   */
  readonly resumeFrom?: Iterable<JournalEntry> | undefined
  /**
   * What to do where the log tells of another plan. `refuse`: a ResumeError `plan_changed`. `reuse-unchanged`: tasks that ask for the same as
   * before, as do all that they depend on, stay as they are in the log; the others are new.
   * @default 'refuse'
   */
  readonly changedPlan?: 'refuse' | 'reuse-unchanged' | undefined
}

/** @throws TypeError where an option is not what it should be. */
export function readSettings(options: ParallelExecutorOptions): ExecutionSettings {
  return {
    maxConcurrency: checkCount('maxConcurrency', options.maxConcurrency ?? Number.POSITIVE_INFINITY),
    failureMode: checkChoice('failureMode', options.failureMode ?? 'continue', [
      'continue',
      'finish-running',
      'fail-fast',
    ]),
    grace: checkDuration('grace', options.grace ?? 5_000),
    validateArguments: checkFunction('validateArguments', options.validateArguments),
    events: {
      maxPayloadBytes: checkCount('maxPayloadBytes', options.maxPayloadBytes ?? 65_536, minPayloadBytes),
      publicError: checkFunction('publicError', options.publicError ?? publicErrorText),
      outputRef: checkFunction('outputRef', options.outputRef),
      planRef: checkFunction('planRef', options.planRef),
    },
    maxBufferedEvents: checkCount('maxBufferedEvents', options.maxBufferedEvents ?? 1_000),
  }
}

/** @throws TypeError where it is none. */
export function checkJournal(journal: Journal | undefined): Journal | undefined {
  if (journal === undefined || typeof journal?.append === 'function') return journal
  throw new TypeError(`Expected \`journal\` to have \`append\`, got ${quote(journal)}`)
}
