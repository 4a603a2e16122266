import { expect, it, vi } from 'vitest'
import { DagValidationError, ResumeError, StreamingExecutor, ToolError } from '../src/index.js'
import { graph } from './held-tasks.js'

const first = { ToolError, ResumeError, DagValidationError }

/** The errors of another installation of the package: classes of their own. */
async function anotherCopy(): Promise<typeof first> {
  vi.resetModules()
  const { ToolError, ResumeError, DagValidationError } = await import('../src/index.js')
  return { ToolError, ResumeError, DagValidationError }
}

const made = ({ ToolError, ResumeError, DagValidationError }: typeof first) => ({
  ToolError: new ToolError('code', 'text'),
  ResumeError: new ResumeError('corrupt_log', 'text'),
  DagValidationError: new DagValidationError([]),
})

it.each(['ToolError', 'ResumeError', 'DagValidationError'] as const)(
  'a %s of another copy of the package is recognised, and errors of other kinds are not',
  async (name) => {
    const second = await anotherCopy()
    expect(second[name]).not.toBe(first[name])
    for (const [copy, other] of [
      [first, second],
      [second, first],
    ] as const) {
      for (const [kind, error] of Object.entries(made(other))) {
        expect(error).not.toBeInstanceOf(copy[name])
        expect(copy[name].isInstance(error)).toBe(kind === name)
      }
    }
    const lookalike = Object.assign(new Error('text'), { name, code: 'code' })
    for (const value of [lookalike, null, undefined, name, () => name])
      expect(first[name].isInstance(value)).toBe(false)
  },
)

it('the ToolError of another copy is public with its code, and is tried again by it', async () => {
  const another = await anotherCopy()
  let calls = 0
  const tools = {
    fail: () => {
      calls += 1
      throw new another.ToolError('not_found', 'There is no such page.')
    },
  }
  const tasks = graph({ a: [] }, 'fail').tasks.map((task) => ({
    ...task,
    retry: { attempts: 2, delayMs: 0, retryOn: ['not_found'] },
  }))
  const stream = new StreamingExecutor({ tools }).stream({ tasks })
  const ends: unknown[] = []
  for await (const { type, data } of stream) if (type === 'task_complete') ends.push(data)
  expect(ends).toMatchObject([{ status: 'error', code: 'not_found', error: 'There is no such page.' }])
  expect(calls).toBe(2)
})
