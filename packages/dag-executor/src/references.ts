import type { OutputReference } from './dag.js'
import { quote } from './dag-issue.js'
import { followPointer, isPointer, parsePointer } from './json-pointer.js'
import { leafSize } from './json-size.js'
import { ToolError } from './tool-error.js'

/** Arguments deeper than this are refused: it bounds the recursion over what comes from outside, and finds cycles. */
export const maxArgumentDepth = 100

/** Something in a task's arguments that matters to the plan. */
export type ArgumentFinding =
  | { readonly type: 'reference'; readonly taskId: string }
  | { readonly type: 'invalid_reference'; readonly message: string }
  | { readonly type: 'too_deep' }
  | { readonly type: 'too_large' }

/**
 * Says whether to go on. `path` leads to the finding, and only during the call: a copy of it for every finding would take as
 * much time as all of them are deep together.
 */
export type ReportFinding = (finding: ArgumentFinding, path: readonly (string | number)[]) => boolean

/**
 * Reports the references in a task's arguments, and what is wrong with them. Arguments whose JSON text has more than `maxBytes` bytes are
 * looked at only so far.
 */
export function inspectArguments(args: unknown, maxBytes: number, report: ReportFinding): void {
  const path: (string | number)[] = []
  let bytesLeft = maxBytes
  /** Whether to go on. */
  const count = (bytes: number): boolean => {
    bytesLeft -= bytes
    if (bytesLeft < 0) report({ type: 'too_large' }, [])
    return bytesLeft >= 0
  }
  /** Whether to go on. */
  const visit = (value: unknown): boolean => {
    if (!isContainer(value)) return count(leafSize(value, bytesLeft))
    if (path.length > maxArgumentDepth) {
      report({ type: 'too_deep' }, path)
      // Going on after a cycle was met would take time exponential in its branches.
      return false
    }
    if (isReference(value)) {
      const finding = inspectReference(value, path.length === 0)
      if (!report(finding, path)) return false
      return finding.type !== 'reference' || count(referenceSize(value, bytesLeft))
    }
    if (!count('[]'.length)) return false
    let comma = 0
    for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
      if (!count(comma + (typeof key === 'string' ? leafSize(key, bytesLeft) + ':'.length : 0))) return false
      comma = 1
      path.push(key)
      const goesOn = visit(Reflect.get(value, key))
      path.pop()
      if (!goesOn) return false
    }
    return true
  }
  visit(args)
}

/** A copy of the plain objects and arrays; whatever else is in them is kept as it is. */
export function copyArguments(value: unknown): unknown {
  return mapContainers(value, () => undefined)
}

/** In place of the output of a task whose failure is ignored: every reference to it stands for `undefined`. */
export const noOutput = Symbol('no output')

/**
 * A fresh copy of the arguments with the outputs in place of the references. The outputs are passed on as they are.
 *
 * @throws ToolError `unresolved_reference` where an output has no value at the pointer.
 */
export function resolveArguments(template: unknown, outputOf: (taskId: string) => unknown): unknown {
  return mapContainers(template, (value) => {
    if (!isReference(value)) return undefined
    const { $ref, pointer = '' } = value as { $ref: string; pointer?: string }
    const whole = outputOf($ref)
    if (whole === noOutput) return { replacement: undefined }
    const { found, value: output } = followPointer(whole, parsePointer(pointer) ?? [])
    if (!found) {
      const [id, place] = [JSON.stringify($ref), JSON.stringify(pointer)]
      throw new ToolError('unresolved_reference', `The output of task ${id} has no value at ${place}.`)
    }
    return { replacement: output }
  })
}

function isReference(value: object): boolean {
  return !Array.isArray(value) && Object.hasOwn(value, '$ref')
}

function inspectReference(value: object, isWhole: boolean): ArgumentFinding {
  const { $ref, pointer } = value as { $ref: unknown; pointer?: unknown }
  if (isWhole) return invalid('Expected a reference in the place of one argument, not of all')
  if (typeof $ref !== 'string') return invalid('Expected `$ref` to be the id of a task')
  const other = Object.keys(value).find((key) => key !== '$ref' && key !== 'pointer')
  if (other !== undefined) return invalid(`Expected a reference to hold only $ref and pointer, got ${quote(other)}`)
  if (pointer !== undefined && (typeof pointer !== 'string' || !isPointer(pointer))) {
    return invalid('Expected `pointer` to be a JSON Pointer, such as "/items/0"')
  }
  return { type: 'reference', taskId: $ref }
}

function referenceSize(value: object, mostBytes: number): number {
  const { $ref, pointer } = value as OutputReference
  const whole = '{"$ref":}'.length + leafSize($ref, mostBytes)
  return pointer === undefined ? whole : whole + ',"pointer":'.length + leafSize(pointer, mostBytes)
}

function invalid(message: string): ArgumentFinding {
  return { type: 'invalid_reference', message }
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
