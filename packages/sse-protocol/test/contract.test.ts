import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import {
  agentEvents,
  defineEvents,
  type EventContract,
  executionEvents,
  isReservedType,
  ProtocolError,
} from '../src/index.js'
import type { StandardSchemaV1 } from '../src/standard-schema.js'

const failure = { code: 'stream_timeout', message: 'The run took too long.' }

describe('contracts', () => {
  it('§8.1 a session ends with agent:complete or a fatal agent:error', () => {
    expect(agentEvents.isTerminal('agent:complete', {})).toBe(true)
    expect(agentEvents.isTerminal('agent:error', { fatal: true })).toBe(true)
    expect(agentEvents.isTerminal('agent:error', { fatal: false })).toBe(false)
  })

  it('§8.3 execution_complete ends a workflow, and is an ordinary event of a session', () => {
    expect(executionEvents.isTerminal('execution_complete', {})).toBe(true)
    expect(agentEvents.isTerminal('execution_complete', {})).toBe(false)
    expect(agentEvents.types.has('task_complete')).toBe(true)
  })

  it.each([
    ['agent', agentEvents],
    ['execution', executionEvents],
  ])('§6.5 the failure events of the %s contract end with a terminal one and carry the public text', (_, contract) => {
    const events = contract.failure(failure)
    expect(events.map(({ type, data }) => contract.isTerminal(type, data))).toEqual(
      events.map((_, i) => i === events.length - 1),
    )
    expect(JSON.stringify(events)).toContain(failure.message)
  })

  it.each(['toString', '__proto__', 'constructor', 'message'])('an unknown type such as %s ends nothing', (type) => {
    expect(agentEvents.isTerminal(type, {})).toBe(false)
  })

  it('refuses types that no frame could carry, and a stream without an end', () => {
    const none = { failure: () => [] }
    expect(() => defineEvents({ types: { 'a\nb': { terminal: true } }, ...none })).toThrow(ProtocolError)
    expect(() => defineEvents({ types: { '': { terminal: true } }, ...none })).toThrow(ProtocolError)
    expect(() => defineEvents({ types: { tick: {} }, ...none })).toThrow(/could end/)
  })

  it('§2.5 heartbeat and stream:* are reserved', () => {
    expect(['heartbeat', 'stream:gap', 'stream:x'].every(isReservedType)).toBe(true)
    expect(['heartbeats', 'streams', 'agent:status'].some(isReservedType)).toBe(false)
  })
})

/** A schema by hand: what a library is to us, and nothing more. */
function schemaOf<Input, Output = Input>(
  validate: StandardSchemaV1<Input, Output>['~standard']['validate'],
): StandardSchemaV1<Input, Output> {
  return { '~standard': { version: 1, vendor: 'by-hand', validate } }
}

/** A contract whose type `tick` has this schema. */
function contractOf<Input, Output>(schema: StandardSchemaV1<Input, Output>) {
  return defineEvents({ types: { tick: { schema }, note: {}, done: { terminal: true } }, failure: () => [] })
}

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('Nothing was thrown')
}

