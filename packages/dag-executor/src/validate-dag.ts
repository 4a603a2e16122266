import { type DagIssue, IssueList, quote } from './dag-issue.js'
import { findCycles } from './find-cycles.js'
import { formatPointer } from './json-pointer.js'
import { checkCount } from './option-checks.js'
import type { ToolRegistry, ValidateArguments } from './tool.js'
import { createToolTable, type ToolTable } from './tool-table.js'
import { isRecord, TaskInspection } from './validate-task.js'

export interface ValidateDagOptions {
  /** The tools there are. Left out, the names of tools and their arguments are not checked. */
  readonly tools?: ToolRegistry | undefined
  /**
   * How many tasks a DAG may have; `Infinity` is unlimited.
   * @default 1_000
   */
  readonly maxTasks?: number | undefined
  /** Checks the arguments that hold no reference; the others can only be checked when the task starts. */
  readonly validateArguments?: ValidateArguments | undefined
}

/** What a DAG is held against; `tools` as a table. */
export interface DagRules {
  readonly tools: ToolTable | undefined
  readonly maxTasks: number
  readonly validateArguments: ValidateArguments | undefined
}

export const defaultMaxTasks = 1_000

/**
 * Everything that is wrong with a DAG, as far as it can be known before it runs; an empty list where it can be run. The value
 * may be any JSON from outside. Of more than a thousand issues the rest is left out, which the last one then says.
 *
 * @throws TypeError where an option is not what it should be. Whatever `validateArguments` throws goes through.
 * @example validateDag({ tasks: [{ id: 'a', tool: 't', dependsOn: ['a'] }] }) // [{ code: 'cycle', path: ['a', 'a'], … }]
 */
export function validateDag(value: unknown, options: ValidateDagOptions = {}): DagIssue[] {
  return inspectDag(value, {
    tools: options.tools && createToolTable(options.tools),
    maxTasks: checkCount('maxTasks', options.maxTasks ?? defaultMaxTasks),
    validateArguments: options.validateArguments,
  })
}

export function inspectDag(value: unknown, rules: DagRules): DagIssue[] {
  const list = new IssueList()
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
    inspectTasks(value.tasks, rules, list)
  }
  return list.issues
}

function inspectTasks(tasks: readonly unknown[], rules: DagRules, list: IssueList): void {
  const indexes = indexIds(tasks, list)
  const dependencies = Array.from(tasks, (task, index) => new TaskInspection(task, index, indexes, rules, list).run())
  const ids = new Map([...indexes].map(([id, index]) => [index, id]))
  for (const cycle of findCycles(dependencies)) {
    // A second task of an id is nobody's dependency, so every task in a cycle is the one its id stands for.
    const path = cycle.map((index) => ids.get(index)!)
    const shown = path.length <= 12 ? path : [...path.slice(0, 6), '…', ...path.slice(-5)]
    const message = `Expected no task to depend on itself, got the cycle ${shown.map(quote).join(' → ')}`
    list.add({ code: 'cycle', pointer: formatPointer('tasks', cycle[0]!, 'dependsOn'), message, path })
  }
}

function indexIds(tasks: readonly unknown[], list: IssueList): Map<string, number> {
  const indexes = new Map<string, number>()
  for (const [index, task] of tasks.entries()) {
    const taskId = isRecord(task) ? task.id : undefined
    if (typeof taskId !== 'string') continue
    const first = indexes.get(taskId)
    if (first === undefined) {
      indexes.set(taskId, index)
      continue
    }
    const message = `Expected every id once, got ${quote(taskId)} at ${first} and at ${index}`
    const pointer = formatPointer('tasks', index, 'id')
    list.add({ code: 'duplicate_id', pointer, message, taskId, positions: [first, index] })
  }
  return indexes
}
