import { readFault, readFaults } from './argument-faults.js'
import type { TaskPolicy } from './dag.js'
import { type IssueList, quote, shorten, shortenName } from './dag-issue.js'
import { readPolicy } from './given-policy.js'
import { type ArgumentFinding, inspectArguments, maxArgumentDepth, type ReportFinding } from './inspect-arguments.js'
import { formatPointer, joinPointers } from './json-pointer.js'
import { unknownMember } from './member-names.js'
import { isTaskMember, taskMembers } from './member-words.js'
import { isName, maxNameBytes } from './name-limit.js'
import { type NearestName, nearestHint } from './nearest-name.js'
import type { TaskDraft } from './plan.js'
import { checkPolicy, defaultPolicy, type ResolvedPolicy, resolvePolicy } from './policy.js'
import { noArguments } from './references.js'
import { noTasks } from './task-order.js'
import type { TableTool } from './tool-table.js'
import type { DagRules } from './validate-dag.js'

/** UTF-16 units of a validator's message: it may quote arguments of any length. */
const maxFaultLength = 500

/** Where to look for what was probably meant. */
export interface NearestNames {
  readonly task: NearestName
  readonly tool: NearestName
}

/** Looks at the tasks of a DAG, one after the other, and adds what is wrong with them to the list. Reads each member of a task once. */
export class TaskInspector {
  readonly #indexes: ReadonlyMap<string, number>
  readonly #rules: DagRules
  readonly #list: IssueList
  readonly #nearest: NearestNames
  /** For each task, which one named it last as its dependency: the index of that one, from 1. */
  readonly #namedBy: Int32Array
  /** The dependencies of this task, in the front of a list for all tasks, so that each has one of its size in the end. */
  readonly #found: number[] = []
  #index = 0
  #id: unknown
  /** Dependencies of this task that there are none of. */
  #missing: Set<string> | undefined
  /** Whether the arguments of this task are right, and known before anything has run. */
  #isLiteral = true

  constructor(
    count: number,
    indexes: ReadonlyMap<string, number>,
    rules: DagRules,
    list: IssueList,
    nearest: NearestNames,
  ) {
    this.#namedBy = new Int32Array(count)
    this.#indexes = indexes
    this.#rules = rules
    this.#list = list
    this.#nearest = nearest
  }

  /** `id` is that of the task, which was read before. */
  inspect(task: unknown, index: number, id: unknown): TaskDraft {
    this.#index = index
    this.#id = id
    this.#missing = undefined
    this.#isLiteral = true
    if (!isRecord(task)) {
      this.#type([], `Expected a task to be an object, got ${quote(task)}`)
      return this.#facts('', undefined, noArguments, noTasks, defaultPolicy)
    }
    const { tool, arguments: args, dependsOn } = task
    this.#name('id', id)
    // The names in the table were looked at when it was made.
    const call = this.#rules.tools?.get(tool as string)
    const hasTool = call !== undefined || this.#name('tool', tool)
    const policy = this.#policy(task)
    this.#members(task, tool)
    const dependencies = this.#dependencies(dependsOn)
    const copy = this.#arguments(args)
    if (hasTool) this.#tool(tool as string, call, copy)
    return this.#facts(tool as string, call, copy, dependencies, policy)
  }

