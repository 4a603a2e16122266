import type { OnError, RetryPolicy, TaskPolicy } from './dag.js'
import { quote } from './dag-issue.js'
import { type GivenPolicy, type GivenRetry, maxRetryCodes, type PolicyFault } from './given-policy.js'
import { inspectArguments, maxArgumentDepth } from './inspect-arguments.js'
import { isName, maxNameBytes } from './name-limit.js'
import { copyArguments } from './references.js'

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

type Rule = readonly [member: string, expected: string, holds: (value: number) => boolean]

/** What every delay can be sent and counted as: a JSON number that is whole. Later than this nothing happens anyway. */
export const maxDurationMs = Number.MAX_SAFE_INTEGER

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

/** What is wrong with the policy of a task from outside, whose fallback may be `maxBytes` long as JSON. */
export function checkPolicy(policy: GivenPolicy, maxBytes: number): PolicyFault[] {
  const faults: PolicyFault[] = []
  checkRules(taskRules, policy, [], faults)
  checkOnError(policy.onError, maxBytes, faults)
  if (policy.retry !== undefined) checkRetry(policy.retry, faults)
  return faults
}

function checkRetry(retry: unknown, faults: PolicyFault[]): void {
  if (typeof retry !== 'object' || retry === null || Array.isArray(retry)) {
    faults.push({ path: ['retry'], message: `Expected \`retry\` to be an object, got ${quote(retry)}` })
    return
  }
  const policy = retry as GivenRetry
  if (policy.attempts === undefined) {
    faults.push({ path: ['retry'], message: 'Expected `retry` to have `attempts`' })
  }
  checkRules(retryRules, policy, ['retry'], faults)
  checkRetryOn(policy.retryOn, faults)
  faults.push(...policy.unknownMembers)
}

/** With every default; of a policy in which no fault was found. */
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

/** That of every task without one. */
export const defaultPolicy = resolvePolicy({})

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

function checkOnError(onError: unknown, maxBytes: number, faults: PolicyFault[]): void {
  if (onError === undefined || onError === 'skip-dependents' || onError === 'ignore') return
  if (typeof onError !== 'object' || onError === null || !Object.hasOwn(onError, 'fallback')) {
    const choices = '"skip-dependents", "ignore" or an object with `fallback`'
    faults.push({ path: ['onError'], message: `Expected \`onError\` to be ${choices}, got ${quote(onError)}` })
    return
  }
  const { fallback } = onError as { fallback: unknown }
  const path = ['onError', 'fallback']
  if (['undefined', 'function', 'symbol', 'bigint'].includes(typeof fallback)) {
    const hint = fallback === undefined ? `; for no output, use onError: 'ignore'` : ''
    faults.push({ path, message: `Expected \`fallback\` to be JSON, got ${quote(fallback)}${hint}` })
    return
  }
  let isData = true
  // In an object, since a fallback may be what arguments may not: a reference as a whole is found like any other.
  inspectArguments({ fallback }, maxBytes, () => {
    isData = false
    return false
  })
  if (isData) return
  const expected = `data without references, at most ${maxArgumentDepth} levels deep and ${maxBytes} bytes long as JSON`
  faults.push({ path, message: `Expected \`fallback\` to be ${expected}` })
}

function checkRetryOn(retryOn: unknown, faults: PolicyFault[]): void {
  if (retryOn === undefined || typeof retryOn === 'function') return
  const isList =
    Array.isArray(retryOn) &&
    retryOn.length <= maxRetryCodes &&
    retryOn.every((code) => typeof code === 'string' && isName(code))
  if (isList) return
  const expected = `an array of at most ${maxRetryCodes} codes, each not empty and of at most ${maxNameBytes} bytes`
  const message = `Expected \`retryOn\` to be ${expected}, got ${quote(retryOn)}`
  faults.push({ path: ['retry', 'retryOn'], message })
}

function checkRules(
  rules: readonly Rule[],
  values: Readonly<Record<string, unknown>>,
  path: readonly string[],
  faults: PolicyFault[],
): void {
  for (const [member, expected, holds] of rules) {
    const value = values[member]
    if (value === undefined || (typeof value === 'number' && holds(value))) continue
    const message = `Expected \`${member}\` to be ${expected}, got ${quote(value)}`
    faults.push({ path: [...path, member], message })
  }
}
