import { describe, expect, it } from 'vitest'
import { DagValidationError, ParallelExecutor, parseDag, type ToolRegistry, validateDag } from '../src/index.js'
import { rejection } from './held-tasks.js'

const tools: ToolRegistry = { ok: () => 1 }
const one = (args: unknown) => ({ tasks: [{ id: 'a', tool: 'ok', arguments: args as Record<string, unknown> }] })
const codes = (args: unknown, maxArgumentBytes?: number) =>
  validateDag(one(args), { maxArgumentBytes }).map(({ code }) => code)

describe('the size of arguments', () => {
  it.each([
    {},
    { a: [] },
    { a: [1, -0.5, 1e300, true, false, null] },
    { text: 'plain', 'a "key"\n': { deep: [{}, { b: 'é漢😀\ud800\u2028\u0001\\' }] } },
    { '😀': 0, 漢: [[[]]] },
    Object.fromEntries([['__proto__', { x: 1 }]]),
  ])('is that of their JSON text to the byte (%j)', (args) => {
    const bytes = Buffer.byteLength(JSON.stringify(args))
    expect(codes(args, bytes)).toEqual([])
    if (bytes > 2) expect(codes(args, bytes - 1)).toEqual(['arguments_too_large'])
  })

  it('counts references as they are written, not what will be in their place', () => {
    const args = { x: [{ $ref: 'b' }, { $ref: 'b', pointer: '/"a"' }] }
    const dag = {
      tasks: [
        { id: 'b', tool: 'ok' },
        { ...one(args).tasks[0], dependsOn: ['b'] },
      ],
    }
    const bytes = Buffer.byteLength(JSON.stringify(args))
    expect(validateDag(dag, { maxArgumentBytes: bytes })).toEqual([])
    expect(validateDag(dag, { maxArgumentBytes: bytes - 1 })).toMatchObject([{ code: 'arguments_too_large' }])
  })

  it('counts what has no JSON text as null', () => {
    const args = { a: undefined, b: () => 1, c: Symbol('s'), d: 1n, e: new Map([[1, 2]]), f: Number.NaN }
    const bytes = JSON.stringify({ a: null, b: null, c: null, d: null, e: null, f: null }).length
    expect(codes(args, bytes)).toEqual([])
    expect(codes(args, bytes - 1)).toEqual(['arguments_too_large'])
  })

  it('is at most a megabyte where nothing else is said, and the issue names the task', () => {
    expect(codes({ text: 'x'.repeat(2 ** 20 - '{"text":""}'.length) })).toEqual([])
    expect(validateDag(one({ text: 'x'.repeat(2 ** 20) }))).toEqual([
      {
        code: 'arguments_too_large',
        pointer: '/tasks/0/arguments',
        message: 'Expected the arguments of "a" to be at most 1048576 bytes long as JSON',
        taskId: 'a',
        maxArgumentBytes: 1_048_576,
      },
    ])
    expect(codes({ text: 'x'.repeat(2 ** 20) }, Number.POSITIVE_INFINITY)).toEqual([])
  })

  it('is limited for an executor and for parseDag as well', async () => {
    const dag = one({ text: 'x'.repeat(100) })
    const error = await rejection(new ParallelExecutor({ tools, maxArgumentBytes: 100 }).execute(dag))
    expect(DagValidationError.isInstance(error) && error.issues).toMatchObject([{ code: 'arguments_too_large' }])
    expect(parseDag(dag, { maxArgumentBytes: 100 }).issues).toMatchObject([{ code: 'arguments_too_large' }])
    expect((await new ParallelExecutor({ tools, maxArgumentBytes: 200 }).execute(dag)).status).toBe('success')
  })

  it('bounds the work: what is shared a thousand times over is not looked at a thousand times', () => {
    // 2^60 ways lead through this to the end of it.
    let shared: Record<string, unknown> = {}
    for (let level = 0; level < 60; level += 1) shared = { left: shared, right: shared }
    expect(codes(shared)).toEqual(['arguments_too_large'])
    expect(codes({ sparse: new Array(2 ** 32 - 1) })).toEqual(['arguments_too_large'])
  })

  it.each([0, -1, 1.5, Number.NaN])('is not limited to %d', (maxArgumentBytes) => {
    expect(() => validateDag(one({}), { maxArgumentBytes })).toThrow('Expected `maxArgumentBytes` to be')
    expect(() => new ParallelExecutor({ maxArgumentBytes })).toThrow('Expected `maxArgumentBytes` to be')
  })
})
