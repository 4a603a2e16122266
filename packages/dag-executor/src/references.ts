import { followPointer, parsePointer } from './json-pointer.js'
import { ToolError } from './tool-error.js'

/** Those of a task that names none: each call gets a copy of its own anyway. */
export const noArguments: Readonly<Record<string, never>> = Object.freeze({})

/** In place of the output of a task whose failure is ignored: every reference to it stands for `undefined`. */
export const noOutput = Symbol('no output')

type OutputOf = (taskId: string) => unknown

/** A copy of the plain objects and arrays; whatever else is in them is kept as it is. */
export function copyArguments(value: unknown): unknown {
  return copy(value, undefined)
}

/**
 * A fresh copy of the arguments with the outputs in place of the references. The outputs are passed on as they are.
 *
 * @throws ToolError `unresolved_reference` where an output has no value at the pointer.
 */
export function resolveArguments(template: unknown, outputOf: OutputOf): unknown {
  return copy(template, outputOf)
}

function copy(value: unknown, outputOf: OutputOf | undefined): unknown {
  if (!isContainer(value)) return value
  if (Array.isArray(value)) return value.map((item) => copy(item, outputOf))
  if (outputOf && isReference(value)) return resolve(value, outputOf)
  const members = {}
  for (const key of Object.keys(value)) addMember(members, key, copy(value[key as never], outputOf))
  return members
}

function resolve(reference: object, outputOf: OutputOf): unknown {
  const { $ref, pointer = '' } = reference as { $ref: string; pointer?: string }
  const whole = outputOf($ref)
  if (whole === noOutput) return undefined
  if (pointer === '') return whole
  const { found, value } = followPointer(whole, parsePointer(pointer) ?? [])
  if (found) return value
  const [id, place] = [JSON.stringify($ref), JSON.stringify(pointer)]
  throw new ToolError('unresolved_reference', `The output of task ${id} has no value at ${place}.`)
}

/**
 * Adds a member to a plain object. What the prototype has as well, `__proto__` above all, has to be defined: assigned, it would not
 * become an own property.
 */
export function addMember(object: object, key: string, value: unknown): void {
  if (key in object) Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  else (object as Record<string, unknown>)[key] = value
}

/** Whether a plain object stands for an output. */
export function isReference(value: object): boolean {
  return Object.hasOwn(value, '$ref')
}

/** Whether a value is data to look into: an array or a plain object. */
export function isContainer(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return true
  const prototype = Object.getPrototypeOf(value)
  // The last test also takes plain objects of other realms.
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null
}
