import { expect, it } from 'vitest'
import { ParallelExecutor } from '../src/index.js'
import { graph, HeldTasks, settled } from './held-tasks.js'
import { unhandledRejections } from './process-events.js'

const thrower = (message: string) => () => {
  throw new Error(message)
}

class HostileSpecies extends Promise<unknown> {
  static override get [Symbol.species](): PromiseConstructor {
    throw new Error('species')
  }
}

function thenThatThrowsOnItsSecondReading(): unknown {
  let readings = 0
  return Object.defineProperty(Promise.resolve(1), 'then', {
    get: () => {
      readings += 1
      if (readings > 1) throw new Error('second reading')
      return Promise.prototype.then
    },
  })
}

it.each<[string, () => unknown, object]>([
  ['a Proxy of a promise', () => new Proxy(Promise.resolve(1), {}), { status: 'error', code: 'task_failed' }],
  ['an object that only inherits from Promise', () => Object.create(Promise.prototype), { status: 'error' }],
  ['a promise with a hostile Symbol.species', () => HostileSpecies.resolve(1), { status: 'error', error: 'species' }],
  [
    'a promise whose constructor throws',
    () => Object.defineProperty(Promise.resolve(1), 'constructor', { get: thrower('constructor') }),
    { status: 'error', error: 'constructor' },
  ],
  [
    'a Proxy that does not tell its prototype',
    () => new Proxy(Promise.resolve(1), { getPrototypeOf: thrower('prototype') }),
    { status: 'error' },
  ],
  ['a Proxy that throws whatever it is asked', () => new Proxy({}, { get: thrower('get') }), { error: 'get' }],
  // Once is enough.
  ['a `then` that may be read only once', thenThatThrowsOnItsSecondReading, { status: 'success', output: 1 }],
])('%s is the business of its own task only, which ends at once', async (_, hostile, expected) => {
  const rejections = unhandledRejections()
  const held = new HeldTasks()
  const ended: string[] = []
  const tools = { hostile, held: held.tool }
  const tasks = [
    ...graph({ sibling: [] }).tasks,
    ...graph({ a: [] }, 'hostile').tasks,
    ...graph({ later: [], after: ['sibling'] }).tasks,
  ]
  const execution = new ParallelExecutor({ tools, maxConcurrency: 2 }).start(
    { tasks },
    { onTaskComplete: ({ taskId }) => void ended.push(taskId) },
  )
  await settled()
  expect(ended).toEqual(['a'])
  expect(held.order).toEqual(['sibling', 'later'])
  for (const id of ['sibling', 'later']) {
    expect(held.call(id).context.signal.aborted).toBe(false)
    held.call(id).succeed(id)
  }
  ;(await held.started('after')).succeed()
  const { results } = await execution.result
  expect(results).toMatchObject([{ output: 'sibling' }, expected, { output: 'later' }, { status: 'success' }])
  await new Promise((resolve) => setImmediate(resolve))
  expect(rejections).toEqual([])
})