  #facts(
    tool: string,
    call: TableTool | undefined,
    args: unknown,
    dependencies: readonly number[],
    policy: ResolvedPolicy,
  ): TaskDraft {
    return {
      index: this.#index,
      id: this.#id as string,
      tool,
      // Without a table of tools there will be no plan.
      call: call!,
      arguments: args,
      hasReferences: !this.#isLiteral,
      dependencies,
      dependents: noTasks,
      layer: 1,
      policy,
      rank: 0,
    }
  }

  #policy(task: Record<string, unknown>): ResolvedPolicy {
    const given = readPolicy(task)
    if (given === undefined) return defaultPolicy
    const faults = checkPolicy(given, this.#rules.maxArgumentBytes)
    for (const { path, message, member } of faults) {
      const pointer = this.#pointer(path)
      if (member === undefined) this.#list.add({ code: 'invalid_value', pointer, message })
      else this.#list.add({ code: 'unknown_member', pointer, message, member })
    }
    return faults.length === 0 ? resolvePolicy(given as TaskPolicy) : defaultPolicy
  }

  /** A `dependsOn` by another name would run the plan in the wrong order without a word. */
  #members(task: object, tool: unknown): void {
    for (const name in task) {
      if (isTaskMember(name)) continue
      if (this.#list.isFull) return
      const member = taskMembers.meantBy(name, { id: this.#id, tool })
      if (member === undefined) continue
      const message = unknownMember(name, member)
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

  /** The indexes of the tasks that are named, each once. */
  #dependencies(dependsOn: unknown): readonly number[] {
    if (dependsOn === undefined) return noTasks
    if (!Array.isArray(dependsOn)) {
      this.#type(['dependsOn'], `Expected \`dependsOn\` to be an array of ids, got ${quote(dependsOn)}`)
      return noTasks
    }
    const [count, maxDependencies] = [dependsOn.length, this.#rules.maxTasks]
    if (count > maxDependencies) {
      const message = `Expected \`dependsOn\` to have at most ${maxDependencies} entries, got ${count}`
      const pointer = this.#pointer(['dependsOn'])
      const taskId = this.#taskId()
      this.#list.add({ code: 'too_many_dependencies', pointer, message, taskId, count, maxDependencies })
      return noTasks
    }
    let found = 0
    for (let place = 0; place < count; place += 1) {
      const dependency: unknown = dependsOn[place]
      const index = this.#indexes.get(dependency as string)
      if (index === undefined) {
        if (this.#list.isFull) break
        this.#missingDependency(dependency, place)
      } else if (this.#namedBy[index] !== this.#index + 1) {
        this.#namedBy[index] = this.#index + 1
        this.#found[found] = index
        found += 1
      }
    }
    return found === 0 ? noTasks : found === 1 ? [this.#found[0]!] : this.#found.slice(0, found)
  }

  #missingDependency(dependency: unknown, place: number): void {
    if (typeof dependency !== 'string') {
      this.#type(['dependsOn', place], `Expected the id of a task, got ${quote(dependency)}`)
      return
    }
    this.#missing ??= new Set()
    this.#missing.add(dependency)
    const { hint, ...nearest } = this.#near('task', dependency)
    const message = `Expected the id of a task of this DAG, got ${quote(dependency)}${hint}`
    this.#list.add({
      code: 'missing_dependency',
      pointer: this.#pointer(['dependsOn', place]),
      message,
      taskId: this.#taskId(),
      dependency: shortenName(dependency),
      ...nearest,
    })
  }

  /** The plan's own copy. */
  #arguments(args: unknown): unknown {
    if (args === undefined) return noArguments
    if (isRecord(args)) return inspectArguments(args, this.#rules.maxArgumentBytes, this.#report)
    this.#isLiteral = false
    this.#type(['arguments'], `Expected \`arguments\` to be an object, got ${quote(args)}`)
    return noArguments
  }

  readonly #report: ReportFinding = (finding, path) => {
    this.#isLiteral = false
    // Of the references of a large DAG most are good ones: nothing is made for them.
    if (finding.type !== 'reference' || !this.#isNamed(finding.taskId)) this.#finding(finding, path)
    return !this.#list.isFull
  }

  /** Whether this task says that it depends on one of this id, be there one or not. */
  #isNamed(id: string): boolean {
    const index = this.#indexes.get(id)
    return index === undefined ? this.#missing?.has(id) === true : this.#namedBy[index] === this.#index + 1
  }

  #finding(finding: ArgumentFinding, path: readonly (string | number)[]): void {
    const pointer = this.#pointer(['arguments', ...path])
    switch (finding.type) {
      case 'reference': {
        this.#strayReference(finding.taskId, this.#pointer(['arguments', ...path, '$ref']))
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
        const message = `Expected the arguments of ${quote(this.#taskId())} to be at most ${maxArgumentBytes} bytes long as JSON`
        this.#list.add({ code: 'arguments_too_large', pointer, message, taskId: this.#taskId(), maxArgumentBytes })
        return
      }
      default:
        finding satisfies never
    }
  }

  #strayReference(id: string, pointer: string): void {
    // A pointer that was cut is no place to put a name.
    const isWhole = pointer.endsWith('/$ref')
    const { hint, ...nearest } = this.#indexes.has(id) || !isWhole ? { hint: '' } : this.#near('task', id)
    const message = `Expected a reference to a task in \`dependsOn\`, got ${quote(id)}${hint}`
    const [taskId, reference] = [this.#taskId(), shortenName(id)]
    this.#list.add({ code: 'reference_not_a_dependency', pointer, message, taskId, reference, ...nearest })
  }

  #tool(name: string, tool: TableTool | undefined, args: unknown): void {
    const { tools, validateArguments } = this.#rules
    if (!tools) return
    if (!tool) {
      const { hint, ...nearest } = this.#near('tool', name)
      const message = `Expected the name of a registered tool, got ${quote(name)}${hint}`
      const pointer = this.#pointer(['tool'])
      this.#list.add({ code: 'unknown_tool', pointer, message, taskId: this.#taskId(), tool: name, ...nearest })
    } else if (tool.inputSchema && validateArguments && this.#isLiteral) {
      // A validator may fill in what it finds missing, which it could not in what tasks share.
      const given = args === noArguments ? {} : (args as Readonly<Record<string, unknown>>)
      for (const fault of readFaults(validateArguments(tool.inputSchema, given))) {
        if (this.#list.isFull) break
        const { pointer: place, message: text } = readFault(fault)
        const pointer = joinPointers(this.#pointer(['arguments']), place)
        const message = shorten(text, maxFaultLength)
        this.#list.add({ code: 'invalid_arguments', pointer, message, taskId: this.#taskId(), tool: name })
      }
    }
  }

  /** What was probably meant by a name that does not exist: as the end of a message, and as a member of the issue. */
  #near(kind: keyof NearestNames, name: string): { hint: string; nearest?: string } {
    const nearest = this.#nearest[kind].find(name, kind === 'task' ? this.#taskId() : undefined)
    return nearest === undefined ? { hint: '' } : { hint: nearestHint(name, nearest), nearest }
  }

  /** As it may stand in an issue. */
  #taskId(): string {
    return typeof this.#id === 'string' ? shortenName(this.#id) : ''
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
