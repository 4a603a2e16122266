import type { RetryPolicy, TaskPolicy } from './dag.js'
import { unknownMember } from './member-names.js'
import { retryMembers } from './member-words.js'

/** What is given as a task's policy, of any type. */
export type GivenPolicy = { readonly [Member in keyof TaskPolicy]-?: unknown }

/** What is given as its `retry`, if that is an object. */
export type GivenRetry = { readonly [Member in keyof RetryPolicy]-?: unknown } & {
  readonly unknownMembers: readonly PolicyFault[]
}

export interface PolicyFault {
  readonly path: readonly string[]
  readonly message: string
  /** The one that a member which does not exist was probably meant to be. */
  readonly member?: string
}

export const maxRetryCodes = 100

/** A list of issues takes no more. */
const maxUnknownMembers = 101

const noFaults: readonly PolicyFault[] = []

/** The policy members of a task from outside, each read once; `undefined` where it has none of them. */
export function readPolicy(task: Record<string, unknown>): GivenPolicy | undefined {
  const { retry, timeout, totalTimeout, idleTimeout, onError, priority } = task
  const isDefault =
    retry === undefined &&
    timeout === undefined &&
    totalTimeout === undefined &&
    idleTimeout === undefined &&
    onError === undefined &&
    priority === undefined
  if (isDefault) return undefined
  return { retry: readRetry(retry), timeout, totalTimeout, idleTimeout, onError: readOnError(onError), priority }
}

function readRetry(retry: unknown): unknown {
  if (typeof retry !== 'object' || retry === null || Array.isArray(retry)) return retry
  const { attempts, delayMs, factor, maxDelayMs, jitter, retryOn } = retry as Record<string, unknown>
  return {
    attempts,
    delayMs,
    factor,
    maxDelayMs,
    jitter,
    retryOn: Array.isArray(retryOn) ? readCodes(retryOn) : retryOn,
    unknownMembers: readUnknownMembers(retry),
  } satisfies GivenRetry
}

/** One more than there may be: what is too long is not copied as a whole. */
function readCodes(codes: readonly unknown[]): readonly unknown[] {
  return codes.slice(0, maxRetryCodes + 1)
}

function readUnknownMembers(retry: object): readonly PolicyFault[] {
  let faults: PolicyFault[] | undefined
  for (const name in retry) {
    const member = retryMembers.meantBy(name, {})
    if (member === undefined) continue
    faults ??= []
    faults.push({ path: ['retry', name], message: unknownMember(name, member), member })
    if (faults.length === maxUnknownMembers) break
  }
  return faults ?? noFaults
}

function readOnError(onError: unknown): unknown {
  if (typeof onError !== 'object' || onError === null || !Object.hasOwn(onError, 'fallback')) return onError
  return { fallback: (onError as { fallback: unknown }).fallback }
}
