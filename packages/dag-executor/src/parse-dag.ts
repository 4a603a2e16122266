import type { DAGStructure, DAGTask, RetryPolicy } from './dag.js'
import type { DagIssue } from './dag-issue.js'
import type { TaskDraft } from './plan.js'
import { copyOnError, maxDurationMs } from './policy.js'
import { noArguments } from './references.js'
import { inspectGiven, type ValidateDagOptions } from './validate-dag.js'

/** Either the DAG, or what is wrong with it. */
export type ParsedDag =
  | { readonly dag: DAGStructure; readonly issues?: undefined }
  | { readonly dag?: undefined; readonly issues: DagIssue[] }

/**
 * Reads a DAG from any JSON from outside, or the data of one whose tasks are functions. What comes back is a copy that holds the members of {@link DAGTask} and nothing else,
 * each dependency once, so that it is as small as what it says; its limits of time are finite, so that it stays the same as JSON.
 *
 * @throws TypeError where an option is not what it should be. Whatever `validateArguments` throws goes through.
 * @example
 * const { dag, issues } = parseDag(await request.json(), { tools })
 * if (issues) return Response.json({ issues }, { status: 422 })
 */
export function parseDag(value: unknown, options: ValidateDagOptions = {}): ParsedDag {
  const { dag, issues, facts } = inspectGiven(value, options)
  if (issues.length > 0) return { issues }
  const { tasks } = dag as DAGStructure
  return { dag: { tasks: facts.map((those, index) => copyTask(tasks[index]!, those)) } }
}

function copyTask(task: DAGTask, { id, arguments: args }: TaskDraft): DAGTask {
  const { tool, dependsOn, retry, timeout, totalTimeout, idleTimeout, onError, priority } = task
  return definedMembers({
    id,
    tool,
    arguments: args === noArguments ? undefined : (args as DAGTask['arguments']),
    dependsOn: dependsOn && [...new Set(dependsOn)],
    retry: retry && copyRetry(retry),
    timeout: finite(timeout),
    totalTimeout: finite(totalTimeout),
    idleTimeout: finite(idleTimeout),
    onError: onError && copyOnError(onError),
    priority,
  })
}

function copyRetry({ attempts, delayMs, factor, maxDelayMs, jitter, retryOn }: RetryPolicy): RetryPolicy {
  const codes = typeof retryOn === 'object' ? [...new Set(retryOn)] : retryOn
  return definedMembers({ attempts, delayMs, factor, maxDelayMs: finite(maxDelayMs), jitter, retryOn: codes })
}

function finite(durationMs: number | undefined): number | undefined {
  return durationMs && Math.min(durationMs, maxDurationMs)
}

function definedMembers<Members extends object>(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined)) as Members
}
