import { type IssueList, quote, shorten, shortenName } from './dag-issue.js'
import { formatPointer, joinPointers } from './json-pointer.js'
import { misspelt } from './member-names.js'
import { isName, maxNameBytes } from './name-limit.js'
import { type NearestName, nearestHint } from './nearest-name.js'
import { checkPolicy } from './policy.js'
import { type ArgumentFinding, inspectArguments, maxArgumentDepth } from './references.js'
import type { DagRules } from './validate-dag.js'

/** UTF-16 units of a validator's message: it may quote arguments of any length. */
const maxFaultLength = 500

/** What looking at a task found out about it. */
export interface TaskFacts {
  /** The indexes of the tasks that it depends on, each once. */
  readonly dependencies: readonly number[]
  /** Whether its arguments are known only when others have run. */
  readonly hasReferences: boolean
}

/** Where to look for what was probably meant. */
export interface NearestNames {
  readonly task: NearestName
  readonly tool: NearestName
}

/** Looks at one task of a DAG and adds what is wrong with it to the list. */
export class TaskInspection {
  readonly #value: unknown
  readonly #index: number
  readonly #indexes: ReadonlyMap<string, number>
  readonly #rules: DagRules
  readonly #list: IssueList
  readonly #nearest: NearestNames
  #taskId = ''

  constructor(
    value: unknown,
    index: number,
    indexes: ReadonlyMap<string, number>,
    rules: DagRules,
    list: IssueList,
    nearest: NearestNames,
  ) {
    this.#value = value
    this.#index = index
    this.#indexes = indexes
    this.#rules = rules
    this.#list = list
    this.#nearest = nearest
  }

  run(): TaskFacts {
    const task = this.#value
    if (!isRecord(task)) {
      this.#type([], `Expected a task to be an object, got ${quote(task)}`)
      return { dependencies: [], hasReferences: false }
    }
    if (typeof task.id === 'string') this.#taskId = shortenName(task.id)
    this.#name('id', task.id)
    const hasTool = this.#name('tool', task.tool)
    for (const { member, message } of checkPolicy(task, this.#rules.maxArgumentBytes)) {
      this.#list.add({ code: 'invalid_value', pointer: this.#pointer(member), message })
    }
    this.#members(task)
    const named = this.#dependencies(task.dependsOn)
    const isLiteral = this.#arguments(task.arguments, named)
    if (hasTool) this.#tool(String(task.tool), isLiteral ? (task.arguments ?? {}) : undefined)
    return { dependencies: [...named.values()].filter((index) => index !== undefined), hasReferences: !isLiteral }
  }

  /** A misspelt `dependsOn` would run the plan in the wrong order without a word. */
  #members(task: object): void {
    for (const name in task) {
      if (this.#list.isFull) return
      const member = misspelt(name)
      if (member === undefined) continue
      const message = `Expected \`${member}\`, got ${quote(name)}`
      this.#list.add({ code: 'unknown_member', pointer: this.#pointer([name]), message, member })
    }
  }

  #name(member: 'id' | 'tool', name: unknown): boolean {
    if (typeof name === 'string' && isName(name)) return true
    const message = `Expected \`${member}\` to be a non-empty string of at most ${maxNameBytes} bytes, got ${quote(name)}`
    const code = typeof name === 'string' ? 'invalid_value' : 'invalid_type'
    this.#list.add({ code, pointer: this.#pointer([member]), message })
    return false
  }

