import { type IssueList, quote } from './dag-issue.js'
import { formatPointer } from './json-pointer.js'
import { isName, maxNameBytes } from './name-limit.js'
import { checkPolicy } from './policy.js'
import { type ArgumentFinding, inspectArguments, maxArgumentDepth } from './references.js'
import type { DagRules } from './validate-dag.js'

/** Looks at one task of a DAG and adds what is wrong with it to the list. */
export class TaskInspection {
  readonly #value: unknown
  readonly #index: number
  readonly #indexes: ReadonlyMap<string, number>
  readonly #rules: DagRules
  readonly #list: IssueList
  #taskId = ''

  constructor(value: unknown, index: number, indexes: ReadonlyMap<string, number>, rules: DagRules, list: IssueList) {
    this.#value = value
    this.#index = index
    this.#indexes = indexes
    this.#rules = rules
    this.#list = list
  }

  /** The indexes of the tasks that it depends on, each once. */
  run(): number[] {
    const task = this.#value
    if (this.#list.isFull) return []
    if (!isRecord(task)) {
      this.#type([], `Expected a task to be an object, got ${quote(task)}`)
      return []
    }
    if (typeof task.id === 'string') this.#taskId = task.id
    this.#name('id', task.id)
    this.#name('tool', task.tool)
    for (const { member, message } of checkPolicy(task)) {
      this.#list.add({ code: 'invalid_value', pointer: this.#pointer(member), message })
    }
    const named = this.#dependencies(task.dependsOn)
    const isLiteral = this.#arguments(task.arguments, named)
    if (typeof task.tool === 'string') this.#tool(task.tool, isLiteral ? (task.arguments ?? {}) : undefined)
    return [...named.values()].filter((index) => index !== undefined)
  }

  #name(member: 'id' | 'tool', name: unknown): void {
    if (typeof name === 'string' && isName(name)) return
    const message = `Expected \`${member}\` to be a non-empty string of at most ${maxNameBytes} bytes, got ${quote(name)}`
    const code = typeof name === 'string' ? 'invalid_value' : 'invalid_type'
    this.#list.add({ code, pointer: this.#pointer([member]), message })
  }

  /** What is named, with the task's index where there is such a task. */
  #dependencies(dependsOn: unknown): Map<string, number | undefined> {
    const named = new Map<string, number | undefined>()
    if (dependsOn === undefined) return named
    if (!Array.isArray(dependsOn)) {
      this.#type(['dependsOn'], `Expected \`dependsOn\` to be an array of ids, got ${quote(dependsOn)}`)
      return named
    }
    for (const [place, dependency] of dependsOn.entries()) {
      if (typeof dependency !== 'string') {
        this.#type(['dependsOn', place], `Expected the id of a task, got ${quote(dependency)}`)
        continue
      }
      const index = this.#indexes.get(dependency)
      named.set(dependency, index)
      if (index !== undefined) continue
      const message = `Expected the id of a task of this DAG, got ${quote(dependency)}`
      const pointer = this.#pointer(['dependsOn', place])
      this.#list.add({ code: 'missing_dependency', pointer, message, taskId: this.#taskId, dependency })
    }
    return named
  }

  /** Whether the arguments are known before anything has run. */
  #arguments(args: unknown, named: ReadonlyMap<string, unknown>): boolean {
    if (args === undefined) return true
    if (!isRecord(args)) {
      this.#type(['arguments'], `Expected \`arguments\` to be an object, got ${quote(args)}`)
      return false
    }
    const findings = inspectArguments(args)
    for (const finding of findings) this.#finding(finding, named)
    return findings.length === 0
  }

  #finding(finding: ArgumentFinding, named: ReadonlyMap<string, unknown>): void {
    const pointer = this.#pointer(['arguments', ...finding.path])
    switch (finding.type) {
      case 'reference': {
        const reference = finding.taskId
        if (named.has(reference)) return
        const message = `Expected a reference to a task in \`dependsOn\`, got ${quote(reference)}`
        this.#list.add({ code: 'reference_not_a_dependency', pointer, message, taskId: this.#taskId, reference })
        return
      }
      case 'invalid_reference':
        this.#list.add({ code: 'invalid_reference', pointer, message: finding.message })
        return
      case 'too_deep': {
        const message = `Expected arguments at most ${maxArgumentDepth} levels deep`
        this.#list.add({ code: 'arguments_too_deep', pointer, message, maxDepth: maxArgumentDepth })
        return
      }
      default:
        finding satisfies never
    }
  }

  #tool(name: string, literal: unknown): void {
    const { tools, validateArguments } = this.#rules
    if (!tools) return
    const tool = tools.get(name)
    if (!tool) {
      const message = `Expected the name of a registered tool, got ${quote(name)}`
      const pointer = this.#pointer(['tool'])
      this.#list.add({ code: 'unknown_tool', pointer, message, taskId: this.#taskId, tool: name })
    } else if (tool.inputSchema && validateArguments && isRecord(literal)) {
      for (const fault of validateArguments(tool.inputSchema, literal)) {
        const pointer = this.#pointer(['arguments']) + fault.pointer
        this.#list.add({ code: 'invalid_arguments', pointer, message: fault.message, taskId: this.#taskId, tool: name })
      }
    }
  }

  #type(path: (string | number)[], message: string): void {
    this.#list.add({ code: 'invalid_type', pointer: this.#pointer(path), message })
  }

  #pointer(path: readonly (string | number)[]): string {
    return formatPointer('tasks', this.#index, ...path)
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
