import type { OutputReference } from './dag.js'
import { quote } from './dag-issue.js'
import { isPointer } from './json-pointer.js'
import { leafSize } from './json-size.js'
import { addMember, isContainer, isReference } from './references.js'

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
 * looked at only so far. Returns a copy as by `copyArguments`, made on the same way, so that it holds what was looked at; it is whole
 * only where nothing is wrong.
 */
export function inspectArguments(args: unknown, maxBytes: number, report: ReportFinding): unknown {
  return new ArgumentWalk(maxBytes, report).visit(args)
}

class ArgumentWalk {
  readonly #path: (string | number)[] = []
  readonly #report: ReportFinding
  #bytesLeft: number
  #goesOn = true

  constructor(maxBytes: number, report: ReportFinding) {
    this.#bytesLeft = maxBytes
    this.#report = report
  }

  visit(value: unknown): unknown {
    if (!isContainer(value)) {
      this.#count(sizeOf(value, this.#bytesLeft))
      return value
    }
    if (this.#path.length > maxArgumentDepth) {
      this.#report({ type: 'too_deep' }, this.#path)
      // Going on after a cycle was met would take time exponential in its branches.
      this.#goesOn = false
      return undefined
    }
    if (Array.isArray(value)) return this.#visitItems(value)
    return isReference(value) ? this.#visitReference({ ...value }) : this.#visitMembers(value)
  }

  #visitReference(reference: object): object {
    const finding = inspectReference(reference, this.#path.length === 0)
    if (!this.#report(finding, this.#path)) this.#goesOn = false
    else if (finding.type === 'reference') this.#count(referenceSize(reference, this.#bytesLeft))
    return reference
  }

  #visitItems(items: readonly unknown[]): unknown[] {
    const copy: unknown[] = []
    this.#count('[]'.length)
    for (let index = 0; this.#goesOn && index < items.length; index += 1) {
      if (index > 0 && !this.#count(','.length)) break
      const item = items[index]
      this.#path.push(index)
      const itemCopy = this.visit(item)
      this.#path.pop()
      // A hole stays one.
      if (item === undefined && !(index in items)) copy.length = index + 1
      else copy[index] = itemCopy
    }
    return copy
  }

  #visitMembers(value: object): object {
    const copy = {}
    let comma = 0
    this.#count('{}'.length)
    for (const key of this.#goesOn ? Object.keys(value) : []) {
      if (!this.#count(comma + sizeOf(key, this.#bytesLeft) + ':'.length)) break
      comma = ','.length
      this.#path.push(key)
      const member = this.visit(value[key as never])
      this.#path.pop()
      if (!this.#goesOn) break
      addMember(copy, key, member)
    }
    return copy
  }

  /** Whether to go on. */
  #count(bytes: number): boolean {
    this.#bytesLeft -= bytes
    if (this.#bytesLeft < 0) {
      this.#report({ type: 'too_large' }, [])
      this.#goesOn = false
    }
    return this.#goesOn
  }
}

/** As `leafSize`, which takes its time to begin: most leaves are numbers and short plain texts. */
function sizeOf(value: unknown, mostBytes: number): number {
  if (typeof value === 'number' && Number.isFinite(value)) return `${value}`.length
  if (typeof value !== 'string' || value.length > 64) return leafSize(value, mostBytes)
  for (let index = 0; index < value.length; index += 1) {
    const unit = value.charCodeAt(index)
    if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) return leafSize(value, mostBytes)
  }
  return value.length + '""'.length
}

function inspectReference(value: object, isWhole: boolean): ArgumentFinding {
  const { $ref, pointer } = value as { $ref: unknown; pointer?: unknown }
  if (isWhole) return invalid('Expected a reference in the place of one argument, not of all')
  if (typeof $ref !== 'string') return invalid('Expected `$ref` to be the id of a task')
  for (const key of Object.keys(value)) {
    if (key === '$ref' || key === 'pointer') continue
    return invalid(`Expected a reference to hold only $ref and pointer, got ${quote(key)}`)
  }
  if (pointer !== undefined && (typeof pointer !== 'string' || !isPointer(pointer))) {
    return invalid('Expected `pointer` to be a JSON Pointer, such as "/items/0"')
  }
  return { type: 'reference', taskId: $ref }
}

function referenceSize(value: object, mostBytes: number): number {
  const { $ref, pointer } = value as OutputReference
  const whole = '{"$ref":}'.length + sizeOf($ref, mostBytes)
  return pointer === undefined ? whole : whole + ',"pointer":'.length + sizeOf(pointer, mostBytes)
}

function invalid(message: string): ArgumentFinding {
  return { type: 'invalid_reference', message }
}
