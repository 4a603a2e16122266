export type { DAGStructure, DAGTask, OnError, OutputReference, RetryPolicy, TaskPolicy } from './dag.js'
export type { BuiltDag, TaskContext, TaskDefinition } from './dag-builder.js'
export { DagBuilder, dag } from './dag-builder.js'
export type { DagIssue } from './dag-issue.js'
export { DagValidationError } from './dag-issue.js'
export type { FailedTask, PublicError } from './error-text.js'
export { publicErrorText } from './error-text.js'
export type { EventDelivery } from './event-writer.js'
export type { CompletionRecord, ExecutionRecord, TaskEnd, TaskRecord } from './execution-record.js'
export type { ExecutionResult, ExecutionStatus, TaskError, TaskResult, TaskWaits } from './execution-result.js'
export type { ExecutionStream } from './execution-stream.js'
export type { ExecuteOptions, ParallelExecutorOptions } from './executor-options.js'
export type { Journal, JournalEntry } from './journal.js'
export { ParallelExecutor } from './parallel-executor.js'
export type { ParsedDag } from './parse-dag.js'
export { parseDag } from './parse-dag.js'
export type { PayloadLimit } from './payload-limit.js'
export { limitPayload } from './payload-limit.js'
export { readExecution } from './read-execution.js'
export type { ResumeErrorCode, ResumeErrorDetails } from './resume-error.js'
export { ResumeError } from './resume-error.js'
export type { RunningExecution } from './running-execution.js'
export type {
  ExecuteWithStreamingOptions,
  StreamingExecutionResult,
  StreamingExecutorOptions,
} from './streaming-executor.js'
export { StreamingExecutor } from './streaming-executor.js'
export type { AttemptExplanation, TaskExplanation, TaskWait } from './task-explanation.js'
export type { TaskPhase } from './task-state.js'
export type {
  ArgumentFault,
  JsonSchema,
  Tool,
  ToolContext,
  ToolFunction,
  ToolRegistry,
  ValidateArguments,
} from './tool.js'
export type { TaskFailureCode } from './tool-error.js'
export { ToolError } from './tool-error.js'
export type { ValidateDagOptions } from './validate-dag.js'
export { validateDag } from './validate-dag.js'
