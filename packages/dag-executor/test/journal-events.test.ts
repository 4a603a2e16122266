import type { SSEEvent } from '@x/sse-protocol'
import { describe, expect, it, vi } from 'vitest'
import { type JournalEntry, ParallelExecutor, StreamingExecutor, type ToolContext } from '../src/index.js'
import { graph, HeldTasks, rejection, settled } from './held-tasks.js'
import { HeldJournal, MemoryJournal, tell } from './memory-journal.js'

const internalOf = (log: readonly JournalEntry[], type: string) => log.find((entry) => entry.type === type)?.internal

/** The log of one task with this output, and the result of a resume from it without its last event. */
async function journalled(output: unknown, maxPayloadBytes = 1_024) {
  const journal = new MemoryJournal()
  const seen: unknown[] = []
  const tools = { make: () => output, take: ({ from }: { from: unknown }) => void seen.push(from) }
  const executor = new ParallelExecutor({ tools, maxPayloadBytes })
  const tasks = [
    { id: 'a', tool: 'make' },
    { id: 'b', tool: 'take', dependsOn: ['a'], arguments: { from: { $ref: 'a' } } },
  ]
  const result = await executor.execute({ tasks }, { journal })
  const log = journal.read()
  const [resumed] = (await executor.execute({ tasks }, { resumeFrom: log.slice(0, 3) })).results
  return { result, log, resumed, seen }
}

describe('what a journal gets besides what everybody may see', () => {
  it('the whole output where the event has a preview of it', async () => {
    const { log, resumed, seen } = await journalled('x'.repeat(2_000))
    expect(log[2]).toMatchObject({ type: 'task_complete', data: { output: { truncated: true } } })
    expect(log[2]?.internal).toEqual({ output: 'x'.repeat(2_000) })
    expect(resumed?.output).toBe('x'.repeat(2_000))
    expect(seen).toEqual(['x'.repeat(2_000), 'x'.repeat(2_000)])
  })

  it('nothing where the event has all of it', async () => {
    for (const output of [undefined, null, 0, false, '', 'x', [1], { a: { b: [] } }, { truncate: true }]) {
      const { log, resumed } = await journalled(output)
      expect(log[2]).not.toHaveProperty('internal')
      expect(resumed?.output).toEqual(output)
    }
  })

  it('the output that only looks like a preview of one, or that only its JSON text lets look so', async () => {
    const preview = { truncated: true, bytes: 2_002, preview: '"xx', ref: null }
    const disguised = { toJSON: () => preview }
    const disguisedFunction = Object.assign(() => undefined, disguised)
    for (const output of [preview, disguised, disguisedFunction]) {
      const { result, resumed } = await journalled(output)
      expect(result.status).toBe('success')
      expect(resumed).toMatchObject({ status: 'success', output: preview })
    }
    expect((await journalled({ ...preview, more: 'x'.repeat(2_000) })).resumed?.output).toHaveProperty('more')
  })

  it('the plan, as a DAG: also where it is too long for the event', async () => {
    const journal = new MemoryJournal()
    const tasks = Array.from({ length: 50 }, (_, i) => ({
      id: `task ${i}`,
      tool: 'id',
      arguments: { secret: i },
      dependsOn: i > 0 ? [`task ${i - 1}`] : [],
    }))
    await new ParallelExecutor({ tools: { id: () => 1 }, maxPayloadBytes: 1_024 }).execute({ tasks }, { journal })
    const [start] = journal.read()
    expect(start).toMatchObject({ data: { tasks: { truncated: true } }, internal: { tasks } })
  })

  it('not a plan that is no JSON, which can then be resumed, but not compared', async () => {
    const journal = new MemoryJournal()
    const executor = new ParallelExecutor({ tools: { id: () => 1 }, journal })
    const dag = { tasks: [{ id: 'a', tool: 'id', arguments: { big: 1n } }] }
    expect((await executor.execute(dag)).status).toBe('success')
    expect(journal.read()[0]).not.toHaveProperty('internal')
    expect((await executor.execute(dag, { resumeFrom: journal.read() })).status).toBe('success')
    const other = executor.execute({ tasks: [] }, { resumeFrom: journal.read(), changedPlan: 'reuse-unchanged' })
    expect(await rejection(other)).toMatchObject({ code: 'plan_changed' })
  })

  it('not what cannot be in a log: such an output fails its task, and is not tried again', async () => {
    const cycle: unknown[] = []
    cycle.push(cycle)
    const hostile = {
      toJSON: () => {
        throw new Error('no')
      },
    }
    const noText = { toJSON: () => undefined }
    for (const output of [1n, () => 1, Symbol('s'), cycle, { deep: [1n] }, hostile, noText]) {
      const journal = new MemoryJournal()
      const make = vi.fn(async () => output)
      const tools = { make }
      const tasks = [
        { id: 'a', tool: 'make', retry: { attempts: 3, delayMs: 0 } },
        ...graph({ b: ['a'] }, 'make').tasks,
      ]
      const { results } = await new ParallelExecutor({ tools, journal }).execute({ tasks })
      expect(results).toMatchObject([
        { status: 'error', code: 'unserialisable_output' },
        { status: 'skipped', because: 'a' },
      ])
      expect(make).toHaveBeenCalledTimes(1)
      expect(journal.read()[2]?.data).toMatchObject({ status: 'error', code: 'unserialisable_output' })
    }
  })

  it('outputs that throw whatever they are asked end their task only', async () => {
    const handler = (trap: string) => ({
      [trap]: () => {
        throw new Error('asked')
      },
    })
    for (const trap of ['has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor']) {
      const journal = new MemoryJournal()
      const tools = { make: () => ({ value: new Proxy({}, handler(trap)) }), bare: () => new Proxy({}, handler(trap)) }
      const tasks = [
        ...graph({ a: [] }, 'make').tasks,
        ...graph({ b: [] }, 'bare').tasks,
        ...graph({ c: [] }, 'fine').tasks,
      ]
      const executor = new ParallelExecutor({ tools: { ...tools, fine: () => 1 }, journal })
      expect((await executor.execute({ tasks })).results[2]?.status).toBe('success')
    }
  })
})

