import { type ExecutionResult, limitPayload, publicErrorText, type TaskResult } from '@x/dag-executor'
import type { TruncatedValue } from '@x/sse-protocol'
import type { OutputStore } from './output-store.js'

/** Bytes of the outputs in one answer. What goes beyond is there in its truncated form. */
const maxAnswerBytes = 8 * 2 ** 20
const previewBytes = 512

/** Where `OutputStore` keeps the output of a task. */
export function outputKey(executionId: string, taskId: string): string {
  return `${executionId}/${taskId}`
}

/** Where the output of a task is served (PROTOCOL.md §10). */
export function outputPath(executionId: string, taskId: string): string {
  return `/api/v1/executions/${encodeURIComponent(executionId)}/tasks/${encodeURIComponent(taskId)}/output`
}

/** A result as a client may see it: errors in public words, and not more outputs than fit one answer. */
export function publicResult(result: ExecutionResult, store: OutputStore): ExecutionResult {
  const { executionId, status, executionTimeMs, parallelizationLayers, speedup, criticalPath, criticalPathMs } = result
  let room = maxAnswerBytes
  const results = result.results.map((task): TaskResult => {
    if (task.status === 'error') return { ...task, error: publicErrorText(task.cause) }
    if (task.output === undefined) return task
    const text = store.get(outputKey(executionId, task.taskId))
    if (!text) return { ...task, output: limitPayload(task.output, { maxBytes: 2 * previewBytes }) }
    if (text.length > room) return { ...task, output: truncated(text, outputPath(executionId, task.taskId)) }
    room -= text.length
    return task
  })
  const errors = results.flatMap(({ taskId, tool, status, error = '', code = '' }) =>
    status === 'error' ? [{ taskId, tool, status, error, code }] : [],
  )
  const times = { executionTimeMs, parallelizationLayers, speedup, criticalPath, criticalPathMs }
  return { executionId, status, results, errors, ...times }
}

function truncated(text: Buffer, ref: string): TruncatedValue {
  // As a stream, so that a character which the cut hits is left out.
  const preview = new TextDecoder().decode(text.subarray(0, previewBytes), { stream: true })
  return { truncated: true, bytes: text.length, preview, ref }
}
