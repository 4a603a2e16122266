import type { DAGTask } from '@x/dag-executor'

export interface LoopResult {
  readonly taskId: string
  readonly status: 'success' | 'error' | 'skipped'
  readonly output: unknown
  readonly executionTimeMs: number
}

export interface LoopOptions {
  readonly maxConcurrency: number
  readonly signal: AbortSignal
}

/**
 * What one writes by hand for a graph that is known to be right: counts dependencies, starts what has none left, holds a limit, measures
 * each task, takes throws and rejections, skips what depends on a failure, and stops at an abort. No priorities, retries, timeouts,
 * references, validation or events.
 */
export function runLoop(
  tasks: readonly DAGTask[],
  call: (id: string) => unknown,
  { maxConcurrency, signal }: LoopOptions,
): Promise<LoopResult[]> {
  const indexes = new Map<string, number>()
  for (const [index, { id }] of tasks.entries()) indexes.set(id, index)
  const missing = new Array<number>(tasks.length).fill(0)
  const dependents: number[][] = tasks.map(() => [])
  for (const [index, { dependsOn = [] }] of tasks.entries()) {
    missing[index] = dependsOn.length
    for (const dependency of dependsOn) dependents[indexes.get(dependency)!]!.push(index)
  }
  const results = new Array<LoopResult | undefined>(tasks.length)
  const ready = [...missing.keys()].filter((index) => missing[index] === 0)
  let next = 0
  let running = 0
  let left = tasks.length

  return new Promise((resolve) => {
    const settle = (index: number, status: LoopResult['status'], output: unknown, executionTimeMs: number): void => {
      results[index] = { taskId: tasks[index]!.id, status, output, executionTimeMs }
      left -= 1
    }
    const skipDependents = (failed: number): void => {
      const skipped = [...dependents[failed]!]
      for (const index of skipped) {
        if (results[index]) continue
        settle(index, 'skipped', undefined, 0)
        for (const dependent of dependents[index]!) skipped.push(dependent)
      }
    }
    const succeeded = (index: number): void => {
      for (const dependent of dependents[index]!) {
        missing[dependent]! -= 1
        if (missing[dependent] === 0 && !results[dependent]) ready.push(dependent)
      }
    }
    const end = (index: number, startedAt: number, status: 'success' | 'error', output: unknown): void => {
      running -= 1
      settle(index, status, output, performance.now() - startedAt)
      if (status === 'success') succeeded(index)
      else skipDependents(index)
      startReady()
    }
    const start = (index: number): void => {
      running += 1
      const startedAt = performance.now()
      let called: Promise<unknown>
      try {
        called = Promise.resolve(call(tasks[index]!.id))
      } catch (error) {
        called = Promise.reject(error)
      }
      called.then(
        (output) => end(index, startedAt, 'success', output),
        (error) => end(index, startedAt, 'error', error),
      )
    }
    const startReady = (): void => {
      while (next < ready.length && running < maxConcurrency && !signal.aborted) {
        const index = ready[next]!
        next += 1
        start(index)
      }
      if (signal.aborted && running === 0) {
        for (const index of tasks.keys()) if (!results[index]) settle(index, 'skipped', undefined, 0)
      }
      if (left === 0) resolve(results as LoopResult[])
    }
    startReady()
  })
}