describe('an output that its tool changes afterwards', () => {
  it.each<[string, (output: unknown[]) => void]>([
    ['adds to', (output) => void output.push(2)],
    ['adds what has no JSON text to', (output) => void output.push(2n)],
    ['makes a cycle of', (output) => void output.push(output)],
    ['empties', (output) => void output.splice(0)],
  ])(
    'is in the log as it was when the task ended, however late that is appended, where it %s it',
    async (_, change) => {
      for (const text of ['short', 'x'.repeat(2_000)]) {
        const journal = new HeldJournal()
        const output: unknown[] = [text]
        const executor = new ParallelExecutor({ tools: { make: async () => output }, maxPayloadBytes: 1_024 })
        const execution = executor.execute(graph({ a: [] }, 'make'), {
          journal,
          onTaskComplete: () => queueMicrotask(() => change(output)),
        })
        let isDone = false
        const done = execution.then(() => {
          isDone = true
        })
        while (!isDone) {
          await new Promise((resolve) => setImmediate(resolve))
          if (journal.waiting > 0) journal.commit()
        }
        await done
        const log = new MemoryJournal(journal.batches.flat()).read()
        const end = log.find(({ type }) => type === 'task_complete')
        if (text === 'short') expect(end?.data).toMatchObject({ status: 'success', output: [text] })
        else expect(end).toMatchObject({ data: { output: { truncated: true } }, internal: { output: [text] } })
        expect((await execution).results[0]?.output).toBe(output)
      }
    },
  )

  it('is in the stream as it is in the log', async () => {
    const journal = new HeldJournal()
    const output = [1]
    const executor = new StreamingExecutor({ tools: { make: async () => output } })
    const onTaskComplete = () => queueMicrotask(() => output.push(2))
    const stream = executor.stream(graph({ a: [] }, 'make'), { journal, onTaskComplete })
    let isDone = false
    const shown: unknown[] = []
    const reading = (async () => {
      for await (const { type, data } of stream) shown.push(JSON.parse(JSON.stringify({ type, data })))
      isDone = true
    })()
    while (!isDone) {
      await new Promise((resolve) => setImmediate(resolve))
      if (journal.waiting > 0) journal.commit()
    }
    await reading
    expect(output).toEqual([1, 2])
    expect(shown.find((event) => (event as { type: string }).type === 'task_complete')).toMatchObject({
      data: { output: [1] },
    })
    expect(shown).toEqual(
      journal.batches.flat().map(({ type, data }) => ({ type, data: JSON.parse(JSON.stringify(data)) })),
    )
  })
})

