import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { ParallelExecutor, StreamingExecutor } from '../src/index.js'
import { graph, HeldTasks, rejection, settled } from './held-tasks.js'
import { warnings } from './process-events.js'

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

describe('a signal of many executions', () => {
  const begin = (signal: AbortSignal, count: number) => {
    const held = new HeldTasks()
    const executor = new StreamingExecutor({ tools: { held: held.tool } })
    const ids = Array.from({ length: count }, (_, i) => `t${i}`)
    const executions = ids.map((id) => executor.start(graph({ [id]: [], [`after ${id}`]: [id] }), { signal }))
    return { held, ids, results: executions.map(({ result }) => result) }
  }

  it('gives no warning, and has no listener left after their ends', async () => {
    const found = warnings()
    const { signal } = new AbortController()
    const { held, ids, results } = begin(signal, 25)
    await nextTurn()
    for (const id of ids) {
      held.call(id).succeed()
      ;(await held.started(`after ${id}`)).succeed()
    }
    for (const { status } of await Promise.all(results)) expect(status).toBe('success')
    await nextTurn()
    expect(found).toEqual([])
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('cancels all that have not ended, with its reason, and no other', async () => {
    const found = warnings()
    const controller = new AbortController()
    const { held, ids, results } = begin(controller.signal, 25)
    const other = begin(new AbortController().signal, 1)
    for (const id of ids.slice(0, 5)) {
      held.call(id).succeed()
      ;(await held.started(`after ${id}`)).succeed()
    }
    await Promise.all(results.slice(0, 5))
    const reason = new Error('enough')
    controller.abort(reason)
    for (const id of ids.slice(5)) {
      expect(held.call(id).context.signal.reason).toBe(reason)
      held.call(id).succeed()
    }
    const statuses = (await Promise.all(results)).map(({ status }) => status)
    expect(statuses).toEqual(ids.map((_, i) => (i < 5 ? 'success' : 'cancelled')))
    expect(other.held.call('t0').context.signal.aborted).toBe(false)
    other.held.call('t0').succeed()
    ;(await other.held.started('after t0')).succeed()
    expect((await other.results[0]!).status).toBe('success')
    await nextTurn()
    expect(found).toEqual([])
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })
})

describe('what is no signal', () => {
  const cases: [string, unknown][] = [
    ['an object', {}],
    ['a controller', new AbortController()],
    ['null', null],
    ['a function', () => undefined],
    ['a text', 'abort'],
  ]

  it.each(cases)('is refused at once, and nothing starts (%s)', async (_, value) => {
    const signal = value as AbortSignal
    const held = new HeldTasks()
    const executor = new StreamingExecutor({ tools: { held: held.tool } })
    const writable = new WritableStream()
    const dag = graph({ a: [] })
    for (const error of [
      await rejection(new ParallelExecutor({ tools: { held: held.tool } }).execute(dag, { signal })),
      await rejection(executor.executeWithStreaming(dag, writable, { signal })),
    ]) {
      expect(error).toBeInstanceOf(TypeError)
      expect(error).toMatchObject({ message: expect.stringContaining('`signal`') })
    }
    expect(writable.locked).toBe(false)
    for (const begin of [() => executor.start(dag, { signal }), () => executor.stream(dag, { signal })]) {
      expect(begin).toThrow(TypeError)
      expect(begin).toThrow('`signal`')
    }
    await settled()
    expect(held.order).toEqual([])
  })
})
