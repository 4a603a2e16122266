import type { OnError, RetryPolicy, TaskPolicy } from './dag.js'
import { quote } from './dag-issue.js'
import { isName, maxNameBytes } from './name-limit.js'
import { copyArguments, inspectArguments, maxArgumentDepth } from './references.js'

/** What a failure leaves to the tasks that depend on the one that failed. */
export type HandledFailure =
  | { readonly handled: 'ignored' }
  | { readonly handled: 'fallback'; readonly output: unknown }

/** A task's policy with every default applied. */
export interface ResolvedPolicy {
  readonly attempts: number
  readonly delayMs: number
  readonly factor: number
  readonly maxDelayMs: number
  readonly jitter: number
  readonly retryOn: RetryPolicy['retryOn']
  /** `Infinity` where there is no limit; so are the other two. */
  readonly timeout: number
  readonly totalTimeout: number
  readonly idleTimeout: number
  /** `undefined` where dependents are skipped. */
  readonly onError: HandledFailure | undefined
  readonly priority: number
}

/** Each attempt has its events, so that their number has to have a bound. */
const maxAttempts = 100

const maxRetryCodes = 100

type Rule = readonly [member: string, expected: string, holds: (value: number) => boolean]

interface PolicyFault {
  readonly member: string[]
  readonly message: string
}

/** What every delay can be sent and counted as: a JSON number that is whole. Later than this nothing happens anyway. */
export const longestDelayMs = Number.MAX_SAFE_INTEGER

const duration = (value: number): boolean => value >= 0

const taskRules: readonly Rule[] = [
  ['timeout', 'milliseconds, 0 or more', duration],
  ['totalTimeout', 'milliseconds, 0 or more', duration],
  ['idleTimeout', 'milliseconds, 0 or more', duration],
  ['priority', 'a finite number', Number.isFinite],
]

const retryRules: readonly Rule[] = [
  ['attempts', `an integer from 1 to ${maxAttempts}`, (n) => Number.isInteger(n) && n >= 1 && n <= maxAttempts],
  ['delayMs', 'milliseconds, 0 or more', (n) => duration(n) && Number.isFinite(n)],
  ['factor', 'a number of at least 1', (n) => n >= 1 && Number.isFinite(n)],
  ['maxDelayMs', 'milliseconds, 0 or more', duration],
  ['jitter', 'a number from 0 to 1', (n) => n >= 0 && n <= 1],
]

/** What is wrong with the policy members of a task from outside, whose fallback may be `maxBytes` long as JSON. */
export function checkPolicy(task: Record<string, unknown>, maxBytes: number): PolicyFault[] {
  const faults = [...checkRules(taskRules, task, []), ...checkOnError(task.onError, maxBytes)]
  const { retry } = task
  if (retry === undefined) return faults
  if (typeof retry !== 'object' || retry === null || Array.isArray(retry)) {
    return [...faults, { member: ['retry'], message: `Expected \`retry\` to be an object, got ${quote(retry)}` }]
  }
  const policy = retry as Record<string, unknown>
  if (policy.attempts === undefined) {
    faults.push({ member: ['retry'], message: 'Expected `retry` to have `attempts`' })
  }
  return [...faults, ...checkRules(retryRules, policy, ['retry']), ...checkRetryOn(policy.retryOn)]
}

export function resolvePolicy(policy: TaskPolicy): ResolvedPolicy {
  const { retry, timeout, totalTimeout, idleTimeout, onError, priority = 0 } = policy
  const retryOn = retry?.retryOn
  return {
    attempts: retry?.attempts ?? 1,
    delayMs: retry?.delayMs ?? 1_000,
    factor: retry?.factor ?? 2,
    maxDelayMs: retry?.maxDelayMs ?? 30_000,
    jitter: retry?.jitter ?? 0.5,
    retryOn: typeof retryOn === 'object' ? [...retryOn] : retryOn,
    timeout: limit(timeout),
    totalTimeout: limit(totalTimeout),
    idleTimeout: limit(idleTimeout),
    onError: resolveOnError(onError),
    priority,
  }
}

/** A copy, so that what the caller does to it afterwards changes nothing. */
export function copyOnError(onError: OnError): OnError {
  return typeof onError === 'object' ? { fallback: copyArguments(onError.fallback) } : onError
}

function resolveOnError(onError: OnError = 'skip-dependents'): HandledFailure | undefined {
  if (typeof onError === 'object') return { handled: 'fallback', output: copyArguments(onError.fallback) }
  switch (onError) {
    case 'skip-dependents':
      return undefined
    case 'ignore':
      return { handled: 'ignored' }
    default:
      return onError satisfies never
  }
}

function limit(durationMs = 0): number {
  return durationMs === 0 ? Number.POSITIVE_INFINITY : durationMs
}

function checkOnError(onError: unknown, maxBytes: number): PolicyFault[] {
  if (onError === undefined || onError === 'skip-dependents' || onError === 'ignore') return []
  if (typeof onError !== 'object' || onError === null || !Object.hasOwn(onError, 'fallback')) {
    const choices = '"skip-dependents", "ignore" or an object with `fallback`'
    return [{ member: ['onError'], message: `Expected \`onError\` to be ${choices}, got ${quote(onError)}` }]
  }
  let isData = true
  // In an object, since a fallback may be what arguments may not: a reference as a whole is found like any other.
  inspectArguments({ fallback: (onError as { fallback: unknown }).fallback }, maxBytes, () => {
    isData = false
    return false
  })
  const expected = `data without references, at most ${maxArgumentDepth} levels deep and ${maxBytes} bytes long as JSON`
  return isData ? [] : [{ member: ['onError', 'fallback'], message: `Expected \`fallback\` to be ${expected}` }]
}

function checkRetryOn(retryOn: unknown): PolicyFault[] {
  if (retryOn === undefined || typeof retryOn === 'function') return []
  const isList =
    Array.isArray(retryOn) &&
    retryOn.length <= maxRetryCodes &&
    retryOn.every((code) => typeof code === 'string' && isName(code))
  if (isList) return []
  const expected = `an array of at most ${maxRetryCodes} codes, each not empty and of at most ${maxNameBytes} bytes`
  return [{ member: ['retry', 'retryOn'], message: `Expected \`retryOn\` to be ${expected}, got ${quote(retryOn)}` }]
}

function checkRules(rules: readonly Rule[], values: Record<string, unknown>, path: string[]): PolicyFault[] {
  return rules.flatMap(([member, expected, holds]) => {
    const value = values[member]
    if (value === undefined || (typeof value === 'number' && holds(value))) return []
    return [{ member: [...path, member], message: `Expected \`${member}\` to be ${expected}, got ${quote(value)}` }]
  })
}
