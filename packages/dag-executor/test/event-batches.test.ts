import type { SSEEvent } from '@x/sse-protocol'
import { describe, expect, it } from 'vitest'
import { BufferedEventStream } from '../src/buffered-event-stream.js'
import { EventIterator } from '../src/event-iterator.js'
import type { ExecutionMark } from '../src/execution-mark.js'
import { StreamingExecutor } from '../src/index.js'
import type { PlannedTask } from '../src/plan.js'
import { graph, HeldTasks, rejection, settled } from './held-tasks.js'
import { seeded } from './seeded.js'

const typesOf = (events: readonly SSEEvent[]) => events.map(({ type }) => type)
const ok = new StreamingExecutor({ tools: { ok: () => 1 }, maxTasks: Number.POSITIVE_INFINITY })
const wide = (size: number) => graph(Object.fromEntries(Array.from({ length: size }, (_, i) => [`t${i}`, []])), 'ok')

describe('batches', () => {
  it('are all that is waiting, at once and in order, and never empty', async () => {
    const held = new HeldTasks()
    const stream = new StreamingExecutor({ tools: { held: held.tool } }).stream(graph({ a: [], b: [], c: ['a'] }))
    const batches: SSEEvent[][] = []
    const iteration = (async () => {
      for await (const batch of stream.batches()) batches.push(batch)
    })()
    await held.started('a')
    await settled()
    expect(batches.map(typesOf)).toEqual([['execution_start', 'task_start', 'task_start']])
    held.call('a').succeed()
    held.call('b').succeed()
    await settled()
    expect(batches.slice(1).flatMap(typesOf).toSorted()).toEqual(['task_complete', 'task_complete', 'task_start'])
    held.call('c').succeed()
    await iteration
    expect(batches.flatMap(typesOf).at(-1)).toBe('execution_complete')
    expect(batches.every(({ length }) => length > 0)).toBe(true)
  })

  it('hold the events that the plain iteration gives', async () => {
    const options = { executionId: 'e' }
    const [plain, batched]: [SSEEvent[], SSEEvent[]] = [[], []]
    for await (const event of ok.stream(wide(700), options)) plain.push(event)
    for await (const batch of ok.stream(wide(700), options).batches()) batched.push(...batch)
    const times = /"(?:timestamp|\w+Ms|speedup)":(?:"[^"]*"|[\d.e+-]+)/g
    // In which turns tasks start is a matter of the time they take.
    const texts = (events: SSEEvent[]) => events.map((event) => JSON.stringify(event).replaceAll(times, '')).sort()
    expect(texts(batched)).toEqual(texts(plain))
  })

  it('are of 1,000 events at most', async () => {
    const stream = ok.stream(wide(1_600))
    await stream.result
    const lengths: number[] = []
    for await (const { length } of stream.batches()) lengths.push(length)
    expect(lengths).toEqual([1_000, 1_000, 1_000, 202])
  })

  it('are made when they are taken: what waits until then may still be merged or dropped', async () => {
    const held = new HeldTasks()
    const executor = new StreamingExecutor({ tools: { held: held.tool }, maxBufferedEvents: 2 })
    const stream = executor.stream(graph({ a: [] }))
    const batches = stream.batches()
    const { context, succeed } = await held.started('a')
    expect(typesOf((await batches.next()).value ?? [])).toEqual(['execution_start', 'task_start'])
    for (let i = 1; i <= 5; i += 1) context.emit(i)
    expect(stream.droppedEvents).toBe(3)
    const { value } = await batches.next()
    expect(value?.map(({ data }) => 'output' in data && data.output)).toEqual([4, 5])
    for (let i = 6; i <= 7; i += 1) context.emit(i)
    expect(stream.droppedEvents).toBe(3)
    succeed()
    await stream.result
  })

  it('may be left, and the tasks go on', async () => {
    const held = new HeldTasks()
    const stream = new StreamingExecutor({ tools: { held: held.tool } }).stream(graph({ a: [], b: ['a'] }))
    for await (const batch of stream.batches()) if (batch.length > 0) break
    held.call('a').succeed()
    ;(await held.started('b')).succeed()
    expect((await stream.result).status).toBe('success')
    expect(await stream.batches().next()).toEqual({ value: undefined, done: true })
    expect(await stream[Symbol.asyncIterator]().next()).toEqual({ value: undefined, done: true })
  })

  it('end with the error of an execution that failed, after its last event', async () => {
    const stream = ok.stream(graph({ a: [] }, 'ok'), {
      onTaskComplete: () => {
        throw new Error('listener')
      },
    })
    const events: SSEEvent[] = []
    const iteration = (async () => {
      for await (const batch of stream.batches()) events.push(...batch)
    })()
    expect(await rejection(iteration)).toMatchObject({ message: 'listener' })
    expect(typesOf(events).slice(-2)).toEqual(['error', 'execution_complete'])
    expect(await stream.batches().next()).toEqual({ value: undefined, done: true })
  })

  it('and the plain iteration share the events: each is given once', async () => {
    const stream = ok.stream(wide(3))
    const [events, batches] = [stream[Symbol.asyncIterator](), stream.batches()]
    const waiting = Promise.all([events.next(), batches.next()])
    const seen = (await waiting).flatMap(({ value }) => value ?? [])
    for await (const event of events) seen.push(event)
    expect(await batches.next()).toEqual({ value: undefined, done: true })
    expect(seen).toHaveLength(8)
    expect(new Set(seen).size).toBe(8)
  })
})

