import type { SSEEvent } from '@x/sse-protocol'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { DagValidationError, StreamingExecutor, type ToolRegistry } from '../src/index.js'
import { graph, HeldTasks, rejection, settled } from './held-tasks.js'

afterEach(() => {
  vi.useRealTimers()
})

/** A sink that takes an event only when the test lets it. */
class HeldSink {
  readonly events: SSEEvent[] = []
  closed = false
  aborted: unknown
  #open = false
  #release: (() => void) | undefined
  #received: (() => void) | undefined

  readonly writable = new WritableStream<SSEEvent>({
    write: async (event) => {
      this.events.push(event)
      this.#received?.()
      if (!this.#open) {
        await new Promise<void>((resolve) => {
          this.#release = resolve
        })
      }
    },
    close: () => {
      this.closed = true
    },
    abort: (reason) => {
      this.aborted = reason
    },
  })

  open(): void {
    this.#open = true
    this.#release?.()
  }

  letOnePass(): void {
    this.#release?.()
  }

  /** Resolves when so many events have come. */
  async received(count: number): Promise<void> {
    while (this.events.length < count) {
      await new Promise<void>((resolve) => {
        this.#received = resolve
      })
    }
  }
}

const count = (events: readonly SSEEvent[], type: SSEEvent['type']) =>
  events.filter((event) => event.type === type).length

