import { type DagIssue, IssueList, quote } from './dag-issue.js'
import { findCycles } from './find-cycles.js'
import { formatPointer } from './json-pointer.js'
import { isName } from './name-limit.js'
import { NearestName } from './nearest-name.js'
import { checkCount } from './option-checks.js'
import type { ToolRegistry, ValidateArguments } from './tool.js'
import { createToolTable, type ToolTable } from './tool-table.js'
import { isRecord, type TaskFacts, TaskInspection } from './validate-task.js'

export interface ValidateDagOptions {
  /** The tools there are. Left out, the names of tools and their arguments are not checked. */
  readonly tools?: ToolRegistry | undefined
  /**
   * How many tasks a DAG may have; `Infinity` is unlimited.
   * @default 1_000
   */
  readonly maxTasks?: number | undefined
  /**
   * Bytes that the arguments of one task may be long, as JSON in UTF-8 with the references in it; `Infinity` is unlimited. What has no JSON
   * text, and objects that are not plain, count as `null`.
   * @default 1_048_576
   */
  readonly maxArgumentBytes?: number | undefined
  /** Checks the arguments that hold no reference; the others can only be checked when the task starts. */
  readonly validateArguments?: ValidateArguments | undefined
}

/** What a DAG is held against; `tools` as a table. */
export interface DagRules {
  readonly tools: ToolTable | undefined
  readonly maxTasks: number
  readonly maxArgumentBytes: number
  readonly validateArguments: ValidateArguments | undefined
}

/** What an executor is held to as well. */
export type DagLimits = Pick<DagRules, 'maxTasks' | 'maxArgumentBytes'>

/**
 * Everything that is wrong with a DAG, as far as it can be known before it runs; an empty list where it can be run. The value
 * may be any JSON from outside. However it is made, the answer is short: of more than a hundred issues the rest is left out, which the last one then says,
 * and names and pointers in them are cut to a length.
 *
 * @throws TypeError where an option is not what it should be. Whatever `validateArguments` throws goes through.
 * @example validateDag({ tasks: [{ id: 'a', tool: 't', dependsOn: ['a'] }] }) // [{ code: 'cycle', path: ['a', 'a'], … }]
 */
export function validateDag(value: unknown, options: ValidateDagOptions = {}): DagIssue[] {
  return inspectDag(value, readRules(options)).issues
}

/** @throws TypeError where an option is not what it should be. */
export function readRules({ tools, validateArguments, ...limits }: ValidateDagOptions): DagRules {
  return { tools: tools && createToolTable(tools), ...readLimits(limits), validateArguments }
}

/** @throws TypeError where an option is not what it should be. */
export function readLimits({ maxTasks, maxArgumentBytes }: Omit<ValidateDagOptions, 'tools'>): DagLimits {
  return {
    maxTasks: checkCount('maxTasks', maxTasks ?? 1_000),
    maxArgumentBytes: checkCount('maxArgumentBytes', maxArgumentBytes ?? 1_048_576),
  }
}

/** What is wrong with a DAG, and, only where nothing is, the facts about each of its tasks. */
export interface DagInspection {
  readonly issues: DagIssue[]
  readonly facts: readonly TaskFacts[]
}

export function inspectDag(value: unknown, rules: DagRules): DagInspection {
  const list = new IssueList()
  let facts: TaskFacts[] = []
  if (!isRecord(value)) {
    const message = `Expected a DAG to be an object with \`tasks\`, got ${quote(value)}`
    list.add({ code: 'invalid_type', pointer: '', message })
  } else if (!Array.isArray(value.tasks)) {
    const message = `Expected \`tasks\` to be an array, got ${quote(value.tasks)}`
    list.add({ code: 'invalid_type', pointer: '/tasks', message })
  } else if (value.tasks.length > rules.maxTasks) {
    // Nothing else is looked at: the limit is there to bound the work.
    const count = value.tasks.length
    const message = `Expected at most ${rules.maxTasks} tasks, got ${count}`
    list.add({ code: 'too_many_tasks', pointer: '/tasks', message, count, maxTasks: rules.maxTasks })
  } else {
    facts = inspectTasks(value.tasks, rules, list)
  }
  return { issues: list.issues, facts }
}

function inspectTasks(tasks: readonly unknown[], rules: DagRules, list: IssueList): TaskFacts[] {
  const indexes = indexIds(tasks, list)
  const facts: TaskFacts[] = []
  const nearest = { task: new NearestName(indexes.keys()), tool: new NearestName(rules.tools?.keys() ?? []) }
  for (const [index, task] of tasks.entries()) {
    if (list.isFull) return facts
    facts.push(new TaskInspection(task, index, indexes, rules, list, nearest).run())
  }
  const ids = new Map([...indexes].map(([id, index]) => [index, id]))
  for (const cycle of findCycles(facts.map(({ dependencies }) => dependencies))) {
    if (list.isFull) break
    // A second task of an id is nobody's dependency, so every task in a cycle is the one its id stands for.
    const path = cycle.map((index) => ids.get(index)!)
    const shown = path.length <= 12 ? path : [...path.slice(0, 6), '…', ...path.slice(-5)]
    const message = `Expected no task to depend on itself, got the cycle ${shown.map(quote).join(' → ')}`
    list.add({ code: 'cycle', pointer: formatPointer(['tasks', cycle[0]!, 'dependsOn']), message, path })
  }
  return facts
}

function indexIds(tasks: readonly unknown[], list: IssueList): Map<string, number> {
  const indexes = new Map<string, number>()
  for (const [index, task] of tasks.entries()) {
    const taskId = isRecord(task) ? task.id : undefined
    if (list.isFull) break
    // What cannot be an id is reported with its task, and stands for none.
    if (typeof taskId !== 'string' || !isName(taskId)) continue
    const first = indexes.get(taskId)
    if (first === undefined) {
      indexes.set(taskId, index)
      continue
    }
    const message = `Expected every id once, got ${quote(taskId)} at ${first} and at ${index}`
    const pointer = formatPointer(['tasks', index, 'id'])
    list.add({ code: 'duplicate_id', pointer, message, taskId, positions: [first, index] })
  }
  return indexes
}
