import { followPointer, parsePointer } from './json-pointer.js'
import { ToolError } from './tool-error.js'

/** Arguments deeper than this are refused: it bounds the recursion over what comes from outside, and finds cycles. */
export const maxArgumentDepth = 100

/** Something in a task's arguments that matters to the plan. `path` leads to it. */
export type ArgumentFinding =
  | { readonly type: 'reference'; readonly path: readonly (string | number)[]; readonly taskId: string }
  | { readonly type: 'invalid_reference'; readonly path: readonly (string | number)[]; readonly message: string }
  | { readonly type: 'too_deep'; readonly path: readonly (string | number)[] }

/** The references in a task's arguments, and what is wrong with them. */
export function inspectArguments(args: unknown): ArgumentFinding[] {
  const findings: ArgumentFinding[] = []
  const path: (string | number)[] = []
  let tooDeep = false
  const visit = (value: unknown): void => {
    // Going on after a cycle was met would take time exponential in its branches.
    if (tooDeep || !isContainer(value)) return
    if (path.length > maxArgumentDepth) {
      tooDeep = true
      findings.push({ type: 'too_deep', path: [...path] })
      return
    }
    if (!Array.isArray(value) && Object.hasOwn(value, '$ref')) {
      findings.push(inspectReference(value, [...path]))
      return
    }
    for (const [key, child] of entries(value)) {
      path.push(key)
      visit(child)
      path.pop()
    }
  }
  visit(args)
  return findings
}

/** A copy of the plain objects and arrays; whatever else is in them is kept as it is. */
export function copyArguments(value: unknown): unknown {
  return mapContainers(value, () => undefined)
}

/**
 * A fresh copy of the arguments with the outputs in place of the references. The outputs are passed on as they are.
 *
 * @throws ToolError `unresolved_reference` where an output has no value at the pointer.
 */
export function resolveArguments(template: unknown, outputOf: (taskId: string) => unknown): unknown {
  return mapContainers(template, (value) => {
    if (!Object.hasOwn(value, '$ref')) return undefined
    const { $ref, pointer = '' } = value as { $ref: string; pointer?: string }
    const { found, value: output } = followPointer(outputOf($ref), parsePointer(pointer) ?? [])
    if (!found) {
      const [id, place] = [JSON.stringify($ref), JSON.stringify(pointer)]
      throw new ToolError('unresolved_reference', `The output of task ${id} has no value at ${place}.`)
    }
    return { replacement: output }
  })
}

function inspectReference(value: object, path: readonly (string | number)[]): ArgumentFinding {
  const { $ref, pointer } = value as { $ref: unknown; pointer?: unknown }
  if (path.length === 0) {
    return { type: 'invalid_reference', path, message: 'Expected a reference in the place of one argument, not of all' }
  }
  if (typeof $ref !== 'string') {
    return { type: 'invalid_reference', path, message: 'Expected `$ref` to be the id of a task' }
  }
  const other = Object.keys(value).find((key) => key !== '$ref' && key !== 'pointer')
  if (other !== undefined) {
    const member = JSON.stringify(other.slice(0, 64))
    return {
      type: 'invalid_reference',
      path,
      message: `Expected a reference to hold only $ref and pointer, got ${member}`,
    }
  }
  if (pointer !== undefined && (typeof pointer !== 'string' || parsePointer(pointer) === undefined)) {
    return { type: 'invalid_reference', path, message: 'Expected `pointer` to be a JSON Pointer, such as "/items/0"' }
  }
  return { type: 'reference', path, taskId: $ref }
}

function mapContainers(value: unknown, replace: (value: object) => { replacement: unknown } | undefined): unknown {
  if (!isContainer(value)) return value
  if (Array.isArray(value)) return value.map((item) => mapContainers(item, replace))
  const replaced = replace(value)
  if (replaced) return replaced.replacement
  // fromEntries defines own properties, so that a key `__proto__` stays data.
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, mapContainers(child, replace)]))
}

/** Whether a value is data to look into: an array or a plain object. */
export function isContainer(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return true
  const prototype = Object.getPrototypeOf(value)
  // The second test also takes plain objects of other realms.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function entries(value: object): Iterable<[string | number, unknown]> {
  return Array.isArray(value) ? value.entries() : Object.entries(value)
}
