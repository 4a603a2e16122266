import { ToolError } from './tool-error.js'

/** The task that an error text is about. */
export interface FailedTask {
  readonly id: string
  readonly tool: string
}

/** Turns what a tool threw into a text for the public. */
export type PublicError = (error: unknown, task: FailedTask) => string

const genericText = 'The task failed.'

/**
 * The default of `publicError`: a ToolError's message, and for anything else the same sentence, which reveals nothing
 * (PROTOCOL.md §8.6). Never throws.
 */
export function publicErrorText(error: unknown): string {
  return publicMessage(error) ?? genericText
}

/** The message of a ToolError. Never throws. */
export function publicMessage(error: unknown): string | undefined {
  try {
    // Read once: it may be a getter.
    const message: unknown = ToolError.isInstance(error) ? error.message : undefined
    return typeof message === 'string' ? message : undefined
  } catch {
    return undefined
  }
}

/** What `publicError` says; where it throws or says nothing, the default, since an event needs a text in any case. */
export function safePublicError(publicError: PublicError, error: unknown, task: FailedTask): string {
  try {
    const text = publicError(error, task)
    if (typeof text === 'string') return text
  } catch {
    // What it threw may be as private as what it was asked about.
  }
  return publicErrorText(error)
}

/** A readable text for any thrown value, for this process only: it may hold what is private. Never throws. */
export function rawErrorText(error: unknown): string {
  try {
    if (typeof error === 'string') return error
    if (typeof error === 'object' && error !== null) return objectText(error)
    return `The task threw ${String(error)}`
  } catch {
    return 'The task threw a value that cannot be read'
  }
}

function objectText(error: object): string {
  const message = 'message' in error ? error.message : undefined
  if (typeof message === 'string' && message !== '') return message
  const errors = 'errors' in error ? error.errors : undefined
  if (Array.isArray(errors) && errors.length > 0) {
    // One level only: an AggregateError may hold itself.
    return errors.map((inner) => (inner instanceof Error ? inner.message : typeof inner)).join('; ')
  }
  const name = 'name' in error ? error.name : undefined
  return typeof name === 'string' && name !== '' ? name : Object.prototype.toString.call(error)
}
