import { isBuilt } from './dag-builder.js'
import { type DagIssue, IssueList, quote } from './dag-issue.js'
import { findCycles } from './find-cycles.js'
import { formatPointer } from './json-pointer.js'
import { isName } from './name-limit.js'
import { NearestName } from './nearest-name.js'
import { checkCount } from './option-checks.js'
import type { TaskDraft } from './plan.js'
import { orderTasks } from './task-order.js'
import type { ToolRegistry, ValidateArguments } from './tool.js'
import { createToolTable, type ToolTable } from './tool-table.js'
import { isRecord, TaskInspector } from './validate-task.js'

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
 * may be any JSON from outside, or a DAG of functions, which has its own tools and leaves `tools` aside. However it is made, the answer is short: of more than a hundred issues the rest is left out, which the last one then says,
 * and names and pointers in them are cut to a length.
 *
 * @throws TypeError where an option is not what it should be. Whatever `validateArguments` throws goes through.
 * @example validateDag({ tasks: [{ id: 'a', tool: 't', dependsOn: ['a'] }] }) // [{ code: 'cycle', path: ['a', 'a'], … }]
 */
export function validateDag(value: unknown, options: ValidateDagOptions = {}): DagIssue[] {
  return inspectGiven(value, options).issues
}

/** @throws TypeError where an option is not what it should be. */
export function inspectGiven(value: unknown, options: ValidateDagOptions): DagInspection & { readonly dag: unknown } {
  const { dag, tools } = isBuilt(value) ? value.build() : { dag: value, tools: options.tools }
  return { dag, ...inspectDag(dag, readRules({ ...options, tools })) }
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

/** What is wrong with a DAG, and, only where nothing is, its tasks, the indexes of their ids, and the order they can run in. */
export interface DagInspection {
  readonly issues: DagIssue[]
  readonly facts: readonly TaskDraft[]
  readonly indexes: ReadonlyMap<string, number>
  readonly order: readonly number[]
}

export function inspectDag(value: unknown, rules: DagRules): DagInspection {
  const list = new IssueList()
  const tasks = readTasks(value, rules, list)
  return { issues: list.issues, ...inspectTasks(tasks, rules, list) }
}

/** The list of tasks; an empty one where there is none, or it is too long. */
function readTasks(value: unknown, rules: DagRules, list: IssueList): readonly unknown[] {
  if (!isRecord(value)) {
    const message = `Expected a DAG to be an object with \`tasks\`, got ${quote(value)}`
    list.add({ code: 'invalid_type', pointer: '', message })
    return []
  }
  const { tasks } = value
  if (!Array.isArray(tasks)) {
    // That of `build()`, for example.
    const isWrapped = isRecord(value.dag) && Array.isArray(value.dag.tasks)
    const hint = isWrapped ? '; there is one in `dag`' : ''
    const message = `Expected \`tasks\` to be an array, got ${quote(tasks)}${hint}`
    list.add({ code: 'invalid_type', pointer: '/tasks', message })
    return []
  }
  const count = tasks.length
  if (count <= rules.maxTasks) return tasks
  // Nothing else is looked at: the limit is there to bound the work.
  const message = `Expected at most ${rules.maxTasks} tasks, got ${count}`
  list.add({ code: 'too_many_tasks', pointer: '/tasks', message, count, maxTasks: rules.maxTasks })
  return []
}

function inspectTasks(tasks: readonly unknown[], rules: DagRules, list: IssueList): Omit<DagInspection, 'issues'> {
  const { ids, indexes } = readIds(tasks, list)
  const facts: TaskDraft[] = []
  const nearest = { task: new NearestName(indexes.keys()), tool: new NearestName(rules.tools?.keys() ?? []) }
  const inspector = new TaskInspector(ids.length, indexes, rules, list, nearest)
  for (let index = 0; index < ids.length; index += 1) {
    if (list.isFull) return { facts, indexes, order: [] }
    facts.push(inspector.inspect(tasks[index], index, ids[index]))
  }
  const order = orderTasks(facts)
  // An order of all tasks is the proof that there is no cycle.
  if (order.length < facts.length) addCycles(facts, ids as string[], list)
  return { facts, indexes, order }
}

function addCycles(facts: readonly TaskDraft[], ids: readonly string[], list: IssueList): void {
  for (const cycle of findCycles(facts.map(({ dependencies }) => dependencies))) {
    if (list.isFull) break
    // A second task of an id is nobody's dependency, so every task in a cycle is the one its id stands for.
    const path = cycle.map((index) => ids[index]!)
    const shown = path.length <= 12 ? path : [...path.slice(0, 6), '…', ...path.slice(-5)]
    const message = `Expected no task to depend on itself, got the cycle ${shown.map(quote).join(' → ')}`
    list.add({ code: 'cycle', pointer: formatPointer(['tasks', cycle[0]!, 'dependsOn']), message, path })
  }
}

/** The ids as they stand there, and the indexes of those that can be one. */
function readIds(tasks: readonly unknown[], list: IssueList): { ids: unknown[]; indexes: Map<string, number> } {
  const ids: unknown[] = []
  const indexes = new Map<string, number>()
  for (let index = 0; index < tasks.length; index += 1) {
    if (list.isFull) break
    const task = tasks[index]
    const taskId = isRecord(task) ? task.id : undefined
    ids.push(taskId)
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
  return { ids, indexes }
}
