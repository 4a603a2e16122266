import type { PlannedTask } from './plan.js'
import { RankHeap } from './rank-heap.js'
import { RankSet } from './rank-set.js'

/**
 * The tasks that could start, in the order of their ranks, each as soon as its tool has room. Tasks whose tool is full wait in a
 * queue of that tool, so that no one looks at them again until it has room.
 */
export class ReadyQueue {
  readonly #byRank: PlannedTask[]
  readonly #ready: RankSet
  /** There may be as many tools as tasks. */
  readonly #waiting = new Map<string, RankHeap>()
  readonly #running = new Map<string, number>()

  /** All the tasks that there are. */
  constructor(tasks: readonly PlannedTask[]) {
    this.#byRank = new Array(tasks.length)
    for (const task of tasks) this.#byRank[task.rank] = task
    this.#ready = new RankSet(tasks.length)
  }

  add(task: PlannedTask): void {
    this.#ready.add(task.rank)
  }

  /** The first task that may start; its tool's slot is then taken. */
  take(): PlannedTask | undefined {
    for (let rank = this.#ready.take(); rank >= 0; rank = this.#ready.take()) {
      const task = this.#byRank[rank]!
      if (task.call.maxConcurrency === Number.POSITIVE_INFINITY) return task
      if (this.hasRoom(task)) {
        this.#running.set(task.tool, this.running(task.tool) + 1)
        return task
      }
      const waiting = this.#waiting.get(task.tool) ?? new RankHeap()
      this.#waiting.set(task.tool, waiting)
      waiting.add(rank)
    }
    return undefined
  }

  /** How many tasks of a tool that has a limit hold a slot of it. */
  running(tool: string): number {
    return this.#running.get(tool) ?? 0
  }

  /** Whether the task's tool has a slot left. */
  hasRoom({ tool, call }: PlannedTask): boolean {
    return this.running(tool) < call.maxConcurrency
  }

  /** Gives the slot of a task's tool back. */
  release({ tool, call }: PlannedTask): void {
    if (call.maxConcurrency === Number.POSITIVE_INFINITY) return
    this.#running.set(tool, this.#running.get(tool)! - 1)
    const next = this.#waiting.get(tool)?.take() ?? -1
    if (next >= 0) this.#ready.add(next)
  }

  /** Nothing that waits here will start. */
  clear(): void {
    this.#ready.clear()
    this.#waiting.clear()
  }
}
