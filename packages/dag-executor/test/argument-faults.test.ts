import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ParallelExecutor, type ToolRegistry, type ValidateArguments, validateDag } from '../src/index.js'
import { graph, rejection } from './held-tasks.js'

const tools: ToolRegistry = { typed: { run: () => 1, inputSchema: {} } }
const dag = graph({ a: [] }, 'typed')
const returning = (answer: unknown) => (() => answer) as unknown as ValidateArguments
const expected = 'Expected `validateArguments` to return an array of `{pointer, message}`'

describe('validateArguments', () => {
  it.each([
    ['a promise', Promise.resolve([])],
    ['true', true],
    ['null', null],
    ['undefined', undefined],
    ['{valid, errors}', { valid: false, errors: [] }],
    ['{instancePath, keyword, message} in it', [{ instancePath: '/n', keyword: 'type', message: 'must be number' }]],
    ['"must be number" in it', ['must be number']],
    ['null in it', [null]],
  ])('that returns %s is misuse, and told at once', async (shown, answer) => {
    const validateArguments = returning(answer)
    const error = new TypeError(`${expected}, got ${shown}`)
    expect(() => validateDag(dag, { tools, validateArguments })).toThrow(error)
    expect(await rejection(new ParallelExecutor({ tools, validateArguments }).execute(dag))).toEqual(error)
  })

  it('that returns a promise leaves no rejection behind that nobody handles', async () => {
    const unhandled: unknown[] = []
    const listen = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', listen)
    const validateArguments = (async () => {
      throw new Error('no')
    }) as unknown as ValidateArguments
    expect(() => validateDag(dag, { tools, validateArguments })).toThrow('got a promise')
    await nextTurn()
    process.off('unhandledRejection', listen)
    expect(unhandled).toEqual([])
  })
})

describe('tools', () => {
  it.each([
    ['a Map', new Map([['ok', () => 1]]), 'Object.fromEntries(tools)'],
    ['an array', [{ name: 'ok', run: () => 1 }], '{ name: tool }'],
    ['an array', [], '{ name: tool }'],
  ])('given as %s are refused, with what to give', (got, given, instead) => {
    const error = new TypeError(`Expected \`tools\` to be an object of tools by name, such as ${instead}, got ${got}`)
    expect(() => new ParallelExecutor({ tools: given as never })).toThrow(error)
    expect(() => validateDag({ tasks: [] }, { tools: given as never })).toThrow(error)
  })
})

it('a validator that fails at the call of a tool fails that task, once, with what it did as the cause', async () => {
  const executor = new ParallelExecutor({
    tools: { give: () => 1, take: { run: () => 2, inputSchema: {} } },
    // Async, as none may be; for the arguments of `a`, which are checked before, there is no schema.
    validateArguments: (async () => []) as never,
  })
  const tasks = [
    { id: 'a', tool: 'give' },
    { id: 'b', tool: 'take', dependsOn: ['a'], arguments: { x: { $ref: 'a' } }, retry: { attempts: 3, delayMs: 0 } },
  ]
  const { results } = await executor.execute({ tasks })
  expect(results[1]).toMatchObject({ status: 'error', code: 'invalid_arguments', attempts: 1 })
  const cause = results[1]?.cause as Error
  expect(String(cause.cause)).toContain('Expected `validateArguments` to return an array')
})
