import type { TaskPolicy } from './dag.js'
import { quote } from './dag-issue.js'

/** A task's policy with every default applied. */
export interface ResolvedPolicy {
  readonly attempts: number
  readonly delayMs: number
  readonly factor: number
  readonly maxDelayMs: number
  readonly jitter: number
  /** `Infinity` where there is no limit. */
  readonly timeout: number
  readonly priority: number
}

/** Each attempt has its events, so that their number has to have a bound. */
const maxAttempts = 100

type Rule = readonly [member: string, expected: string, holds: (value: number) => boolean]

/** What every delay can be sent and counted as: a JSON number that is whole. Later than this nothing happens anyway. */
export const longestDelayMs = Number.MAX_SAFE_INTEGER

const duration = (value: number): boolean => value >= 0

const taskRules: readonly Rule[] = [
  ['timeout', 'milliseconds, 0 or more', duration],
  ['priority', 'a finite number', Number.isFinite],
]

const retryRules: readonly Rule[] = [
  ['attempts', `an integer from 1 to ${maxAttempts}`, (n) => Number.isInteger(n) && n >= 1 && n <= maxAttempts],
  ['delayMs', 'milliseconds, 0 or more', (n) => duration(n) && Number.isFinite(n)],
  ['factor', 'a number of at least 1', (n) => n >= 1 && Number.isFinite(n)],
  ['maxDelayMs', 'milliseconds, 0 or more', duration],
  ['jitter', 'a number from 0 to 1', (n) => n >= 0 && n <= 1],
]

/** What is wrong with the policy members of a task from outside. */
export function checkPolicy(task: Record<string, unknown>): { member: string[]; message: string }[] {
  const faults = checkRules(taskRules, task, [])
  const { retry } = task
  if (retry === undefined) return faults
  if (typeof retry !== 'object' || retry === null || Array.isArray(retry)) {
    return [...faults, { member: ['retry'], message: `Expected \`retry\` to be an object, got ${quote(retry)}` }]
  }
  const policy = retry as Record<string, unknown>
  if (policy.attempts === undefined) {
    faults.push({ member: ['retry'], message: 'Expected `retry` to have `attempts`' })
  }
  return [...faults, ...checkRules(retryRules, policy, ['retry'])]
}

export function resolvePolicy({ retry, timeout = 0, priority = 0 }: TaskPolicy): ResolvedPolicy {
  return {
    attempts: retry?.attempts ?? 1,
    delayMs: retry?.delayMs ?? 1_000,
    factor: retry?.factor ?? 2,
    maxDelayMs: retry?.maxDelayMs ?? 30_000,
    jitter: retry?.jitter ?? 0.5,
    timeout: timeout === 0 ? Number.POSITIVE_INFINITY : timeout,
    priority,
  }
}

/** Milliseconds to wait after the given attempt failed: whole, and never more than can be sent. `random` is from 0 to 1. */
export function retryDelay(policy: ResolvedPolicy, attempt: number, random: number): number {
  // The power may be infinite, and no multiple of nothing is anything.
  if (policy.delayMs === 0) return 0
  const delay = Math.min(policy.delayMs * policy.factor ** (attempt - 1), policy.maxDelayMs, longestDelayMs)
  // The sum turns -0, which is a duration like 0, into 0.
  return Math.round(delay * (1 - policy.jitter * random)) + 0
}

function checkRules(rules: readonly Rule[], values: Record<string, unknown>, path: string[]) {
  return rules.flatMap(([member, expected, holds]) => {
    const value = values[member]
    if (value === undefined || (typeof value === 'number' && holds(value))) return []
    return [{ member: [...path, member], message: `Expected \`${member}\` to be ${expected}, got ${quote(value)}` }]
  })
}