describe('the sink of executeWithStreaming', () => {
  it('is refused before anything starts where it is locked', async () => {
    let calls = 0
    const executor = new StreamingExecutor({ tools: { count: () => (calls += 1) } })
    const writable = new WritableStream<SSEEvent>()
    const writer = writable.getWriter()
    const error = await rejection(executor.executeWithStreaming(graph({ a: [] }, 'count'), writable))
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ message: expect.stringContaining('not locked') })
    expect(calls).toBe(0)
    writer.releaseLock()
  })

  it('is untouched where the DAG or an option is refused', async () => {
    const { writable, events, closed } = new HeldSink()
    const executor = new StreamingExecutor()
    expect(await rejection(executor.executeWithStreaming(graph({ a: [] }), writable))).toBeInstanceOf(
      DagValidationError,
    )
    expect(await rejection(executor.executeWithStreaming({ tasks: [] }, writable, { executionId: '' }))).toBeInstanceOf(
      TypeError,
    )
    expect([writable.locked, events, closed]).toEqual([false, [], false])
  })

  it('is closed and not locked at the end, or only not locked with preventClose', async () => {
    for (const preventClose of [false, true]) {
      const sink = new HeldSink()
      sink.open()
      const executor = new StreamingExecutor({ tools: { ok: () => 1 } })
      const run = executor.executeWithStreaming(graph({ a: [] }, 'ok'), sink.writable, { preventClose })
      expect(sink.writable.locked).toBe(true)
      expect(await run).toMatchObject({ status: 'success', delivery: 'complete', droppedEvents: 0 })
      expect([sink.writable.locked, sink.closed]).toEqual([false, !preventClose])
    }
  })

  it('gets one write at a time: the next when it has taken the last, so that none waits in the stream', async () => {
    const sink = new HeldSink()
    const write = vi.spyOn(WritableStreamDefaultWriter.prototype, 'write')
    const dag = graph({ a: [], b: [], c: [] }, 'ok')
    const run = new StreamingExecutor({ tools: { ok: () => 1 } }).executeWithStreaming(dag, sink.writable)
    for (let i = 1; i <= 8; i += 1) {
      await sink.received(i)
      await settled()
      expect([sink.events.length, write.mock.calls.length]).toEqual([i, i])
      sink.letOnePass()
    }
    expect((await run).delivery).toBe('complete')
    expect(write).toHaveBeenCalledTimes(8)
    write.mockRestore()
  })

  it('does not delay a task where it is slow, and gets every lifecycle event in the end', async () => {
    const held = new HeldTasks()
    const sink = new HeldSink()
    const dag = graph({ a: [], b: ['a'], c: ['b'] })
    const run = new StreamingExecutor({ tools: { held: held.tool } }).executeWithStreaming(dag, sink.writable)
    for (const id of ['a', 'b', 'c']) (await held.started(id)).succeed()
    await settled()
    expect(sink.events).toHaveLength(1)
    sink.open()
    expect(await run).toMatchObject({ status: 'success', delivery: 'complete' })
    expect(sink.events.map(({ type }) => type)).toEqual([
      'execution_start',
      ...Array.from({ length: 3 }, () => ['task_start', 'task_complete']).flat(),
      'execution_complete',
    ])
  })

  it.each<[string, UnderlyingSink<SSEEvent>]>([
    ['fails at the first event', { write: () => Promise.reject(new Error('gone')) }],
    ['fails when it is closed', { close: () => Promise.reject(new Error('gone')) }],
    [
      'fails by itself before',
      {
        start: (controller) => controller.error(new Error('gone')),
      },
    ],
  ])('changes nothing about the tasks where it %s', async (_, sink) => {
    const writable = new WritableStream(sink)
    const executor = new StreamingExecutor({ tools: { ok: () => 1 } })
    const result = await executor.executeWithStreaming(graph({ a: [], b: ['a'] }, 'ok'), writable)
    expect(result).toMatchObject({ status: 'success', delivery: 'failed', results: [{ output: 1 }, { output: 1 }] })
    expect(writable.locked).toBe(false)
  })

  it('may be closed before, or cancelled by its reader in the middle, and the tasks go on', async () => {
    const held = new HeldTasks()
    const executor = new StreamingExecutor({ tools: { held: held.tool } })
    const { readable, writable } = new TransformStream<SSEEvent, SSEEvent>()
    const run = executor.executeWithStreaming(graph({ a: [], b: ['a'] }), writable)
    const reader = readable.getReader()
    expect((await reader.read()).value?.type).toBe('execution_start')
    await reader.cancel()
    ;(await held.started('a')).succeed()
    ;(await held.started('b')).succeed()
    expect(await run).toMatchObject({ status: 'success', delivery: 'failed' })

    const closed = new WritableStream<SSEEvent>()
    await closed.close()
    expect(await executor.executeWithStreaming({ tasks: [] }, closed)).toMatchObject({ delivery: 'failed' })
  })

  it.each([false, true])(
    'holds the result back for flushTimeout at most where it stalls (preventClose: %s)',
    async (preventClose) => {
      const held = new HeldTasks()
      const sink = new HeldSink()
      const executor = new StreamingExecutor({ tools: { held: held.tool }, flushTimeout: 1_000 })
      const run = executor.executeWithStreaming(graph({ a: [] }), sink.writable, { preventClose })
      const { succeed } = await held.started('a')
      vi.useFakeTimers()
      const ended = vi.fn()
      void run.then(ended)
      succeed()
      await vi.advanceTimersByTimeAsync(900)
      sink.letOnePass()
      await vi.advanceTimersByTimeAsync(999)
      expect(ended).not.toHaveBeenCalled()
      await vi.advanceTimersByTimeAsync(1)
      expect(await run).toMatchObject({ status: 'success', delivery: 'stalled' })
      expect(vi.getTimerCount()).toBe(0)
      expect(sink.writable.locked).toBe(false)
      sink.open()
      await settled()
      expect(sink.aborted === undefined).toBe(preventClose)
      expect(sink.closed).toBe(false)
      expect(sink.events).toHaveLength(2)
    },
  )
})

