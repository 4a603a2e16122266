import { MemberNames } from './member-names.js'

/** What other systems, and so the planners that know them, call the members of a task. None of these is anything else. */
const dependencyWords = [
  ...['needs', 'depends', 'dependOn', 'dependsUpon', 'dep', 'deps', 'dependency', 'dependencies', 'dependencyIds'],
  ...['requires', 'requiredTasks', 'prerequisite', 'prerequisites', 'prereqs', 'predecessor', 'predecessors'],
  ...['after', 'runAfter', 'startAfter', 'waitFor', 'waitsFor', 'blockedBy', 'parents', 'parentIds', 'upstream'],
  ...['upstreamTasks', 'dependentOn'],
]
const policyWords = {
  retry: [
    ...['retries', 'attempts', 'maxRetries', 'maxAttempts', 'retryCount', 'retryLimit', 'retryPolicy', 'retryConfig'],
    ...['retryOptions', 'retryStrategy', 'retryDelay', 'retryDelayMs', 'retryOn', 'backoff'],
  ],
  timeout: [
    ...['timeoutMs', 'timeoutMillis', 'timeoutMilliseconds', 'timeoutInMs', 'timeoutSeconds', 'timeoutSecs'],
    ...['timeoutSec', 'timeoutInSeconds', 'timeoutMinutes', 'timeLimit', 'timeLimitMs', 'taskTimeout'],
    ...['executionTimeout', 'attemptTimeout', 'maxDuration', 'maxDurationMs', 'maxRuntime'],
  ],
  totalTimeout: ['totalTimeoutMs', 'totalTimeoutSeconds', 'overallTimeout'],
  idleTimeout: ['idleTimeoutMs', 'idleTimeoutSeconds', 'inactivityTimeout'],
  onError: [
    ...['onFailure', 'onFail', 'onFailed', 'errorHandling', 'errorPolicy', 'failurePolicy', 'fallback'],
    ...['fallbackValue', 'continueOnError', 'continueOnFailure', 'ignoreError', 'ignoreErrors', 'allowFailure'],
  ],
  priority: [],
}

export const taskMembers = new MemberNames({
  id: [],
  tool: [],
  arguments: [
    ...['arg', 'args', 'argument', 'kwargs', 'input', 'inputs', 'param', 'params', 'parameter', 'parameters', 'with'],
    ...['toolInput', 'toolArgs', 'toolArguments', 'toolParams', 'toolParameters', 'actionInput', 'functionArguments'],
    ...['inputArguments', 'inputParameters'],
  ],
  dependsOn: dependencyWords,
  ...policyWords,
})

/** Words that may as well be a planner's own, next to the member they could stand for: they count only where there is none. */
export const absentTaskMembers = new MemberNames({
  id: ['taskId'],
  tool: [
    ...['toolName', 'toolId', 'type', 'kind', 'function', 'functionName', 'fn', 'func', 'action', 'run', 'uses', 'call'],
    ...['command', 'method', 'operation', 'op', 'handler', 'executor'],
  ],
})

export const retryMembers = new MemberNames({
  attempts: [
    ...['maxAttempts', 'maximumAttempts', 'attemptCount', 'retries', 'maxRetries', 'numRetries', 'retryCount', 'times'],
    ...['count', 'limit', 'max'],
  ],
  delayMs: [
    ...['delay', 'delaySeconds', 'retryDelay', 'retryDelayMs', 'initialDelay', 'initialDelayMs', 'baseDelay'],
    ...['baseDelayMs', 'minDelay', 'minDelayMs', 'minTimeout', 'interval', 'intervalMs', 'intervalSeconds'],
    ...['initialInterval', 'initialIntervalMs', 'backoff', 'backoffMs', 'backoffSeconds', 'initialBackoff'],
    ...['initialBackoffMs', 'wait', 'waitMs'],
  ],
  factor: ['multiplier', 'backoffFactor', 'backoffMultiplier', 'backoffCoefficient', 'backoffRate', 'exponentialBase'],
  maxDelayMs: [
    ...['maxDelay', 'maxDelaySeconds', 'maxBackoff', 'maxBackoffMs', 'maxInterval', 'maxIntervalMs'],
    ...['maximumInterval', 'maxTimeout', 'maxWait', 'maxWaitMs'],
  ],
  jitter: ['jitterFactor', 'randomize', 'randomization', 'randomizationFactor'],
  retryOn: [
    ...['retryIf', 'retryWhen', 'retryFor', 'retryOnCodes', 'retryOnErrors', 'retryableErrors', 'retryableCodes'],
    ...['codes', 'errorCodes', 'errorEquals'],
  ],
})

/** Those of a task whose work is a function. */
export const definitionMembers = new MemberNames({
  needs: ['dependsOn', ...dependencyWords.filter((word) => word !== 'needs'), 'input', 'inputs'],
  run: [],
  ...policyWords,
})

/** As `absentTaskMembers`. */
export const absentDefinitionMembers = new MemberNames({
  run: [
    ...['tool', 'function', 'fn', 'func', 'action', 'execute', 'exec', 'call', 'callback', 'handler', 'handle', 'task'],
    ...['work', 'runner', 'method', 'operation', 'command'],
  ],
})
