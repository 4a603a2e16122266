import { expect } from 'vitest'
import type { DAGTask, JournalEntry } from '../src/index.js'

type Data = Readonly<Record<string, never>>

/** What holds for the whole log of an execution, however often it was broken off and resumed with the same plan. */
export function checkLog(tasks: readonly DAGTask[], log: readonly JournalEntry[]): void {
  const dependencies = new Map(tasks.map(({ id, dependsOn = [] }) => [id, dependsOn]))
  const types = log.map(({ type }) => type)
  expect([types[0], types.at(-1)]).toEqual(['execution_start', 'execution_complete'])
  for (const type of ['execution_start', 'execution_complete']) {
    expect(types.filter((other) => other === type)).toHaveLength(1)
  }
  const attempts = new Map<string, number>()
  const running = new Set<string>()
  const ended = new Map<string, boolean>()
  for (const { type, data } of log.slice(1, -1)) {
    const { taskId, attempt, status, handled } = data as Data
    const where = `${type} of ${taskId}`
    expect(dependencies.has(taskId!), where).toBe(true)
    expect(ended.has(taskId!), where).toBe(false)
    if (type === 'task_start') {
      expect(attempt, where).toBe((attempts.get(taskId!) ?? 0) + 1)
      for (const dependency of dependencies.get(taskId!)!) expect(ended.get(dependency), where).toBe(true)
      attempts.set(taskId!, attempt!)
      running.add(taskId!)
    } else if (type === 'task_complete') {
      expect(status === 'skipped', where).toBe(!attempts.has(taskId!))
      if (status === 'success') expect(running.has(taskId!), where).toBe(true)
      expect((data as Data).attempts, where).toBe(attempts.get(taskId!) ?? 0)
      ended.set(taskId!, status === 'success' || handled !== undefined)
    } else {
      expect(attempt, where).toBe(attempts.get(taskId!))
      expect(running.has(taskId!), where).toBe(true)
      if (type === 'task_retry') running.delete(taskId!)
    }
  }
  expect(ended.size).toBe(tasks.length)
  checkIds(log)
}

function checkIds(log: readonly JournalEntry[]): void {
  if (log[0]?.id === undefined) return
  const epoch = log[0].id.split('-')[0]
  expect(log.map(({ id }) => id)).toEqual(log.map((_, position) => `${epoch}-${position + 1}`))
}