describe('schemas', () => {
  const doubling = schemaOf<{ n: number }, { twice: number }>((value) => ({
    value: { twice: (value as { n: number }).n * 2 },
  }))

  it('what is valid becomes what its schema makes of it', () => {
    expect(contractOf(doubling).validate('tick', { n: 2 })).toEqual({ twice: 4 })
  })

  it('what no schema is about stays the same value, also of an unknown type', () => {
    const data = { n: 2 }
    for (const contract of [contractOf(doubling), agentEvents]) {
      for (const type of ['note', 'done', 'unknown', 'toString', '__proto__', 'agent:chunk']) {
        expect(contract.validate(type, data)).toBe(data)
      }
      expect(contract.validate('note', undefined)).toBe(undefined)
    }
  })

  it('what is invalid is an error with its type and every issue, at JSON Pointers', () => {
    const issues = [
      { message: 'of the whole' },
      { message: 'of the root', path: [] },
      { message: 'inside', path: ['items', 0, { key: 'a/b~c' }] },
      { message: 'of a symbol', path: [Symbol('s'), ''] },
    ]
    const error = thrownBy(() => contractOf(schemaOf(() => ({ issues }))).validate('tick', {}))
    expect(error).toBeInstanceOf(ProtocolError)
    expect(error).toMatchObject({
      code: 'invalid_data',
      type: 'tick',
      issues: [
        { message: 'of the whole', pointer: '' },
        { message: 'of the root', pointer: '' },
        { message: 'inside', pointer: '/items/0/a~1b~0c' },
        { message: 'of a symbol', pointer: '/Symbol(s)/' },
      ],
      message: 'The data of tick is invalid: of the whole',
    })
  })

  it('a refusal that names no issue is a refusal all the same', () => {
    const error = thrownBy(() => contractOf(schemaOf(() => ({ issues: [] }))).validate('tick', {}))
    expect(error).toMatchObject({ code: 'invalid_data', issues: [] })
  })

  it('a schema that throws is invalid data, with the cause and without issues', () => {
    const cause = new Error('a fault of the schema')
    const throwing = schemaOf(() => {
      throw cause
    })
    const error = thrownBy(() => contractOf(throwing).validate('tick', {}))
    expect(error).toMatchObject({ code: 'invalid_data', type: 'tick', issues: [], cause })
  })

  it.each([
    ['resolves', async () => ({ value: 1 })],
    [
      'rejects',
      async () => {
        throw new Error('too late')
      },
    ],
    // biome-ignore lint/suspicious/noThenProperty: what another realm, or another library, calls a promise
    ["is not the platform's", () => ({ then: () => {} }) as never],
  ])('a promise that %s is refused: validators must be synchronous', async (_, validate) => {
    const unhandled: unknown[] = []
    const listener = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', listener)
    onTestFinished(() => void process.off('unhandledRejection', listener))
    const error = thrownBy(() => contractOf(schemaOf<number>(validate)).validate('tick', {}))
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ message: 'The schema of tick is asynchronous, or threw' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(unhandled).toEqual([])
  })

  it.each([[null], [{}], [() => true], ['string'], [{ type: 'object' }], [{ '~standard': { version: 1 } }]])(
    '%o is no Standard Schema, which shows when the contract is made',
    (schema) => {
      expect(() => contractOf(schema as never)).toThrow(
        new TypeError('Expected the schema of tick to be a Standard Schema'),
      )
    },
  )

  it('a schema may be a function, as those of some libraries are', () => {
    const callable = Object.assign(() => true, doubling)
    expect(contractOf(callable).validate('tick', { n: 1 })).toEqual({ twice: 2 })
  })

  it('whether an event is terminal is asked of the data as it was published', () => {
    const contract = defineEvents({
      types: {
        done: {
          schema: z.object({ last: z.string().transform((text) => text.length) }),
          terminal: (data) => data.last === 'yes',
        },
      },
      failure: () => [{ type: 'done', data: { last: 'yes' } }],
    })
    expect(contract.validate('done', { last: 'yes' })).toEqual({ last: 3 })
    expect(contract.isTerminal('done', { last: 'yes' })).toBe(true)
  })
})

describe('schemas of a library', () => {
  const contract = contractOf(
    z.object({
      n: z.number(),
      at: z.iso.datetime().transform((text) => new Date(text)),
      tags: z.array(z.string()).default([]),
    }),
  )

  it('transform, fill in and drop what they do not know', () => {
    const at = '2026-01-02T03:04:05.678Z'
    expect(contract.validate('tick', { n: 1, at, more: true })).toEqual({ n: 1, at: new Date(at), tags: [] })
  })

  it('name every fault', () => {
    expect(thrownBy(() => contract.validate('tick', { n: 'x', at: 'then', tags: ['a', 1] }))).toMatchObject({
      code: 'invalid_data',
      issues: [{ pointer: '/n' }, { pointer: '/at' }, { pointer: '/tags/1' }],
    })
  })

  it.each([
    ['is asynchronous', z.number().refine(async () => true)],
    [
      'throws',
      z.number().refine(() => {
        throw new Error('a fault of the check')
      }),
    ],
  ])('a check that %s is refused', (_, schema) => {
    expect(() => contractOf(schema).validate('tick', 1)).toThrow(TypeError)
  })
})