describe('an iteration', () => {
  const markOf = (at: number): ExecutionMark => ({ type: 'task_start', at, task: {} as PlannedTask, attempt: 1 })

  /** What the iterator is to be like. */
  async function* generate(buffer: BufferedEventStream, result: Promise<unknown>): AsyncGenerator<number, void> {
    try {
      for (;;) {
        const mark = buffer.take()
        if (mark) yield mark.at
        else if (buffer.ended) break
        else await buffer.wait()
      }
    } finally {
      buffer.discard()
    }
    await result
  }

  it('answers any calls in any order as an async generator does, in 500 random histories', async () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const random = seeded(seed)
      const fails = random() < 0.3
      const histories = [0, 1].map(() => {
        const buffer = new BufferedEventStream(10)
        let end: () => void = () => undefined
        const result = new Promise<void>((resolve, reject) => {
          end = () => (fails ? reject(new Error('result')) : resolve())
        })
        result.then(
          () => buffer.end(),
          () => buffer.end(),
        )
        return { buffer, result, end, answers: [] as string[] }
      })
      const [byHand, generated] = [histories[0]!, histories[1]!]
      const iterators = [
        new EventIterator(byHand.buffer, () => byHand.buffer.take()?.at, byHand.result),
        generate(generated.buffer, generated.result),
      ]
      // Where it differs from a generator: left before its first call, that never runs; left while a call waits, it waits as well.
      let started = false
      let calls = 0
      // Nothing happens after the end.
      let ended = false
      for (let step = 0; step < 30; step += 1) {
        const chance = random()
        const canLeave = started && histories.every(({ answers }) => answers.length === calls)
        for (const [at, { buffer, end, answers }] of histories.entries()) {
          const iterator = iterators[at]!
          const note = (call: Promise<unknown>) =>
            void call.then(
              (answer) => answers.push(`${step} ${JSON.stringify(answer)}`),
              (error) => answers.push(`${step} ${error}`),
            )
          if (chance < 0.4) {
            if (!ended) buffer.push(markOf(step))
          } else if (chance < 0.8) note(iterator.next())
          else if (chance < 0.83) end()
          else if (chance < 0.85 && canLeave) note(iterator.return())
          else if (chance < 0.87 && canLeave) note(iterator.throw(new Error('thrown')))
        }
        if ((chance >= 0.4 && chance < 0.8) || (chance >= 0.83 && chance < 0.87 && canLeave)) calls += 1
        started ||= chance >= 0.4 && chance < 0.8
        ended ||= chance >= 0.8 && chance < 0.83
        if (random() < 0.5) await settled()
      }
      for (const { end } of histories) end()
      await new Promise((resolve) => setImmediate(resolve))
      expect([seed, ...byHand.answers]).toEqual([seed, ...generated.answers])
      expect(byHand.buffer.size).toBe(generated.buffer.size)
    }
  })

  it.each(['return', 'throw'] as const)(
    'answers %s at once while calls of next wait, which end with it',
    async (leave) => {
      const buffer = new BufferedEventStream(10)
      const iterator = new EventIterator(buffer, () => buffer.take()?.at, new Promise<never>(() => undefined))
      const answers: string[] = []
      const note = (name: string, call: Promise<unknown>) =>
        void call.then(
          (answer) => answers.push(`${name} ${JSON.stringify(answer)}`),
          (error) => answers.push(`${name} ${error}`),
        )
      buffer.push(markOf(1))
      for (const name of ['first', 'second', 'third']) note(name, iterator.next())
      await settled()
      expect(answers).toEqual(['first {"value":1,"done":false}'])
      note(leave, leave === 'return' ? iterator.return() : iterator.throw(new Error('thrown')))
      note('after', iterator.next())
      buffer.push(markOf(2))
      await settled()
      expect(answers.slice(1)).toEqual([
        'second {"done":true}',
        'third {"done":true}',
        leave === 'return' ? 'return {"done":true}' : 'throw Error: thrown',
        'after {"done":true}',
      ])
      expect(buffer.size).toBe(0)
    },
  )

  it('of an execution that has nothing to tell can be left at once, and the tasks go on', async () => {
    for (const kind of ['events', 'batches'] as const) {
      const held = new HeldTasks()
      const stream = new StreamingExecutor({ tools: { held: held.tool } }).stream(graph({ a: [], b: ['a'] }))
      const iterator = kind === 'events' ? stream[Symbol.asyncIterator]() : stream.batches()
      const { succeed } = await held.started('a')
      await stream.batches().next()
      const waiting = iterator.next()
      expect(await iterator.return()).toEqual({ value: undefined, done: true })
      expect(await waiting).toEqual({ value: undefined, done: true })
      succeed()
      ;(await held.started('b')).succeed()
      expect((await stream.result).status).toBe('success')
    }
  })

  it('that is left before its first event discards what is still to come', async () => {
    const stream = ok.stream(wide(3))
    expect(await stream[Symbol.asyncIterator]().return(undefined)).toEqual({ value: undefined, done: true })
    await stream.result
    expect(await stream.batches().next()).toEqual({ value: undefined, done: true })
  })

  it('ends where an event cannot be made', async () => {
    const buffer = new BufferedEventStream(10)
    const take = () => {
      if (buffer.take()) throw new Error('no event')
    }
    const iterator = new EventIterator<never>(buffer, take as () => undefined, Promise.resolve())
    const first = rejection(iterator.next())
    buffer.push(markOf(1))
    expect(await first).toMatchObject({ message: 'no event' })
    expect(await iterator.next()).toEqual({ value: undefined, done: true })
    buffer.push(markOf(2))
    expect(buffer.size).toBe(0)
  })
})
