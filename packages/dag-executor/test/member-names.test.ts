import { describe, expect, it } from 'vitest'
import { parseDag, type ToolRegistry, validateDag } from '../src/index.js'

const tools: ToolRegistry = { ok: () => 1 }
const issuesOf = (members: object) => validateDag({ tasks: [{ id: 'a', tool: 'ok', ...members }] }, { tools })
const named = (names: string) => names.split(' ')

describe('a word that others use for a member of a task', () => {
  it.each([
    [
      'dependsOn',
      'needs dependencies dependency deps depends dependOn depends_on requires after parents upstream wait_for',
    ],
    ['arguments', 'args argument input inputs params parameters with tool_input'],
    ['retry', 'retries attempts maxRetries max_retries retryPolicy'],
    ['timeout', 'timeoutMs timeout_ms maxDuration'],
    ['totalTimeout', 'totalTimeoutMs'],
    ['idleTimeout', 'idle_timeout_ms'],
    ['onError', 'onFailure on_error fallback continue_on_error'],
  ])('for `%s` is an issue that names it', (member, names) => {
    for (const name of named(names)) {
      expect(issuesOf({ [name]: ['x'] })).toEqual([
        {
          code: 'unknown_member',
          pointer: `/tasks/0/${name}`,
          message: `Expected \`${member}\`, got "${name}"`,
          member,
        },
      ])
    }
  })

  it.each(named('type function fn action run toolName'))('for `tool` is one only where there is none: %s', (name) => {
    expect(issuesOf({ [name]: 'x' })).toEqual([])
    expect(validateDag({ tasks: [{ id: 'a', [name]: 'ok' }] }, { tools })).toMatchObject([
      { code: 'invalid_type', pointer: '/tasks/0/tool' },
      { code: 'unknown_member', pointer: `/tasks/0/${name}`, member: 'tool' },
    ])
  })

  it('for `id` is one only where there is none', () => {
    expect(issuesOf({ task_id: 'x' })).toEqual([])
    expect(validateDag({ tasks: [{ task_id: 'a', tool: 'ok' }] })).toMatchObject([
      { pointer: '/tasks/0/id' },
      { code: 'unknown_member', pointer: '/tasks/0/task_id', member: 'id' },
    ])
  })

  it('says that the right one is in milliseconds where the wrong one is not', () => {
    expect(issuesOf({ timeoutSeconds: 1, retry: { attempts: 2, delaySeconds: 1 } })).toMatchObject([
      { message: 'Expected `delayMs`, in milliseconds, got "delaySeconds"' },
      { message: 'Expected `timeout`, in milliseconds, got "timeoutSeconds"' },
    ])
  })

  it.each(named('name description title metadata label notes reason output outputs status phase constructor'))(
    'is not `%s`',
    (name) => {
      expect(issuesOf({ [name]: 'x', retry: { attempts: 1, [name]: 'x' } })).toEqual([])
    },
  )
})

describe('a member of `retry`', () => {
  it.each([
    ['attempts', 'maxAttempts max_attempts retries times count atempts'],
    ['delayMs', 'delay backoff initialDelay interval backoffMs delay_ms delaysMs'],
    ['maxDelayMs', 'maxDelay maxBackoff maxDelayms'],
    ['factor', 'multiplier backoffFactor facter'],
    ['jitter', 'jiter randomize'],
    ['retryOn', 'retryIf retryableErrors codes retry_on'],
  ])('`%s` is named where another word or a misspelt one stands for it', (member, names) => {
    for (const name of named(names)) {
      expect(issuesOf({ retry: { attempts: 2, [name]: 1 } })).toEqual([
        {
          code: 'unknown_member',
          pointer: `/tasks/0/retry/${name}`,
          message: `Expected \`${member}\`, got "${name}"`,
          member,
        },
      ])
    }
  })

  it("that is a planner's own is left alone, and left out of a copy", () => {
    const retry = { attempts: 2, strategy: 'exponential', comment: 'x' }
    const { dag } = parseDag({ tasks: [{ id: 'a', tool: 'ok', retry }] })
    expect(dag?.tasks[0]?.retry).toEqual({ attempts: 2 })
  })

  it('makes no more issues than a list takes', () => {
    const retry = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`delay${'_'.repeat(i % 15)}${i}`, 1]))
    expect(issuesOf({ retry: { ...retry, attempts: 2 } })).toHaveLength(101)
  })
})

describe('a fallback', () => {
  it.each([[undefined], [() => 1], [1n], [Symbol('s')]])('is refused where it has no JSON text: %s', (fallback) => {
    expect(issuesOf({ onError: { fallback } })).toMatchObject([
      { code: 'invalid_value', pointer: '/tasks/0/onError/fallback', message: /^Expected `fallback` to be JSON, got / },
    ])
  })

  it('that is undefined is said to be what `ignore` is for', () => {
    expect(issuesOf({ onError: { fallback: undefined } })[0]?.message).toContain("use onError: 'ignore'")
  })
})