describe('the types of a contract', () => {
  const n = z.object({ n: z.number() })

  it('are inferred from its schemas: their input is published, their output is received', () => {
    const contract = defineEvents({
      types: {
        tick: { schema: z.object({ n: z.number().default(0), at: z.string().transform((text) => new Date(text)) }) },
        hand: { schema: schemaOf<{ n: number }, { twice: number }>(() => ({ issues: [] })) },
        none: {},
        done: {
          schema: z.object({ total: z.number(), fatal: z.boolean().optional() }),
          terminal: (data) => {
            expectTypeOf(data).toEqualTypeOf<{ total: number; fatal?: boolean | undefined }>()
            return data.fatal === true
          },
        },
      },
      failure: ({ code }) => [{ type: 'done', data: { total: code.length } }],
    })
    interface Published {
      tick: { n?: number | undefined; at: string }
      hand: { n: number }
      none: unknown
      done: { total: number; fatal?: boolean | undefined }
    }
    interface Received {
      tick: { n: number; at: Date }
      hand: { twice: number }
      none: unknown
      done: { total: number; fatal?: boolean | undefined }
    }
    expectTypeOf(contract).toEqualTypeOf<EventContract<Published, Received>>()
    expectTypeOf(contract).not.toExtend<EventContract<Published>>()
  })

  it('are those of a map where one is given, with and without schemas', () => {
    interface Events {
      tick: { n: number }
      done: { fatal: boolean }
    }
    const contract = defineEvents<Events>({
      types: { tick: { schema: n }, done: { terminal: (data) => data.fatal } },
      failure: () => [{ type: 'done', data: { fatal: true } }],
    })
    expectTypeOf(contract).toEqualTypeOf<EventContract<Events>>()
    const both = defineEvents<Events, { tick: { twice: number }; done: { fatal: boolean } }>({
      types: { tick: { schema: n.transform((data) => ({ twice: data.n * 2 })) }, done: { terminal: true } },
      failure: () => [{ type: 'done', data: { fatal: true } }],
    })
    expectTypeOf(both).toEqualTypeOf<EventContract<Events, { tick: { twice: number }; done: { fatal: boolean } }>>()
  })

  it('refuse at compile time what does not fit them', () => {
    interface Events {
      tick: { n: number }
      done: { total: number }
    }
    const failure = (): [] => []
    const done = { terminal: true }
    // @ts-expect-error: the schema is of something else
    defineEvents<Events>({ types: { tick: { schema: z.object({ n: z.string() }) }, done }, failure })
    // @ts-expect-error: one map is of what is published and of what is received, which this schema makes different
    defineEvents<Events>({ types: { tick: { schema: n.transform(() => 'text') }, done }, failure })
    // @ts-expect-error: a type is missing
    defineEvents<Events>({ types: { done }, failure })
    // @ts-expect-error: the map has no such type
    defineEvents<Events>({ types: { tick: {}, tock: {}, done }, failure })
    // @ts-expect-error: a type has no such member
    defineEvents({ types: { tick: { skema: n }, done }, failure })
    // @ts-expect-error: the failure event is not of the schema
    defineEvents({ types: { done: { schema: n, terminal: true } }, failure: () => [{ type: 'done', data: { n: '' } }] })
    // @ts-expect-error: the failure event is of no type
    defineEvents({ types: { done: { schema: n, terminal: true } }, failure: () => [{ type: 'over', data: { n: 1 } }] })
    expect(defineEvents<Events>({ types: { tick: { schema: n }, done }, failure }).types.size).toBe(2)
  })
})
