import v8 from 'node:v8'
import vm from 'node:vm'
import { describe, expect, it } from 'vitest'
import { BufferedEventStream } from '../src/buffered-event-stream.js'
import type { ExecutionMark, OutputMark, ProgressMark } from '../src/execution-mark.js'
import type { PlannedTask } from '../src/plan.js'
import { settled } from './held-tasks.js'
import { seeded } from './seeded.js'

const taskOf = (index: number) => ({ index }) as PlannedTask
const start = (at: number): ExecutionMark => ({ type: 'task_start', at, task: taskOf(0), attempt: 1 })
const output = (at: number): OutputMark => ({ type: 'task_output', at, task: taskOf(0), attempt: 1, output: at })
const progress = (at: number, index = 0, attempt = 1, message?: string): ProgressMark => ({
  type: 'task_progress',
  at,
  task: taskOf(index),
  attempt,
  progress: message === undefined ? at : undefined,
  message,
})

/** What the buffer does, in the words of its description and without a thought for speed. */
class PlainBuffer {
  readonly #max: number
  #marks: ExecutionMark[] = []
  dropped = 0

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#marks.length
  }

  push(mark: ExecutionMark): void {
    if (isDroppable(mark) && this.#marks.filter(isDroppable).length >= this.#max) this.#makeRoom()
    this.#marks.push(mark)
  }

  take(): ExecutionMark | undefined {
    return this.#marks.shift()
  }

  #makeRoom(): void {
    for (const [at, newer] of this.#marks.entries()) {
      if (newer.type !== 'task_progress') continue
      const before = this.#marks.slice(0, at).filter((mark): mark is ProgressMark => mark.type === 'task_progress')
      const older = before.findLast(({ task }) => task.index === newer.task.index)
      if (older?.attempt !== newer.attempt) continue
      const merged = { progress: newer.progress ?? older.progress, message: newer.message ?? older.message }
      this.#marks[at] = { ...newer, ...merged }
      this.#marks = this.#marks.filter((mark) => mark !== older)
      return
    }
    const oldest = this.#marks.find(isDroppable)
    this.#marks = this.#marks.filter((mark) => mark !== oldest)
    this.dropped += 1
  }
}

function isDroppable({ type }: ExecutionMark): boolean {
  return type === 'task_progress' || type === 'task_output'
}

describe('BufferedEventStream', () => {
  it('gives, merges, drops and counts what its description says, in 400 random histories', () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const random = seeded(seed)
      const pick = (limit: number) => Math.floor(random() * limit)
      const max = 1 + pick(12)
      const [buffer, plain] = [new BufferedEventStream(max), new PlainBuffer(max)]
      const [tasks, pace] = [1 + pick(5), random()]
      const attempts = new Array<number>(tasks).fill(1)
      for (let at = 0; at < 400; at += 1) {
        if (random() < pace * 0.6) {
          expect(buffer.take()).toEqual(plain.take())
        } else {
          const index = pick(tasks)
          if (random() < 0.1) attempts[index]! += 1
          const message = random() < 0.5 ? `at ${at}` : undefined
          const mark = [start(at), output(at), progress(at, index, attempts[index], message)][pick(3)]!
          buffer.push(mark)
          plain.push(mark)
        }
        expect([buffer.size, buffer.dropped]).toEqual([plain.size, plain.dropped])
      }
      while (plain.size > 0) expect(buffer.take()).toEqual(plain.take())
      expect(buffer.take()).toBeUndefined()
    }
  })

  it('does so also where thousands of places are empty between what waits', () => {
    for (const mostTasks of [1, 3, 200]) {
      const random = seeded(mostTasks)
      const [buffer, plain] = [new BufferedEventStream(50), new PlainBuffer(50)]
      for (let at = 0; at < 8_000; at += 1) {
        const chance = random()
        if (chance < 0.05) expect(buffer.take()).toEqual(plain.take())
        const mark = chance < 0.02 ? start(at) : chance < 0.3 ? output(at) : progress(at, at % mostTasks)
        buffer.push(mark)
        plain.push(mark)
      }
      expect([buffer.size, buffer.dropped]).toEqual([plain.size, plain.dropped])
      while (plain.size > 0) expect(buffer.take()).toEqual(plain.take())
    }
  })

  it('needs no room for what was merged, dropped or taken, whatever waits before it', () => {
    v8.setFlagsFromString('--expose-gc')
    const collectGarbage = vm.runInNewContext('gc') as () => void
    const buffer = new BufferedEventStream(10)
    const bytes = () => {
      collectGarbage()
      return process.memoryUsage().heapUsed
    }
    buffer.push(start(0))
    const before = bytes()
    const task = taskOf(0)
    const mark: ProgressMark = { type: 'task_progress', at: 1, task, attempt: 1, progress: 0.5, message: undefined }
    for (let i = 0; i < 500_000; i += 1) buffer.push(mark)
    for (let i = 0; i < 500_000; i += 1) buffer.push({ type: 'task_output', at: 1, task, attempt: 1, output: i })
    for (let i = 0; i < 500_000; i += 1) {
      buffer.push(mark)
      buffer.take()
    }
    // A million places, and half a million pairs of them, would be 16 MB at least.
    expect(bytes() - before).toBeLessThan(2 ** 21)
    expect([buffer.size, buffer.dropped]).toEqual([9, 499_993])
  })

  it('takes no mark for older progress that was put where such progress had been', () => {
    const buffer = new BufferedEventStream(1)
    buffer.push(progress(0, 5))
    buffer.take()
    for (let at = 1; at <= 1_024; at += 1) {
      buffer.push(start(at))
      buffer.take()
    }
    const [first, last] = [start(2_000), progress(2_002, 6)]
    for (const mark of [first, progress(2_001, 5), last]) buffer.push(mark)
    expect([buffer.take(), buffer.take(), buffer.take(), buffer.dropped]).toEqual([first, last, undefined, 1])
  })

  it('gives 100,000 marks in order', () => {
    const buffer = new BufferedEventStream(Number.POSITIVE_INFINITY)
    for (let at = 0; at < 100_000; at += 1) buffer.push(at % 2 ? start(at) : output(at))
    for (let at = 0; at < 100_000; at += 1) expect(buffer.take()?.at === at).toBe(true)
    expect([buffer.take(), buffer.size, buffer.dropped]).toEqual([undefined, 0, 0])
  })

  it('wakes everybody who waits, for a mark or for the end', async () => {
    const buffer = new BufferedEventStream(10)
    let woken = 0
    const wait = () => void buffer.wait().then(() => (woken += 1))
    wait()
    wait()
    await settled()
    expect(woken).toBe(0)
    buffer.push(start(1))
    await settled()
    expect(woken).toBe(2)
    wait()
    await settled()
    expect(woken).toBe(3)
    buffer.take()
    wait()
    await settled()
    expect(woken).toBe(3)
    buffer.end()
    await settled()
    expect(woken).toBe(4)
    await buffer.wait()
  })

  it('takes nothing in once its consumer is gone', () => {
    const buffer = new BufferedEventStream(1)
    buffer.push(output(1))
    buffer.discard()
    buffer.push(output(2))
    buffer.push(start(3))
    expect([buffer.size, buffer.dropped, buffer.take()]).toEqual([0, 0, undefined])
  })
})