describe('the buffer', () => {
  /** Lets one task call `work`, while the sink takes nothing, and then everything. */
  async function whileStalled(
    work: (call: ReturnType<HeldTasks['call']>, other: ReturnType<HeldTasks['call']>) => void,
    maxBufferedEvents?: number,
  ) {
    const held = new HeldTasks()
    const sink = new HeldSink()
    const executor = new StreamingExecutor({ tools: { held: held.tool }, maxBufferedEvents })
    const run = executor.executeWithStreaming(graph({ a: [], b: [] }), sink.writable)
    const [a, b] = [await held.started('a'), await held.started('b')]
    await settled()
    work(a, b)
    a.succeed()
    b.succeed()
    await settled()
    sink.open()
    return { result: await run, events: sink.events }
  }

  it('B7 keeps 1,000 events, drops the oldest beyond, counts them, and keeps every lifecycle event', async () => {
    const { result, events } = await whileStalled(({ context }) => {
      for (let i = 0; i < 1_500; i += 1) context.emit(i)
    })
    expect(result).toMatchObject({ droppedEvents: 500, delivery: 'complete' })
    const outputs = events.flatMap((event) => (event.type === 'task_output' ? event.data.output : []))
    expect(outputs).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 500))
    expect([count(events, 'task_start'), count(events, 'task_complete')]).toEqual([2, 2])
    expect(events.at(-1)?.type).toBe('execution_complete')
  })

  it('merges older progress of a task into newer before it drops anything', async () => {
    const { result, events } = await whileStalled(({ context: a }, { context: b }) => {
      a.emit('kept')
      b.progress(0.1, 'b')
      a.progress(0.1, 'first')
      a.progress(0.2)
      a.progress(0.3)
      a.emit('last')
    }, 4)
    expect(result.droppedEvents).toBe(0)
    const seen = events.flatMap(({ type, data }) =>
      type === 'task_progress'
        ? [[data.taskId, data.progress, data.message]]
        : type === 'task_output'
          ? [data.output]
          : [],
    )
    expect(seen).toEqual(['kept', ['b', 0.1, 'b'], ['a', 0.3, 'first'], 'last'])
  })

  it('passes everything on to a consumer that keeps up', async () => {
    const held = new HeldTasks()
    const stream = new StreamingExecutor({ tools: { held: held.tool }, maxBufferedEvents: 1 }).stream(graph({ a: [] }))
    const progress: unknown[] = []
    const consumer = (async () => {
      for await (const event of stream) if (event.type === 'task_progress') progress.push(event.data.progress)
    })()
    const { context, succeed } = await held.started('a')
    for (let i = 1; i <= 50; i += 1) {
      context.progress(i / 50)
      await settled()
    }
    succeed()
    await consumer
    expect(progress).toHaveLength(50)
    expect(stream.droppedEvents).toBe(0)
  })
})

describe('stream', () => {
  it('gives the events to an iteration, and the result beside it', async () => {
    const stream = new StreamingExecutor({ tools: { ok: () => 1 } }).stream(graph({ a: [] }, 'ok'))
    const types: string[] = []
    for await (const { type } of stream) types.push(type)
    expect(types).toEqual(['execution_start', 'task_start', 'task_complete', 'execution_complete'])
    expect(await stream.result).toMatchObject({ status: 'success' })
  })

  it('resolves its result also where nobody iterates, and still has the events then', async () => {
    const stream = new StreamingExecutor({ tools: { ok: () => 1 } }).stream(graph({ a: [] }, 'ok'))
    await stream.result
    const types: string[] = []
    for await (const { type } of stream) types.push(type)
    expect(types).toHaveLength(4)
  })

  it('lets the tasks go on where the iteration is left', async () => {
    const held = new HeldTasks()
    const stream = new StreamingExecutor({ tools: { held: held.tool } }).stream(graph({ a: [], b: ['a'] }))
    for await (const { type } of stream) if (type === 'task_start') break
    held.call('a').succeed()
    ;(await held.started('b')).succeed()
    expect((await stream.result).status).toBe('success')
  })

  it('ends the iteration with the error of an execution that failed, after its last event', async () => {
    const tools: ToolRegistry = { ok: () => 1 }
    const stream = new StreamingExecutor({ tools }).stream(graph({ a: [] }, 'ok'), {
      onTaskComplete: () => {
        throw new Error('listener')
      },
    })
    const types: string[] = []
    const iteration = (async () => {
      for await (const { type } of stream) types.push(type)
    })()
    expect(await rejection(iteration)).toMatchObject({ message: 'listener' })
    expect(types.slice(-2)).toEqual(['error', 'execution_complete'])
  })

  it('throws at once where the DAG is refused', () => {
    expect(() => new StreamingExecutor().stream(graph({ a: [] }))).toThrow(DagValidationError)
  })
})

describe('options', () => {
  it.each([
    [{ maxPayloadBytes: 1_023 }, 'Expected `maxPayloadBytes` to be an integer of at least 1024 or Infinity, got 1023'],
    [{ maxBufferedEvents: 0 }, /maxBufferedEvents/],
    [{ flushTimeout: -1 }, /flushTimeout/],
    [{ publicError: 'no' as never }, /publicError/],
    [{ outputRef: '/x' as never }, /outputRef/],
  ])('refuses %j at once', (options, message) => {
    expect(() => new StreamingExecutor(options)).toThrow(message)
  })
})
