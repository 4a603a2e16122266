/** How a failed attempt is followed by another. */
export interface RetryPolicy {
  /** How many attempts there are in all, the first one included: from 1 to 100. */
  readonly attempts: number
  /**
   * Milliseconds between the first attempt and the second.
   * @default 1_000
   */
  readonly delayMs?: number | undefined
  /**
   * What the delay is multiplied by after each further attempt; at least 1.
   * @default 2
   */
  readonly factor?: number | undefined
  /**
   * Milliseconds that no delay exceeds.
   * @default 30_000
   */
  readonly maxDelayMs?: number | undefined
  /**
   * Which part of each delay is random, from 0 (none) to 1 (all of it), so that tasks that failed together do not all
   * come back together.
   * @default 0.5
   */
  readonly jitter?: number | undefined
  /**
   * Which failures another attempt may follow: those with one of these codes (a ToolError's own, `timeout` or `task_failed`), or
   * those of which a function says `true`. A function is given what was thrown and the number of the attempt; it is for DAGs
   * made in this process, and one that throws says no. Arguments that do not fit are not tried again in any case.
   * @default every failure
   * @example ['timeout', 'rate_limited']
   */
  readonly retryOn?: readonly string[] | ((error: unknown, attempt: number) => boolean) | undefined
}

/**
 * What the failure of a task means for the tasks that depend on it. `skip-dependents`: they are skipped. `ignore`: they run, as if the
 * task had an output of `undefined`, which references with any pointer then stand for. `fallback`: they get this value, data without
 * references and no larger than arguments may be, in place of the output.
 */
export type OnError<Fallback = unknown> = 'skip-dependents' | 'ignore' | { readonly fallback: Fallback }

/** How a task is run, apart from what it computes. */
export interface TaskPolicy {
  /**
   * Attempts after a failure.
   * @default { attempts: 1 }
   */
  readonly retry?: RetryPolicy | undefined
  /**
   * Milliseconds that one attempt may take; `0` and `Infinity` set no limit.
   * @default Infinity
   */
  readonly timeout?: number | undefined
  /**
   * Milliseconds that all attempts may take together with the waits between them, from the start of the first; `0` and `Infinity`
   * set no limit. A wait that would reach beyond it is not begun.
   * @default Infinity
   */
  readonly totalTimeout?: number | undefined
  /**
   * Milliseconds that may pass in an attempt without `progress` or `emit`; `0` and `Infinity` set no limit.
   * @default Infinity
   */
  readonly idleTimeout?: number | undefined
  /**
   * What a failure means for the tasks that depend on this one, once no other attempt follows: also a timeout, and a cancel of this
   * task alone, but not the end of the whole execution.
   * @default 'skip-dependents'
   */
  readonly onError?: OnError | undefined
  /**
   * Of the tasks that could start, those with a higher number start first.
   * @default 0
   */
  readonly priority?: number | undefined
}

/** The place in the arguments of a task where an earlier task's output goes. */
export interface OutputReference {
  /** The id of a task in `dependsOn`. */
  readonly $ref: string
  /**
   * JSON Pointer (RFC 6901) into the output, own properties only.
   * @default '' (the whole output, passed on as it is, without a copy)
   */
  readonly pointer?: string | undefined
}

/** A call of a tool, and the tasks that must have succeeded, or have a failure that is handled, before. */
export interface DAGTask extends TaskPolicy {
  /** Unique in the DAG; not empty; at most 256 bytes as JSON. Names such as `__proto__` are ordinary. */
  readonly id: string
  /** Name of a registered tool. */
  readonly tool: string
  /**
   * What the tool is called with. Any place in it, however deep, may hold an {@link OutputReference}.
   * @default {}
   */
  readonly arguments?: Readonly<Record<string, unknown>> | undefined
  /**
   * Ids of other tasks. One that is named twice counts once; with repetitions, at most as many as a DAG may have tasks.
   * @default []
   */
  readonly dependsOn?: readonly string[] | undefined
}

/** A directed acyclic graph of tasks, as plain data. */
export interface DAGStructure {
  readonly tasks: readonly DAGTask[]
}
