import { describe, expect, it } from 'vitest'
import { type JournalEntry, ParallelExecutor, type ResumeError, readExecution } from '../src/index.js'
import { graph, rejection } from './held-tasks.js'
import { MemoryJournal } from './memory-journal.js'

const start = (more: object = {}): JournalEntry => ({
  type: 'execution_start',
  data: { executionId: 'run', planHash: 'hash', tasks: [], ...more },
})
const taskStart = (taskId: string, attempt = 1) => ({ type: 'task_start', data: { taskId, attempt } })
const taskRetry = (taskId: string, attempt = 1) => ({ type: 'task_retry', data: { taskId, attempt, error: 'No.' } })
const taskComplete = (taskId: string, more: object = {}) => ({
  type: 'task_complete',
  data: { taskId, status: 'success', executionTimeMs: 1, attempts: 1, ...more },
})
const complete = (more: object = {}) => ({
  type: 'execution_complete',
  data: { status: 'success', totalExecutionTimeMs: 1, speedup: 1, ...more },
})
const withIds = (events: readonly JournalEntry[], ...ids: (string | undefined)[]) =>
  events.map((event, i) => ({ ...event, id: ids[i] }))

/** What a log is refused with. */
function refusal(log: readonly unknown[]): ResumeError {
  try {
    readExecution(log as JournalEntry[])
  } catch (error) {
    return error as ResumeError
  }
  throw new Error('Expected a refusal')
}

describe('what a log says', () => {
  it('is nothing where no execution has begun, whatever else is in it', () => {
    expect(readExecution([])).toBeUndefined()
    expect(readExecution([{ type: 'agent:status', data: 'x' }])).toBeUndefined()
  })

  it('is where each task got to', () => {
    const record = readExecution([
      start(),
      taskStart('a'),
      taskStart('b'),
      taskRetry('a'),
      taskStart('a', 2),
      taskComplete('a', { output: [1] }),
      taskComplete('c', { status: 'skipped', because: 'd', attempts: 0 }),
      taskStart('d'),
      taskRetry('d'),
      taskComplete('d', { status: 'error', error: 'No.', code: 'timeout', handled: 'ignored' }),
    ])
    expect(record).toMatchObject({ executionId: 'run', planHash: 'hash', generation: 1 })
    expect([...record!.tasks]).toMatchObject([
      ['b', { attempts: 1, failures: 0, isRunning: true, end: undefined }],
      [
        'a',
        {
          attempts: 2,
          failures: 1,
          failure: { code: 'task_failed', error: 'No.' },
          end: { status: 'success', output: [1], attempts: 2 },
        },
      ],
      ['c', { attempts: 0, end: { status: 'skipped', because: 'd' } }],
      [
        'd',
        { failures: 1, isRunning: false, end: { status: 'error', error: 'No.', code: 'timeout', handled: 'ignored' } },
      ],
    ])
    expect(record?.completion).toBeUndefined()
    expect(readExecution([start(), complete({ status: 'cancelled' })])?.completion?.status).toBe('cancelled')
  })

  it('is read from any iterable, and not changed by what is not about tasks', () => {
    const foreign = ['agent:status', 'task_progress', 'task_output', 'error', 'heartbeat', '__proto__', 'toString']
    function* log() {
      yield start()
      for (const type of foreign) yield { type, data: null }
      yield taskStart('a')
    }
    expect([...readExecution(log())!.tasks.keys()]).toEqual(['a'])
  })

  it('has a whole output before a preview of one', () => {
    const output = { truncated: true, bytes: 9, preview: '[1', ref: null }
    const end = (log: JournalEntry) => readExecution([start(), taskStart('a'), log])?.tasks.get('a')?.end
    expect(end(taskComplete('a', { output }))).toMatchObject({ isPreview: true })
    expect(end({ ...taskComplete('a', { output }), internal: { output } })).toMatchObject({ isPreview: false, output })
    expect(end({ ...taskComplete('a', { output }), internal: { output: undefined } })).toMatchObject({
      isPreview: false,
    })
  })

  it('may have ids from any sequence on, which go on without a gap', () => {
    const events = [start(), { type: 'agent:status', data: {} }, taskStart('a')]
    expect(readExecution(withIds(events, 'e-p-7', 'e-p-8', 'e-p-9'))?.tasks.size).toBe(1)
    expect(readExecution(withIds(events, 'e-7', undefined, 'e-8'))?.tasks.size).toBe(1)
  })
})

