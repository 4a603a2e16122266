import type { PlannedTask } from './plan.js'

/**
 * The tasks that could start, in the order of their ranks, each as soon as its tool has room. Tasks whose tool is full wait in a
 * queue of that tool, so that no one looks at them again until it has room.
 */
export class ReadyQueue {
  readonly #ready = new RankHeap()
  readonly #waiting = new Map<string, RankHeap>()
  readonly #running = new Map<string, number>()

  add(task: PlannedTask): void {
    this.#ready.push(task)
  }

  /** The first task that may start; its tool's slot is then taken. */
  take(): PlannedTask | undefined {
    for (let task = this.#ready.pop(); task; task = this.#ready.pop()) {
      if (task.call.maxConcurrency === Number.POSITIVE_INFINITY) return task
      if (this.hasRoom(task)) {
        this.#running.set(task.tool, this.running(task.tool) + 1)
        return task
      }
      const waiting = this.#waiting.get(task.tool) ?? new RankHeap()
      this.#waiting.set(task.tool, waiting)
      waiting.push(task)
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
    const next = this.#waiting.get(tool)?.pop()
    if (next) this.#ready.push(next)
  }

  /** Nothing that waits here will start. */
  clear(): void {
    this.#ready.clear()
    this.#waiting.clear()
  }
}

/** A binary heap, lowest rank first. */
class RankHeap {
  readonly #items: PlannedTask[] = []

  push(task: PlannedTask): void {
    const items = this.#items
    let at = items.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (items[parent]!.rank <= task.rank) break
      items[at] = items[parent]!
      at = parent
    }
    items[at] = task
  }

  pop(): PlannedTask | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (first === undefined || last === undefined || items.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= items.length) break
      if (child + 1 < items.length && items[child + 1]!.rank < items[child]!.rank) child += 1
      if (items[child]!.rank >= last.rank) break
      items[at] = items[child]!
      at = child
    }
    items[at] = last
    return first
  }

  clear(): void {
    this.#items.length = 0
  }
}