  /** What is named, with the task's index where there is such a task. */
  #dependencies(dependsOn: unknown): Map<string, number | undefined> {
    const named = new Map<string, number | undefined>()
    if (dependsOn === undefined) return named
    if (!Array.isArray(dependsOn)) {
      this.#type(['dependsOn'], `Expected \`dependsOn\` to be an array of ids, got ${quote(dependsOn)}`)
      return named
    }
    const [count, maxDependencies] = [dependsOn.length, this.#rules.maxTasks]
    if (count > maxDependencies) {
      const message = `Expected \`dependsOn\` to have at most ${maxDependencies} entries, got ${count}`
      const pointer = this.#pointer(['dependsOn'])
      const taskId = this.#taskId
      this.#list.add({ code: 'too_many_dependencies', pointer, message, taskId, count, maxDependencies })
      return named
    }
    for (const [place, dependency] of dependsOn.entries()) {
      if (this.#list.isFull) break
      if (typeof dependency !== 'string') {
        this.#type(['dependsOn', place], `Expected the id of a task, got ${quote(dependency)}`)
        continue
      }
      const index = this.#indexes.get(dependency)
      named.set(dependency, index)
      if (index !== undefined) continue
      const { hint, ...nearest } = this.#near('task', dependency)
      const message = `Expected the id of a task of this DAG, got ${quote(dependency)}${hint}`
      this.#list.add({
        code: 'missing_dependency',
        pointer: this.#pointer(['dependsOn', place]),
        message,
        taskId: this.#taskId,
        dependency: shortenName(dependency),
        ...nearest,
      })
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
    let isLiteral = true
    inspectArguments(args, this.#rules.maxArgumentBytes, (finding, path) => {
      isLiteral = false
      // Of the references of a large DAG most are good ones: nothing is made for them.
      if (finding.type !== 'reference' || !named.has(finding.taskId)) this.#finding(finding, path)
      return !this.#list.isFull
    })
    return isLiteral
  }

  #finding(finding: ArgumentFinding, path: readonly (string | number)[]): void {
    const pointer = this.#pointer(['arguments', ...path])
    switch (finding.type) {
      case 'reference': {
        const { taskId: id } = finding
        const { hint, ...nearest } = this.#indexes.has(id) ? { hint: '' } : this.#near('task', id)
        const message = `Expected a reference to a task in \`dependsOn\`, got ${quote(id)}${hint}`
        const [taskId, reference] = [this.#taskId, shortenName(id)]
        this.#list.add({ code: 'reference_not_a_dependency', pointer, message, taskId, reference, ...nearest })
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
      case 'too_large': {
        const { maxArgumentBytes } = this.#rules
        const message = `Expected the arguments of ${quote(this.#taskId)} to be at most ${maxArgumentBytes} bytes long as JSON`
        this.#list.add({ code: 'arguments_too_large', pointer, message, taskId: this.#taskId, maxArgumentBytes })
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
      const { hint, ...nearest } = this.#near('tool', name)
      const message = `Expected the name of a registered tool, got ${quote(name)}${hint}`
      const pointer = this.#pointer(['tool'])
      this.#list.add({ code: 'unknown_tool', pointer, message, taskId: this.#taskId, tool: name, ...nearest })
    } else if (tool.inputSchema && validateArguments && isRecord(literal)) {
      for (const fault of validateArguments(tool.inputSchema, literal)) {
        if (this.#list.isFull) break
        const pointer = joinPointers(this.#pointer(['arguments']), fault.pointer)
        const message = shorten(fault.message, maxFaultLength)
        this.#list.add({ code: 'invalid_arguments', pointer, message, taskId: this.#taskId, tool: name })
      }
    }
  }

  /** What was probably meant by a name that does not exist: as the end of a message, and as a member of the issue. */
  #near(kind: keyof NearestNames, name: string): { hint: string; nearest?: string } {
    const nearest = this.#nearest[kind].find(name, kind === 'task' ? this.#taskId : undefined)
    return nearest === undefined ? { hint: '' } : { hint: nearestHint(name, nearest), nearest }
  }

  #type(path: (string | number)[], message: string): void {
    this.#list.add({ code: 'invalid_type', pointer: this.#pointer(path), message })
  }

  #pointer(path: readonly (string | number)[]): string {
    return formatPointer(['tasks', this.#index, ...path])
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