describe('what is no log', () => {
  const begun = [start(), taskStart('a')]
  const ended = [...begun, taskComplete('a')]
  const cases: [name: string, log: readonly unknown[], message: RegExp][] = [
    ['null in place of an event', [start(), null], /event with a `type`/],
    ['a text', [start(), 'task_start'], /event with a `type`/],
    ['an array', [start(), []], /event with a `type`/],
    ['an event without a type', [start(), { data: {} }], /event with a `type`/],
    ['an event without data', [{ type: 'execution_start' }], /`data`/],
    ['data that is a list', [{ type: 'execution_start', data: [] }], /`data`/],
    ['a start without an execution', [{ type: 'execution_start', data: { planHash: 'x' } }], /`executionId`/],
    ['an execution without a name', [start({ executionId: '' })], /`executionId`/],
    ['a start without a plan', [start({ planHash: 5 })], /`planHash`/],
    ['a plan that is none', [{ ...start(), internal: { tasks: [null] } }], /`internal.tasks`/],
    ['a plan of other things', [{ ...start(), internal: { tasks: { id: 'a' } } }], /`internal.tasks`/],
    [
      'a task that depends on a number',
      [{ ...start(), internal: { tasks: [{ id: 'a', tool: 'a', dependsOn: [1] }] } }],
      /`internal.tasks`/,
    ],
    ['two executions', [...begun, start({ executionId: 'other', planHash: 'other' })], /one execution/],
    ['two starts of one plan', [...begun, start()], /second start/],
    ['a task before the start', [taskStart('a')], /before the events of tasks/],
    ['an end before the start', [complete()], /has begun/],
    ['a task after the end', [...ended, complete(), taskStart('b')], /after its end/],
    ['a second end', [...ended, complete(), complete()], /not ended/],
    ['an end of no known status', [start(), complete({ status: 'done' })], /`status`/],
    ['an end without times', [start(), complete({ totalExecutionTimeMs: null })], /`totalExecutionTimeMs`/],
    ['a negative speedup', [start(), complete({ speedup: -1 })], /`speedup`/],
    ['a start without a task', [start(), { type: 'task_start', data: { attempt: 1 } }], /`taskId`/],
    [
      'an attempt that is no number',
      [start(), { type: 'task_start', data: { taskId: 'a', attempt: '1' } }],
      /`attempt`/,
    ],
    ['an attempt of nothing', [start(), taskStart('a', 0)], /`attempt`/],
    ['the same attempt twice', [...begun, taskStart('a')], /Expected attempt 2, got 1/],
    [
      'an attempt before the last one',
      [start(), taskStart('a'), taskStart('a', 2), taskStart('a', 1)],
      /Expected attempt 3, got 1/,
    ],
    ['an attempt too many', [...begun, taskStart('a', 3)], /Expected attempt 2, got 3/],
    ['a first attempt that is not the first', [start(), taskStart('a', Number.MAX_SAFE_INTEGER)], /Expected attempt 1/],
    ['a retry of no attempt', [start(), taskRetry('a')], /attempt that has begun/],
    ['a retry of another attempt', [...begun, taskRetry('a', 2)], /attempt that has begun/],
    ['a retry twice', [...begun, taskRetry('a'), taskRetry('a')], /attempt that has begun/],
    ['a retry without a reason', [...begun, { type: 'task_retry', data: { taskId: 'a', attempt: 1 } }], /`error`/],
    ['a success of no attempt', [start(), taskComplete('a')], /follow an attempt/],
    ['a success in a wait', [...begun, taskRetry('a'), taskComplete('a')], /follow an attempt/],
    ['a failure of no attempt', [start(), taskComplete('a', { status: 'error' })], /follow an attempt/],
    ['a skip after an attempt', [...begun, taskComplete('a', { status: 'skipped' })], /have had no attempt/],
    ['an end of no status', [...begun, taskComplete('a', { status: undefined })], /`status`/],
    ['a time that is a text', [...begun, taskComplete('a', { executionTimeMs: '1' })], /`executionTimeMs`/],
    [
      'a time without an end',
      [...begun, taskComplete('a', { executionTimeMs: Number.POSITIVE_INFINITY })],
      /`executionTimeMs`/,
    ],
    [
      'a whole time without an end',
      [start(), complete({ totalExecutionTimeMs: Number.POSITIVE_INFINITY })],
      /`totalExecutionTimeMs`/,
    ],
    ['an endless speedup', [start(), complete({ speedup: Number.POSITIVE_INFINITY })], /`speedup`/],
    ['a time that is no number', [...begun, taskComplete('a', { executionTimeMs: Number.NaN })], /`executionTimeMs`/],
    ['a second end of a task', [...ended, taskComplete('a')], /"a" after its end/],
    ['an attempt after the end of its task', [...ended, taskStart('a', 2)], /"a" after its end/],
    ['an id that is none', withIds([start()], 'seven'), /event id/],
    ['an id of nothing', withIds([start()], 'e-0'), /event id/],
    ['a number as an id', [{ ...start(), id: 7 }], /event id/],
    ['an id beyond all numbers', withIds([start()], 'e-9007199254740993'), /event id/],
    ['a gap', withIds(begun, 'e-1', 'e-3'), /Expected the id e-2, got e-3/],
    ['a repetition', withIds([start(), { type: 'other', data: 0 }], 'e-1', 'e-1'), /Expected the id e-2/],
    ['another epoch', withIds(begun, 'e-1', 'f-2'), /Expected the id e-2, got f-2/],
  ]
  for (const [name, log, message] of cases) {
    it(`${name} is refused, with its place`, () => {
      const error = refusal(log)
      expect([error.name, error.code, error.position]).toEqual(['ResumeError', 'corrupt_log', log.length - 1])
      expect(error.message).toMatch(message)
      expect(error.message).toMatch(new RegExp(`^Event ${log.length - 1} of the log: `))
    })
  }
})

