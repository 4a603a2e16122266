import type { TaskState } from './task-state.js'

/**
 * The keys of an execution's tasks: `<executionId>/<taskId>`, the same for every attempt and after every resume. A task that came with a
 * later plan asks for something else than the task of its id before, so that its key is another: `<executionId>~2/<taskId>`.
 */
export function createIdempotencyKeys(executionId: string): (state: TaskState) => string {
  // Escaped, so that no other execution and task share a key.
  const name = executionId.replace(/[%/~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
  const first = `${name}/`
  return ({ task, incidents }) => {
    if (!incidents || incidents.generation === 1) return first + task.id
    return `${name}~${incidents.generation}/${task.id}`
  }
}
