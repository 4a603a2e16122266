import { wholeCharacters } from './json-size.js'
import { isName } from './name-limit.js'

interface IssueBase {
  /** What is wrong and what was expected, in one line. Public text: it quotes nothing but the DAG itself. */
  readonly message: string
  /** JSON Pointer into the DAG (RFC 6901). One of more than 512 characters ends at the last enclosing place that has fewer. */
  readonly pointer: string
}

interface NearestMember {
  /**
   * The one that was probably meant: another task's id, or a tool's name, that is nearly the same. Put in the place that `pointer`
   * points to, it repairs the plan as far as this issue goes. Left out where none is.
   */
  readonly nearest?: string
}

/**
 * One thing that is wrong with a DAG, told apart by `code`. An id or a name that is longer than one may be is shortened, with `…` at
 * its end.
 */
export type DagIssue = IssueBase &
  (
    | { readonly code: 'invalid_type' }
    | { readonly code: 'invalid_value' }
    /** A task or its `retry` has a member that is none: `member` is nearly the same, or what others call so. */
    | { readonly code: 'unknown_member'; readonly member: string }
    | { readonly code: 'too_many_tasks'; readonly count: number; readonly maxTasks: number }
    /** The positions in `tasks` of the first task with this id, and of this one. */
    | { readonly code: 'duplicate_id'; readonly taskId: string; readonly positions: readonly [number, number] }
    /** `dependsOn` has more entries, repeated ones included, than a DAG may have tasks; they were not looked at. */
    | {
        readonly code: 'too_many_dependencies'
        readonly taskId: string
        readonly count: number
        readonly maxDependencies: number
      }
    | ({ readonly code: 'missing_dependency'; readonly taskId: string; readonly dependency: string } & NearestMember)
    | ({ readonly code: 'unknown_tool'; readonly taskId: string; readonly tool: string } & NearestMember)
    /**
     * Each task in the path depends on the next one; the last is the first again. Two issues never have the same dependencies, and each
     * part of the graph that is caught in cycles has at least one; every task that depends on itself has one of its own.
     */
    | { readonly code: 'cycle'; readonly path: readonly string[] }
    | { readonly code: 'invalid_reference' }
    /** `nearest` only where there is no such task in the whole DAG. `pointer` ends with `$ref`, unless it was too long. */
    | ({
        readonly code: 'reference_not_a_dependency'
        readonly taskId: string
        readonly reference: string
      } & NearestMember)
    | { readonly code: 'arguments_too_deep'; readonly maxDepth: number }
    | { readonly code: 'arguments_too_large'; readonly taskId: string; readonly maxArgumentBytes: number }
    | { readonly code: 'invalid_arguments'; readonly taskId: string; readonly tool: string }
    /** There are more issues than are listed. */
    | { readonly code: 'too_many_issues'; readonly maxIssues: number }
  )

const maxIssues = 100

/** Takes issues up to a limit, so that a hostile DAG is not answered with a list many times its size. */
export class IssueList {
  readonly issues: DagIssue[] = []

  /** Nothing more is taken: whoever looks for issues can stop. */
  get isFull(): boolean {
    return this.issues.length > maxIssues
  }

  add(issue: DagIssue): void {
    if (this.isFull) return
    if (this.issues.length < maxIssues) {
      this.issues.push(issue)
    } else {
      const message = `There are more issues than these ${maxIssues}`
      this.issues.push({ code: 'too_many_issues', pointer: '', message, maxIssues })
    }
  }
}

const brand = Symbol.for('@x/dag-executor.DagValidationError')

/** A DAG was refused before anything started; `issues` lists all that is wrong with it. */
export class DagValidationError extends Error {
  override readonly name = 'DagValidationError'
  readonly code = 'invalid_dag'
  readonly issues: readonly DagIssue[]

  constructor(issues: readonly DagIssue[], options?: ErrorOptions) {
    const first = issues.slice(0, 3).map(({ pointer, message }) => `${pointer || '(root)'}: ${message}`)
    const more = issues.length > first.length ? ` (and ${issues.length - first.length} more)` : ''
    super(`The DAG cannot be run. ${first.join('; ')}${more}`, options)
    this.issues = issues
    Object.defineProperty(this, brand, { value: true })
  }

  /** Whether `value` is a DagValidationError, also one of another copy of this package. Never throws, whatever the value. */
  static isInstance(value: unknown): value is DagValidationError {
    try {
      return typeof value === 'object' && value !== null && brand in value
    } catch {
      // A Proxy may throw on any question; it is then not one of ours.
      return false
    }
  }
}

const shortLength = 64

/** A text from outside as it may stand in an issue: short. */
export function shorten(text: string, maxLength = shortLength): string {
  return text.length > maxLength ? `${wholeCharacters(text, maxLength)}…` : text
}

/** An id or a name from outside as the member of an issue: itself where it can be one, and otherwise short. */
export function shortenName(name: string): string {
  return isName(name) ? name : shorten(name)
}

/** A name from outside as it may stand in a message: on one line, and short. */
export function quote(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shorten(value))
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : typeof value === 'number' ? String(value) : typeof value
}