describe('hostile content', () => {
  it('of any kind is data: names such as __proto__, numbers beyond all bounds', () => {
    const log = JSON.parse(`[
      {"type": "execution_start", "data": {"executionId": "__proto__", "planHash": "h", "__proto__": {"planHash": 1}}},
      {"type": "task_start", "data": {"taskId": "__proto__", "attempt": 1}},
      {"type": "task_complete", "data": {"taskId": "__proto__", "status": "success", "output": {"__proto__": {"polluted": 1}}, "executionTimeMs": 1e300, "attempts": -1e999}},
      {"type": "task_complete", "data": {"taskId": "constructor", "status": "skipped", "executionTimeMs": 0, "because": {}}}
    ]`)
    const record = readExecution(log)
    expect([...record!.tasks.keys()]).toEqual(['__proto__', 'constructor'])
    expect(record!.tasks.get('__proto__')?.end?.attempts).toBe(1)
    expect(Object.hasOwn({}, 'polluted')).toBe(false)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  it('starts nothing: what a getter or an iterator throws is what the execution rejects with', async () => {
    const calls: string[] = []
    const journal = new MemoryJournal()
    const executor = new ParallelExecutor({ tools: { held: () => calls.push('called') }, journal })
    const thrown = new Error('thrown')
    const event = {
      get type(): string {
        throw thrown
      },
      data: {},
    }
    function* log() {
      yield start()
      throw thrown
    }
    for (const resumeFrom of [[event], log()]) {
      expect(await rejection(executor.execute(graph({ a: [] }), { resumeFrom }))).toBe(thrown)
    }
    expect([calls, journal.lines]).toEqual([[], []])
  })
})
