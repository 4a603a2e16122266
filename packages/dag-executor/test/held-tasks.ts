import type { DAGTask, ToolContext, ToolFunction } from '../src/index.js'

/** A call of the held tool, which ends when the test says so. */
export interface HeldCall {
  readonly args: Record<string, unknown>
  readonly context: ToolContext
  succeed(output?: unknown): void
  fail(error: unknown): void
}

/** A tool whose calls the test holds in its hand, by the id of their task; `order` lists the ids as the calls came. */
export class HeldTasks {
  readonly order: string[] = []
  readonly #calls = new Map<string, HeldCall>()
  readonly #awaited = new Map<string, (call: HeldCall) => void>()
  #noticed: (() => void) | undefined

  readonly tool: ToolFunction<Record<string, unknown>> = (args, context) =>
    new Promise((succeed, fail) => {
      const call = { args, context, succeed, fail }
      this.order.push(context.taskId)
      this.#calls.set(context.taskId, call)
      this.#awaited.get(context.taskId)?.(call)
      this.#noticed?.()
    })

  /** The newest call for the task, which must have started. */
  call(taskId: string): HeldCall {
    const call = this.#calls.get(taskId)
    if (!call) throw new Error(`Task ${taskId} has not started; started are: ${this.order.join(', ')}`)
    return call
  }

  /** The call for the task, as soon as there is one. */
  async started(taskId: string): Promise<HeldCall> {
    return this.#calls.get(taskId) ?? new Promise((resolve) => this.#awaited.set(taskId, resolve))
  }

  /** Resolves when so many calls were made. */
  async called(count: number): Promise<void> {
    while (this.order.length < count) {
      await new Promise<void>((resolve) => {
        this.#noticed = resolve
      })
    }
  }

  has(taskId: string): boolean {
    return this.#calls.has(taskId)
  }
}

/** Tasks of the tool `held` as `{ c: ['a', 'b'] }` describes them: ids and what each depends on. */
export function graph(dependencies: Record<string, string[]>, tool = 'held'): { tasks: DAGTask[] } {
  return { tasks: Object.entries(dependencies).map(([id, dependsOn]) => ({ id, tool, dependsOn })) }
}

/** Lets everything go on that waits for nothing but settled promises. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('Expected a rejection')
    },
    (error: unknown) => error,
  )
}
