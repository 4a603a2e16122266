import { describe, expect, it } from 'vitest'
import { ParallelExecutor, ResumeError, StreamingExecutor } from '../src/index.js'
import { brokenOff, goOn } from './broken-off.js'
import { graph, rejection } from './held-tasks.js'

const { tasks: chain } = graph({ a: [], b: ['a'], c: ['b'] })

describe('what is not resumed', () => {
  it('a log of another execution, or of another plan', async () => {
    const log = await brokenOff(chain, { a: 1 })
    const { held, result, journal } = goOn(chain, log, { executionId: 'run' })
    expect((await held.started('b')).context.executionId).toBe('run')
    held.call('b').succeed()
    ;(await held.started('c')).succeed()
    await result
    const refusals: [ResumeError['code'], () => Promise<unknown>][] = [
      [
        'other_execution',
        () =>
          new ParallelExecutor({ tools: { held: held.tool } }).execute(
            { tasks: chain },
            { executionId: 'other', resumeFrom: log },
          ),
      ],
      ['plan_changed', () => goOn(chain.slice(0, 2), log).result],
      ['plan_changed', () => goOn(chain.toReversed(), log).result],
      ['plan_changed', () => goOn(chain.slice(0, 2), journal.read()).result],
    ]
    for (const [code, attempt] of refusals) {
      const error = await rejection(attempt())
      expect(ResumeError.isInstance(error)).toBe(true)
      expect(error).toMatchObject({ code })
    }
  })

  it('an output of which the log holds only a preview', async () => {
    const log = await brokenOff(chain, { a: 'x'.repeat(70_000) })
    const stripped = log.map(({ internal, ...event }) => event)
    const { held, journal, result } = goOn(chain, stripped)
    expect(await rejection(result)).toMatchObject({ code: 'output_missing', taskId: 'a' })
    expect([held.order, journal.lines.length]).toEqual([[], log.length])
  })

  it('a log that has the end of the execution, but not of all its tasks', async () => {
    const { held, journal, result } = goOn(chain.slice(0, 1), [])
    ;(await held.started('a')).succeed()
    await result
    const torn = journal.read().filter(({ type }) => type !== 'task_complete')
    expect(await rejection(goOn(chain.slice(0, 1), torn).result)).toMatchObject({ code: 'corrupt_log' })
  })

  it('a log that has the start of a task, but not the ends of those that it depends on', async () => {
    const log = await brokenOff(chain, { a: 1, b: 2 })
    const torn = log.filter(({ data }) => (data as { taskId?: string }).taskId !== 'b')
    const error = await rejection(goOn(chain, torn).result)
    expect(error).toMatchObject({ code: 'corrupt_log', message: expect.stringContaining('not the end of "b"') })
  })

  it('a log of tasks that the plan does not have', async () => {
    const log = await brokenOff(chain, { a: 1 })
    const foreign = { type: 'task_start', data: { taskId: 'x', attempt: 1 } }
    expect(await rejection(goOn(chain, [...log, foreign]).result)).toMatchObject({ code: 'corrupt_log' })
  })

  it('and the error is what a stream and a sink of the execution end with', async () => {
    const log = await brokenOff(chain, { a: 1 })
    const iterate = async () => {
      for await (const event of goOn(chain.slice(0, 2), log).execution) expect.fail(event.type)
    }
    expect(await rejection(iterate())).toMatchObject({ code: 'plan_changed' })
    const seen: string[] = []
    const writable = new WritableStream<string>({
      write: (event) => void seen.push(event),
      close: () => void seen.push('close'),
    })
    const executor = new StreamingExecutor({ tools: { held: () => expect.fail('called') } })
    const options = { resumeFrom: log }
    const execution = executor.executeWithStreaming({ tasks: chain.slice(0, 2) }, writable as never, options)
    expect(await rejection(execution)).toMatchObject({ code: 'plan_changed' })
    expect([seen, writable.locked]).toEqual([['close'], false])
  })

  it('what is no log at all, which is misuse', async () => {
    const executor = new ParallelExecutor()
    for (const resumeFrom of [null, 0, '', 'text', {}, false, new ReadableStream()] as never[]) {
      expect(await rejection(executor.execute({ tasks: [] }, { resumeFrom }))).toBeInstanceOf(TypeError)
      expect(() => executor.start({ tasks: [] }, { resumeFrom })).toThrow(TypeError)
    }
    const changedPlan = 'maybe' as never
    expect(await rejection(executor.execute({ tasks: [] }, { changedPlan }))).toBeInstanceOf(TypeError)
  })
})
