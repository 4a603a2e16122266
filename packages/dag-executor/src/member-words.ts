import { MemberNames } from './member-names.js'

// What other systems, and so the planners that know them, call the members: words that are hardly ever anything else.

const dependencyWords = `needs depends dependOn dependsUpon dependentOn dep deps dependency dependencies dependencyIds requires
  prerequisite prerequisites prereqs predecessor predecessors after runAfter startAfter waitFor waitsFor blockedBy parents parentIds
  upstream upstreamTasks`

const policyWords = {
  retry: `retries attempts maxRetries maxAttempts retryCount retryLimit retryPolicy retryConfig retryOptions retryStrategy retryDelay
    retryDelayMs retryOn backoff`,
  timeout: `timeoutMs timeoutMillis timeoutMilliseconds timeoutInMs timeoutSec timeoutSecs timeoutSeconds timeoutInSeconds
    timeoutMinutes timeLimit timeLimitMs taskTimeout attemptTimeout executionTimeout maxDuration maxDurationMs maxRuntime`,
  totalTimeout: 'totalTimeoutMs totalTimeoutSeconds overallTimeout',
  idleTimeout: 'idleTimeoutMs idleTimeoutSeconds inactivityTimeout',
  onError: `onFailure onFail onFailed errorHandling errorPolicy failurePolicy fallback fallbackValue continueOnError continueOnFailure
    ignoreError ignoreErrors allowFailure`,
  priority: '',
}

export const taskMembers = new MemberNames(
  {
    id: '',
    tool: '',
    arguments: `arg args argument kwargs input inputs inputArguments inputParameters param params parameter parameters with toolInput
      toolArgs toolArguments toolParams toolParameters functionArguments actionInput`,
    dependsOn: dependencyWords,
    ...policyWords,
  },
  {
    id: 'taskId',
    tool: `toolName toolId type kind function functionName fn func action run uses call command method operation op handler executor`,
  },
)

export const retryMembers = new MemberNames({
  attempts: 'maxAttempts maximumAttempts attemptCount retries maxRetries numRetries retryCount times count limit max',
  delayMs: `delay delaySeconds retryDelay retryDelayMs initialDelay initialDelayMs baseDelay baseDelayMs minDelay minDelayMs minTimeout
    interval intervalMs intervalSeconds initialInterval initialIntervalMs backoff backoffMs backoffSeconds initialBackoff
    initialBackoffMs wait waitMs`,
  factor: 'multiplier backoffFactor backoffMultiplier backoffCoefficient backoffRate exponentialBase',
  maxDelayMs: `maxDelay maxDelaySeconds maxBackoff maxBackoffMs maxInterval maxIntervalMs maximumInterval maxTimeout maxWait maxWaitMs`,
  jitter: 'jitterFactor randomize randomization randomizationFactor',
  retryOn: `retryIf retryWhen retryFor retryOnCodes retryOnErrors retryableErrors retryableCodes codes errorCodes errorEquals`,
})

/** Those of a task of a builder. */
export const definitionMembers = new MemberNames(
  { needs: `dependsOn inputs ${dependencyWords}`, run: '', ...policyWords },
  {
    run: `tool function fn func action execute exec executor call callback handler handle task work runner method operation command`,
  },
)

/** Whether a member of a task has a meaning. Compared one by one: names of members are single objects, so that it is a few comparisons. */
export function isTaskMember(name: string): boolean {
  switch (name) {
    case 'id':
    case 'tool':
    case 'dependsOn':
    case 'arguments':
    case 'retry':
    case 'timeout':
    case 'totalTimeout':
    case 'idleTimeout':
    case 'onError':
    case 'priority':
      return true
    default:
      return false
  }
}
