import { maxDurationMs, type ResolvedPolicy } from './policy.js'
import { failureCode } from './task-failure.js'

/** Failures that another attempt cannot mend. */
const finalCodes: ReadonlySet<string> = new Set(['invalid_arguments', 'unresolved_reference', 'unserialisable_output'])

/** Whether another attempt is to follow the given one, which failed. Never throws. */
export function mayRetry({ attempts, retryOn }: ResolvedPolicy, error: unknown, attempt: number): boolean {
  if (attempt >= attempts) return false
  const code = failureCode(error)
  if (finalCodes.has(code)) return false
  if (typeof retryOn !== 'function') return retryOn === undefined || retryOn.includes(code)
  try {
    return retryOn(error, attempt) === true
  } catch {
    return false
  }
}

/** Milliseconds to wait after the given attempt failed: whole, and never more than can be sent. `random` is from 0 to 1. */
export function retryDelay(policy: ResolvedPolicy, attempt: number, random: number): number {
  // The power may be infinite, and no multiple of nothing is anything.
  if (policy.delayMs === 0) return 0
  const delay = Math.min(policy.delayMs * policy.factor ** (attempt - 1), policy.maxDelayMs, maxDurationMs)
  // The sum turns -0, which is a duration like 0, into 0.
  return Math.round(delay * (1 - policy.jitter * random)) + 0
}
