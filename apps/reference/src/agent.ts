import type { DAGStructure, ExecutionResult, TaskResult, ToolRegistry } from '@x/dag-executor'

/** What an agent may do to its stream while it runs. Every method resolves when the log holds what was said. */
export interface AgentContext {
  /** Aborted by a cancel, the stream timeout or the end of the process. */
  readonly signal: AbortSignal
  /** Publishes `agent:status`. `progress` goes from 0 to 1. */
  status(
    phase: string,
    status: 'started' | 'running' | 'completed' | 'failed',
    details?: { readonly message?: string; readonly progress?: number },
  ): Promise<void>
  /** Appends to the agent's text: one or more `agent:chunk`. */
  write(text: string): Promise<void>
  /** Publishes a non-fatal `agent:error`. The message is public: no path outside the input, no stack. */
  warn(error: { readonly code: string; readonly message: string; readonly retryable?: boolean }): Promise<void>
  /** Runs a task graph whose `task_*` events appear in the agent's own stream. Whole outputs come by `onTaskComplete`, as they exist. */
  execute(
    dag: DAGStructure,
    tools: ToolRegistry,
    onTaskComplete?: (result: TaskResult) => void,
  ): Promise<ExecutionResult>
}

/** Something that works on an input and tells of it as it goes. */
export interface Agent<Input = unknown, Result = unknown> {
  readonly name: string
  readonly description: string
  /** Checks the request's `input`. @throws InputError listing every fault. */
  parse(input: unknown): Promise<Input>
  run(input: Input, context: AgentContext): Promise<Result>
}

/** A fault of an agent's input; `pointer` is a JSON Pointer into the input. */
export interface InputFault {
  readonly code: string
  readonly detail: string
  readonly pointer: string
}

/** The input of an agent asks for what cannot be done. The texts are public. */
export class InputError extends Error {
  override readonly name = 'InputError'
  readonly faults: readonly InputFault[]

  constructor(faults: readonly InputFault[]) {
    super(faults.map(({ detail }) => detail).join(' '))
    this.faults = faults
  }
}