describe('progress and partial output in a journal', () => {
  it('are merged, and dropped, where it is slow; nothing else is', async () => {
    const held = new HeldTasks()
    const journal = new HeldJournal()
    const executor = new StreamingExecutor({ tools: { held: held.tool }, journal, maxBufferedEvents: 3 })
    const stream = executor.stream(graph({ a: [], b: [] }))
    const a = await held.started('a')
    await settled()
    for (let i = 0; i < 50; i += 1) a.context.progress(i / 50)
    for (let i = 0; i < 50; i += 1) a.context.emit(i)
    a.succeed()
    held.call('b').succeed()
    await settled()
    journal.commit()
    await settled()
    expect(journal.told()[1]).toEqual([
      ...Array.from({ length: 3 }, () => 'task_output a'),
      'task_complete a',
      'task_complete b',
      'execution_complete',
    ])
    expect(journal.batches[1]!.slice(0, 3).map(({ data }) => (data as { output: number }).output)).toEqual([47, 48, 49])
    journal.commit()
    await stream.result
  })

  it('that were dropped are counted in `droppedEvents`, of a stream as well as of a sink', async () => {
    const held = new HeldTasks()
    const journals = [new HeldJournal(), new HeldJournal()] as const
    const executor = new StreamingExecutor({ tools: { held: held.tool }, maxBufferedEvents: 3 })
    const stream = executor.stream(graph({ 'of the stream': [] }), { journal: journals[0] })
    const run = executor.executeWithStreaming(graph({ 'of the sink': [] }), new WritableStream(), {
      journal: journals[1],
    })
    for (const id of ['of the stream', 'of the sink']) {
      const { context, succeed } = await held.started(id)
      await settled()
      for (let i = 0; i < 50; i += 1) context.emit(i)
      succeed()
      await settled()
    }
    expect(stream.droppedEvents).toBe(47)
    for (const journal of journals) {
      while (journal.waiting > 0) {
        journal.commit()
        await settled()
      }
    }
    await stream.result
    expect(stream.droppedEvents).toBe(47)
    expect(await run).toMatchObject({ droppedEvents: 47, delivery: 'complete' })
  })
})

describe('a stream of an execution with a journal', () => {
  it('shows what is committed, all of it, and nothing before', async () => {
    const held = new HeldTasks()
    const journal = new HeldJournal()
    const stream = new StreamingExecutor({ tools: { held: held.tool }, journal }).stream(graph({ a: [] }))
    const seen: SSEEvent[] = []
    const reading = (async () => {
      for await (const event of stream) seen.push(event)
    })()
    const a = await held.started('a')
    a.context.progress(0.5)
    await settled()
    expect([journal.waiting, seen]).toEqual([1, []])
    a.succeed('x'.repeat(70_000))
    await settled()
    while (journal.waiting > 0) {
      const committed = journal.batches.flat().length
      journal.commit()
      await settled()
      expect(seen).toHaveLength(committed)
    }
    await reading
    expect(seen).toEqual(journal.batches.flat().map(({ type, data }) => ({ type, data })))
    for (const event of seen) expect(event).not.toHaveProperty('internal')
    expect(internalOf(journal.batches.flat(), 'task_complete')).toEqual({ output: 'x'.repeat(70_000) })
    expect(internalOf(journal.batches.flat(), 'execution_start')).toMatchObject({ tasks: [{ id: 'a' }] })
  })

  it('a sink gets the same as the journal', async () => {
    const journal = new MemoryJournal()
    const events: SSEEvent[] = []
    const executor = new StreamingExecutor({ tools: { id: (_: unknown, { emit }: ToolContext) => emit(1) }, journal })
    const writable = new WritableStream<SSEEvent>({ write: (event) => void events.push(event) })
    const { delivery } = await executor.executeWithStreaming(graph({ a: [], b: ['a'] }, 'id'), writable)
    expect(delivery).toBe('complete')
    expect(events).toEqual(journal.read().map(({ type, data }) => ({ type, data })))
  })

  it('ends with the error of a journal that fails, after what was committed', async () => {
    const held = new HeldTasks()
    const journal = new HeldJournal()
    const stream = new StreamingExecutor({ tools: { held: held.tool }, journal }).stream(graph({ a: [], b: ['a'] }))
    const seen: SSEEvent[] = []
    const reading = (async () => {
      for await (const event of stream) seen.push(event)
    })()
    const a = await held.started('a')
    await settled()
    a.succeed()
    journal.commit()
    await settled()
    const error = new Error('disk full')
    journal.refuse(error)
    expect(await rejection(reading)).toBe(error)
    expect(await rejection(stream.result)).toBe(error)
    expect(tell(seen)).toEqual(['execution_start', 'task_start a'])
  })

  it('of a resumed execution shows what happens from then on, and can say what happened to every task', async () => {
    const journal = new MemoryJournal()
    const tools = { id: (_: unknown, { taskId }: ToolContext) => taskId }
    const dag = graph({ a: [], b: ['a'], c: ['b'] }, 'id')
    await new StreamingExecutor({ tools, journal }).execute(dag)
    const stream = new StreamingExecutor({ tools }).stream(dag, { resumeFrom: journal.read().slice(0, 4) })
    const seen: SSEEvent[] = []
    for await (const event of stream) seen.push(event)
    expect(tell(seen)).toEqual(tell(journal.read().slice(3)))
    expect(stream.explain('a')).toMatchObject({ attempts: [], result: { status: 'success', output: 'a' } })
    expect(stream.explain('b')).toMatchObject({ attempts: [{}], result: { attempts: 2 } })
    expect((await stream.result).results[0]?.waits).toEqual({ dependencyMs: 0, slotMs: 0, backoffMs: 0 })
  })
})
