import { checkDefinition } from './check-definition.js'
import type { DAGStructure, DAGTask, OnError, TaskPolicy } from './dag.js'
import type { ToolContext, ToolFunction, ToolRegistry } from './tool.js'

/** What a task of a {@link DagBuilder} is told: the context of a tool, and the outputs of its dependencies by id. */
export interface TaskContext<Inputs> extends ToolContext {
  readonly inputs: Readonly<Inputs>
}

export interface TaskDefinition<Inputs, Needs, Output, Handling extends OnError = OnError> extends TaskPolicy {
  /**
   * Ids of tasks defined before, whose outputs this one takes.
   * @default []
   */
  readonly needs?: readonly Needs[] | undefined
  readonly run: (context: TaskContext<Inputs>) => Output | PromiseLike<Output>
  /**
   * As in TaskPolicy; the types of the dependents' inputs know of it.
   * @default 'skip-dependents'
   */
  readonly onError?: Handling | undefined
}

/** What stands in for the output of a task that failed. */
type Substitute<Handling extends OnError> = Handling extends 'ignore'
  ? undefined
  : Handling extends { readonly fallback: infer Fallback }
    ? Fallback
    : never

/** Whether ids of this type are made when the program runs: a `string`, or a template with one in it. */
type IsComputed<Id extends string> = Record<never, never> extends Record<Id, unknown> ? true : false

/** Those of the ids that may be needed: of computed ones nobody knows before the DAG is checked. */
type Needable<Outputs, Needs extends string> = Needs extends keyof Outputs
  ? Needs
  : IsComputed<Needs> extends true
    ? Needs
    : never

type InputsOf<Outputs, Needs extends string> = [Needs] extends [keyof Outputs]
  ? Pick<Outputs, Needs>
  : Record<string, unknown>

/** A computed id adds nothing that a type could tell. */
type WithOutput<Outputs, Id extends string, Output> =
  IsComputed<Id> extends true ? Outputs : Outputs & { readonly [Name in Id]: Output }

interface Link {
  readonly task: DAGTask
  readonly run: ToolFunction<never>
  readonly before: Link | undefined
}

/** What an executor takes instead of a DAG as data: the DAG together with its own tools. */
export interface BuiltDag {
  build(): { readonly dag: DAGStructure; readonly tools: ToolRegistry }
}

/**
 * A DAG whose tasks are functions. It never changes: `task` returns another one. Each task's tool has the name of the task. Made by
 * {@link dag}.
 */
export class DagBuilder<Outputs extends object = Record<never, never>> implements BuiltDag {
  readonly #last: Link | undefined

  constructor(last?: Link) {
    this.#last = last
  }

  /**
   * Adds a task. The types let it need only tasks that are there, and give it their outputs. An id that is computed, a `string`, can be
   * given and needed as well; the inputs are then `unknown`.
   *
   * @throws TypeError where the id or the definition is none.
   * @example
   * let plan = dag()
   * for (const [i, url] of urls.entries()) plan = plan.task(`page-${i}`, { run: ({ signal }) => load(url, signal) })
   * plan.task('all', { needs: urls.map((_, i) => `page-${i}`), run: ({ inputs }) => Object.values(inputs) })
   */
  task<
    const Id extends string,
    Output,
    const Needs extends string = never,
    Handling extends OnError = 'skip-dependents',
  >(
    id: Id & (Id extends keyof Outputs ? never : unknown),
    definition: TaskDefinition<InputsOf<Outputs, Needs>, Needs, Output, Handling> & {
      readonly needs?: readonly Needable<Outputs, Needs>[] | undefined
    },
  ): DagBuilder<WithOutput<Outputs, Id, Awaited<Output> | Substitute<Handling>>> {
    checkDefinition(id, definition)
    const { needs = [], run, ...policy } = definition
    const inputs = Object.fromEntries(needs.map((need) => [need, { $ref: need }]))
    const task: DAGTask = { ...policy, id, tool: id, dependsOn: [...needs], arguments: inputs }
    // The context is of this one call: nobody else has it.
    const call = (outputs: InputsOf<Outputs, Needs>, context: ToolContext) =>
      run(Object.assign(context, { inputs: outputs }))
    return new DagBuilder({ task, run: call, before: this.#last })
  }

  build(): { readonly dag: DAGStructure; readonly tools: ToolRegistry } {
    const links: Link[] = []
    for (let link = this.#last; link; link = link.before) links.push(link)
    links.reverse()
    return {
      dag: { tasks: links.map(({ task }) => task) },
      tools: Object.fromEntries(links.map(({ task, run }) => [task.tool, run])),
    }
  }
}

/** Whether a value is what {@link dag} makes: nothing from outside that is JSON. */
export function isBuilt(value: unknown): value is BuiltDag {
  return typeof value === 'object' && value !== null && 'build' in value && typeof value.build === 'function'
}

/**
 * Begins a DAG whose tasks are functions.
 *
 * @example
 * const plan = dag()
 *   .task('page', { run: ({ signal }) => load(url, signal), retry: { attempts: 3 }, timeout: 5_000 })
 *   .task('title', { needs: ['page'], run: ({ inputs }) => inputs.page.title })
 */
export function dag(): DagBuilder {
  return new DagBuilder()
}
