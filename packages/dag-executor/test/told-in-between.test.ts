import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type DAGTask,
  type ExecutionResult,
  ParallelExecutor,
  type RunningExecution,
  type ToolContext,
  ToolError,
} from '../src/index.js'
import { graph, HeldTasks, settled } from './held-tasks.js'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** The result, where there is one once every timer has come. */
async function endOf({ result }: RunningExecution): Promise<ExecutionResult | undefined> {
  let end: ExecutionResult | undefined
  void result.then((value) => {
    end = value
  })
  await vi.runAllTimersAsync()
  return end
}

interface Told {
  readonly execution: RunningExecution
  readonly controller: AbortController
}

describe('while a failure is judged', () => {
  const ways: [string, (told: Told) => void, ExecutionResult['status']][] = [
    ['cancel', ({ execution }) => execution.cancel(), 'cancelled'],
    ['abort', ({ controller }) => controller.abort(), 'cancelled'],
    ['cancelTask', ({ execution }) => execution.cancelTask('a'), 'error'],
  ]

  /** Has a task fail, and something done while the executor finds out whether it is to be tried again. */
  async function judge(act: (told: Told) => void, place: 'retryOn' | 'code', attempts: number) {
    const held = new HeldTasks()
    const controller = new AbortController()
    const retryOn = () => {
      if (place === 'retryOn') act({ execution, controller })
      return true
    }
    const tasks: DAGTask[] = [
      { id: 'a', tool: 'held', retry: { attempts, delayMs: 10, retryOn } },
      ...graph({ b: ['a'] }).tasks,
    ]
    const execution = new ParallelExecutor({ tools: { held: held.tool } }).start(
      { tasks },
      { signal: controller.signal },
    )
    const failure = new ToolError('unlucky', 'No luck.')
    const get = () => {
      act({ execution, controller })
      return 'unlucky'
    }
    held.call('a').fail(place === 'code' ? Object.defineProperty(failure, 'code', { get }) : failure)
    return { end: await endOf(execution), order: held.order }
  }

  it.each(
    ways.flatMap(([name, act, status]) =>
      (['retryOn', 'code'] as const).map((place) => [name, place, act, status] as const),
    ),
  )('%s from within %s ends it: no other attempt follows', async (_name, place, act, status) => {
    const { end, order } = await judge(act, place, 3)
    expect(end).toMatchObject({
      status,
      results: [{ status: 'error', code: 'cancelled', attempts: 1 }, { status: 'skipped' }],
    })
    expect(order).toEqual(['a'])
  })

  it.each(ways)(
    '%s from within the code of a last attempt is too late for that task, and harms nothing',
    async (...way) => {
      const { end, order } = await judge(way[1], 'code', 1)
      expect(end?.results).toMatchObject([{ status: 'error', attempts: 1 }, { status: 'skipped' }])
      expect(order).toEqual(['a'])
    },
  )
})

describe('a cancel by everybody who is told of it', () => {
  const size = 1_000
  const wide = graph(Object.fromEntries(Array.from({ length: size }, (_, i) => [`t${i}`, []])), 'tool')

  it('ends an execution of 1,000 tasks one after the other as cancelled', async () => {
    let calls = 0
    const tool = async () => {
      calls += 1
    }
    const told: string[] = []
    const execution = new ParallelExecutor({ tools: { tool }, maxConcurrency: 1 }).start(wide, {
      onTaskComplete: ({ taskId }) => {
        told.push(taskId)
        execution.cancel()
      },
    })
    const end = await endOf(execution)
    expect(end?.status).toBe('cancelled')
    expect(end?.results.slice(1).every(({ code }) => code === 'cancelled')).toBe(true)
    expect([calls, told.length, new Set(told).size]).toEqual([1, size, size])
  })

  it('ends an execution of 1,000 tasks at a time as cancelled, also by the signals of their tools', async () => {
    const reasons = new Set<unknown>()
    const tool = (_: unknown, { signal }: ToolContext) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reasons.add(signal.reason)
          execution.cancel(new Error('again'))
          reject(signal.reason)
        })
      })
    const execution = new ParallelExecutor({ tools: { tool } }).start(wide)
    await vi.advanceTimersByTimeAsync(100)
    const reason = new Error('enough')
    execution.cancel(reason)
    const end = await endOf(execution)
    expect(end?.status).toBe('cancelled')
    expect(new Set(end?.results.map(({ code, attempts }) => `${code} ${attempts}`))).toEqual(new Set(['cancelled 1']))
    expect([...reasons]).toEqual([reason])
  })
})

it.each(['timeout', 'idleTimeout', 'totalTimeout'])(
  'a tool that is out of its %s has its signal aborted before another task starts in its place',
  async (limit) => {
    const seen: unknown[] = []
    let slow: ToolContext | undefined
    const tools = {
      slow: (_: unknown, context: ToolContext) => {
        slow = context
        // What it answers to the abort is too late.
        return new Promise((resolve) => context.signal.addEventListener('abort', resolve))
      },
      next: () => void seen.push(slow?.signal.aborted),
    }
    const tasks = [
      { id: 'a', tool: 'slow', [limit]: 50 },
      { id: 'b', tool: 'next' },
    ]
    const execution = new ParallelExecutor({ tools, maxConcurrency: 1 }).start({ tasks })
    await settled()
    expect(seen).toEqual([])
    expect((await endOf(execution))?.results).toMatchObject([{ code: 'timeout' }, { status: 'success' }])
    expect(seen).toEqual([true])
  },
)

it.each(['cancel', 'cancelTask'] as const)(
  'a %s by a tool that is told that its time is over ends what it is to end: no other attempt follows',
  async (way) => {
    for (const limit of ['timeout', 'idleTimeout', 'totalTimeout']) {
      let calls = 0
      const tool = (_: unknown, { signal }: ToolContext) => {
        calls += 1
        signal.addEventListener('abort', () => (way === 'cancel' ? execution.cancel() : execution.cancelTask('a')))
        return new Promise(() => undefined)
      }
      const tasks = [
        { id: 'a', tool: 'tool', [limit]: 50, retry: { attempts: 3, delayMs: 10 } },
        ...graph({ b: ['a'] }, 'tool').tasks,
      ]
      const execution = new ParallelExecutor({ tools: { tool } }).start({ tasks })
      expect(await endOf(execution)).toMatchObject({
        status: way === 'cancel' ? 'cancelled' : 'error',
        results: [{ code: 'timeout', attempts: 1 }, { status: 'skipped' }],
      })
      expect([limit, calls]).toEqual([limit, 1])
    }
  },
)
