/** A JSON Schema, as plain data. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** What a tool is told about the call it runs in. The functions need no `this`. */
export interface ToolContext {
  /**
   * Aborted, with the reason, when this attempt is cancelled or out of its time. Made when it is read, so that a copy such as `{...context}` does
   * not have it.
   */
  readonly signal: AbortSignal
  readonly executionId: string
  readonly taskId: string
  /** Counts the attempts at this task from 1. */
  readonly attempt: number
  /**
   * The same for every attempt, also after a resume, and no other task's, so that an effect can be made to happen once. It is made of the ids: with plain
   * ones, `<executionId>/<taskId>`.
   */
  readonly idempotencyKey: string
  /**
   * Tells how far the task is, as `task_progress`. Ignored once the attempt has ended.
   *
   * @param progress From 0 to 1; values beyond are moved to the nearer end, and what is no number is left out.
   * @param message Public text.
   */
  progress(progress?: number, message?: string): void
  /**
   * Shows a part of the output, as `task_output`. Ignored once the attempt has ended. The value is kept as it is until a
   * consumer takes it: do not change it afterwards.
   */
  emit(output: unknown): void
}

/**
 * The work of a task. What it returns is the task's output; what it throws is the task's failure, and private unless it is a
 * ToolError.
 */
export type ToolFunction<Args = Readonly<Record<string, unknown>>, Output = unknown> = (
  args: Args,
  context: ToolContext,
) => Output | PromiseLike<Output>

export interface Tool<Args = Readonly<Record<string, unknown>>, Output = unknown> {
  readonly run: ToolFunction<Args, Output>
  /** For people and for planners. */
  readonly description?: string | undefined
  /** What the arguments must look like; checked by the executor's `validateArguments`. */
  readonly inputSchema?: JsonSchema | undefined
  /**
   * How many tasks of one execution may run this tool at the same time.
   * @default Infinity
   */
  readonly maxConcurrency?: number | undefined
}

/**
 * The tools of an executor by name: own properties only. `never` makes a registry take tools whatever their arguments are;
 * write down the type of the arguments where a tool is defined.
 */
export type ToolRegistry = Readonly<Record<string, Tool<never> | ToolFunction<never>>>

/** A fault in a tool's arguments. */
export interface ArgumentFault {
  /** JSON Pointer into the arguments. */
  readonly pointer: string
  /** Public text. */
  readonly message: string
}

/** Checks a tool's arguments against its `inputSchema`, and returns every fault: an empty list where there is none. */
export type ValidateArguments = (
  schema: JsonSchema,
  args: Readonly<Record<string, unknown>>,
) => readonly ArgumentFault[]
