import { defineEvents, encodeEvent, ProtocolError } from '@x/sse-protocol'
import { expect, expectTypeOf, it, vi } from 'vitest'
import { EventStreamClient, EventStreamError } from '../src/index.js'
import { openStream, serve } from './http-server.js'
import { opening, read } from './reading.js'

/** A Standard Schema by hand: what `judge` returns is the output, what it throws is the one issue. */
function schemaOf<Input, Output>(judge: (data: Input) => Output) {
  return {
    '~standard': {
      version: 1,
      vendor: 'by-hand',
      validate: (data: unknown): { value: Output } | { issues: { message: string; path: string[] }[] } => {
        try {
          return { value: judge(data as Input) }
        } catch (error) {
          return { issues: [{ message: (error as Error).message, path: ['at'] }] }
        }
      },
      types: undefined as { input: Input; output: Output } | undefined,
    },
  } as const
}

/** A time in text, of which a reader is given a Date. */
const moment = schemaOf((data: { at: string }) => {
  if (Number.isNaN(Date.parse(data.at))) throw new Error('Expected a time')
  return { at: new Date(data.at) }
})
const events = defineEvents({
  types: { tick: { schema: moment }, note: {}, done: { schema: moment, terminal: (data) => data.at.endsWith('Z') } },
  failure: () => [],
})

const time = '2026-01-02T03:04:05.000Z'
const frame = (type: string, n: number, data: unknown): string =>
  encodeEvent({ type, id: `k-${n}`, data: JSON.stringify(data) })

/** A real server whose one answer has these frames. */
const answering = (...frames: string[]) =>
  serve((_, response) => openStream(response).end(`retry: 0\n\n${opening('k-0')}${frames.join('')}`))

it('listeners, `*` and `done` get what the schema makes of the data, judged terminal by what was published', async () => {
  const server = await answering(
    frame('tick', 1, { at: time, more: 1 }),
    frame('note', 2, { at: time }),
    frame('other', 3, { at: time }),
    frame('done', 4, { at: time }),
  )
  const { client, events: seen } = read(server.url, { events })
  const ticks: Date[] = []
  client.addEventListener('tick', ({ data }) => void ticks.push(data.at))
  expect(await client.done).toEqual({ type: 'done', data: { at: new Date(time) }, id: 'k-4' })
  expect(ticks).toEqual([new Date(time)])
  expect(seen.map(({ type, data }) => [type, data])).toEqual([
    ['tick', { at: new Date(time) }],
    ['note', { at: time }],
    ['other', { at: time }],
    ['done', { at: new Date(time) }],
  ])
  expect(server.requests).toHaveLength(1)
})

it('a loop gets it too', async () => {
  const server = await answering(frame('tick', 1, { at: time }), frame('done', 2, { at: time }))
  const { client } = read(server.url, { events, autoOpen: false })
  const seen: unknown[] = []
  for await (const { data } of client) seen.push(data)
  expect(seen).toEqual([{ at: new Date(time) }, { at: new Date(time) }])
})

it('data that its schema refuses fails the stream, with the event and the issues, and the cursor stays before it', async () => {
  const server = await answering(
    frame('tick', 1, { at: time }),
    frame('tick', 2, { at: 'never' }),
    frame('done', 3, { at: time }),
  )
  const { client, log } = read(server.url, { events })
  const error = await client.done.catch((error: unknown) => error)
  expect(EventStreamError.isInstance(error)).toBe(true)
  expect(error).toMatchObject({ code: 'failed', event: { type: 'tick', id: 'k-2' } })
  const { cause } = error as EventStreamError
  expect(ProtocolError.isInstance(cause)).toBe(true)
  expect(cause).toMatchObject({
    code: 'invalid_data',
    type: 'tick',
    issues: [{ pointer: '/at', message: 'Expected a time' }],
  })
  expect(log).toEqual(['connecting', 'open', 'open!', 'tick k-1', 'ended', 'end failed'])
  expect(client.lastEventId).toBe('k-1')
  expect(server.requests).toHaveLength(1)
})

it('a loop throws that error after the events before it', async () => {
  const server = await answering(frame('tick', 1, { at: time }), frame('tick', 2, {}))
  const { client } = read(server.url, { events, autoOpen: false })
  const seen: string[] = []
  const loop = async (): Promise<void> => {
    for await (const { id } of client) seen.push(id)
  }
  await expect(loop()).rejects.toMatchObject({ code: 'failed', event: { type: 'tick', id: 'k-2' } })
  expect(seen).toEqual(['k-1'])
})

it('an end that its schema refuses is no end, and the contract is not asked whether it is one', async () => {
  const server = await answering(frame('done', 1, {}))
  const { client, log } = read(server.url, { events })
  await expect(client.done).rejects.toMatchObject({ code: 'failed', cause: { code: 'invalid_data', type: 'done' } })
  expect(log).not.toContain('done k-1')
})

it('data that is not JSON fails the stream too, with the event', async () => {
  const server = await answering('event: tick\nid: k-1\ndata: {"at":\n\n')
  const { client } = read(server.url, { events })
  await expect(client.done).rejects.toMatchObject({
    code: 'failed',
    cause: expect.any(SyntaxError),
    event: { type: 'tick', id: 'k-1' },
  })
})

it('an asynchronous schema fails the stream and says why', async () => {
  const later = { '~standard': { version: 1, vendor: 'by-hand', validate: async () => ({ value: 1 }) } } as const
  const contract = defineEvents({ types: { done: { schema: later, terminal: true } }, failure: () => [] })
  const server = await answering(frame('done', 1, 1))
  await expect(read(server.url, { events: contract }).client.done).rejects.toMatchObject({
    code: 'failed',
    cause: expect.any(TypeError),
  })
})

it('an event that is repeated is not asked about again', async () => {
  const asked = vi.fn((data: unknown) => data)
  const contract = defineEvents({
    types: { tick: { schema: schemaOf(asked) }, done: { terminal: true } },
    failure: () => [],
  })
  const server = await answering(frame('tick', 1, 1), frame('tick', 1, 1), frame('done', 2, 2))
  await read(server.url, { events: contract }).client.done
  expect(asked.mock.calls).toEqual([[1]])
})

it('the types of listeners and of `done` are what the schemas give', () => {
  const client = new EventStreamClient('http://127.0.0.1/', { events, autoOpen: false })
  client.addEventListener('tick', ({ data }) => void expectTypeOf(data).toEqualTypeOf<{ at: Date }>())
  client.addEventListener('note', ({ data }) => void expectTypeOf(data).toEqualTypeOf<unknown>())
  client.addEventListener('*', ({ event }) => {
    if (event.type === 'done') expectTypeOf(event.data).toEqualTypeOf<{ at: Date }>()
  })
  expectTypeOf<NonNullable<Awaited<typeof client.done>>['type']>().toEqualTypeOf<'tick' | 'note' | 'done'>()
  // @ts-expect-error: no such type in the contract
  client.addEventListener('tock', () => {})
})
