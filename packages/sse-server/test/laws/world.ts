import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { SseServer, type Stream } from '../../src/index.js'
import { type TickEvents, tickEvents } from '../harness.js'
import type { Dial } from './lines.js'
import { LogModel, type Pace } from './log-model.js'
import { ReaderView } from './reader-view.js'

/** Something that happens to a stream, to its readers or to their server. */
export type Step =
  | { readonly do: 'publish'; readonly count: number; readonly size: number }
  | { readonly do: 'wait'; readonly turns: number }
  | { readonly do: 'connect'; readonly reader: number; readonly cursor: 'own' | 'none' | 'ahead' | 'other' }
  /** One page of JSON, which must be what the model says. */
  | { readonly do: 'page'; readonly reader: number; readonly cursor: 'own' | 'none' | 'ahead' | 'other' }
  | { readonly do: 'cut' | 'stall' | 'resume'; readonly reader: number }
  /** The log drops all but the newest events. */
  | { readonly do: 'trim'; readonly keep: number }
  /** The log drops the stream; with `replace` there is another of its name at once. */
  | { readonly do: 'remove' | 'replace' | 'end' }
  /** The server closes, and another one takes over the same log. */
  | { readonly do: 'restart'; readonly drain: number }
  /** Every reader reads on, and must come to the head. */
  | { readonly do: 'settle' }

const readers = 3
const reader = fc.nat({ max: readers - 1 })
const one = <Name extends string>(...names: Name[]) => fc.constantFrom(...names)

export const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: one('publish'),
      count: fc.integer({ min: 1, max: 6 }),
      size: fc.constantFrom(0, 300, 9_000, 60_000),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: one('wait'), turns: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: one('connect'), reader, cursor: one('own', 'own', 'own', 'none', 'ahead', 'other') }),
  },
  { weight: 2, arbitrary: fc.record({ do: one('page'), reader, cursor: one('own', 'none', 'ahead', 'other') }) },
  { weight: 9, arbitrary: fc.record({ do: one('cut', 'stall', 'stall', 'resume'), reader }) },
  { weight: 2, arbitrary: fc.record({ do: one('trim'), keep: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ do: one('remove', 'replace', 'replace', 'end') }) },
  { weight: 1, arbitrary: fc.record({ do: one('restart'), drain: fc.constantFrom(0, 5_000) }) },
  { weight: 2, arbitrary: fc.record({ do: one('settle') }) },
)

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Waits, but not for long: nothing here needs more than the turns of the event loop. */
async function within(law: string, condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    ok(turns < 5_000, `Expected that ${law}`)
    await turn()
  }
}

/** A stream, its readers and their server, and beside them the model of what may be. */
export class World {
  readonly model: LogModel
  readonly readers: readonly ReaderView[]
  #sse: SseServer<TickEvents>
  #stream: Stream<TickEvents> | undefined
  #published = 0

  constructor(maxEvents: number, pace: Pace, dial: Dial) {
    this.model = new LogModel(maxEvents, pace)
    this.readers = Array.from({ length: readers }, () => new ReaderView(this.model, dial))
    this.#sse = this.#createServer()
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'publish':
        await this.#publish(step.count, step.size)
        break
      case 'wait':
        for (let n = 0; n < step.turns; n++) await turn()
        break
      case 'connect':
        this.readers[step.reader]!.connect(this.#sse, this.#cursorOf(step))
        break
      case 'page':
        await this.#page(this.#cursorOf(step))
        break
      case 'cut':
      case 'stall':
      case 'resume':
        this.readers[step.reader]![step.do]()
        break
      case 'trim':
        if (this.model.exists) this.model.trim(step.keep)
        break
      case 'remove':
        this.model.remove()
        break
      case 'replace':
        this.model.remove()
        await this.open()
        break
      case 'end':
        await this.end()
        break
      case 'restart':
        await this.#restart(step.drain)
        break
      case 'settle':
        await this.settle()
        break
      default:
        step satisfies never
    }
    this.model.check()
    for (const each of this.readers) each.check()
  }

  /** Takes the stream over, or creates it. */
  async open(): Promise<void> {
    if (this.model.exists && this.model.state.ended) return
    this.#stream = await this.#sse.open('s')
    strictEqual(this.#stream.head, this.model.head)
  }

  async end(): Promise<void> {
    if (!this.model.exists || this.model.state.ended) return
    const ended = this.#stream!.end('done', { total: this.#published })
    this.model.append('done', { total: this.#published })
    strictEqual(await ended, this.model.head)
  }

  async settle(): Promise<void> {
    for (const each of this.readers) each.resume()
    const isDone = (each: ReaderView): boolean =>
      each.check() || !each.isConnected || (this.#isOpen && each.place === this.model.head)
    await within('a reader that reads comes to the head', () => this.readers.every(isDone))
  }

  /** The last steps of every schedule: all readers come to the end, and know it, and nothing of them is left. */
  async finish(): Promise<void> {
    if (!this.model.exists) await this.open()
    await this.end()
    await this.settle()
    for (const each of this.readers) each.connect(this.#sse)
    await this.settle()
    for (const each of this.readers) {
      strictEqual(each.cursor, this.model.head)
      each.connect(this.#sse)
      await within('a request is answered', () => each.status !== undefined)
      strictEqual(each.status, 204)
    }
    await this.close()
  }

  async close(): Promise<void> {
    for (const each of this.readers) each.cut()
    await this.#sse.close({ drain: 0 })
    strictEqual(this.#sse.metrics().connections, 0)
    strictEqual(this.model.log.listeners, 0)
    this.model.log.memory.close()
  }

  /** Readers are kept, and not sent home. */
  get #isOpen(): boolean {
    return this.model.exists && !this.model.state.ended
  }

  async #publish(count: number, size: number): Promise<void> {
    if (!this.#isOpen) return
    const ids: Promise<string>[] = []
    for (let n = 0; n < count; n++) {
      this.#published += 1
      const data = { n: this.#published, text: 'x'.repeat(size) }
      ids.push(this.#stream!.publish('tick', data))
      this.model.append('tick', data)
    }
    strictEqual((await Promise.all(ids)).at(-1), this.model.head)
  }

  async #page(cursor: string): Promise<void> {
    const headers = { Accept: 'application/json', 'Last-Event-ID': cursor }
    const response = await this.#sse.fetch(new Request('http://localhost/s', { headers }), 's')
    strictEqual(response.status, this.model.exists ? 200 : 404)
    if (this.model.exists) deepStrictEqual(await response.json(), this.model.page(cursor))
  }

  #cursorOf({ reader, cursor }: Extract<Step, { do: 'connect' | 'page' }>): string {
    if (cursor === 'none') return ''
    if (cursor === 'other') return 'zzzzzzzzzz-3'
    if (cursor === 'ahead') return `${this.model.state.epoch}-${this.model.state.head + 2}`
    return this.readers[reader]!.cursor
  }

  async #restart(drain: number): Promise<void> {
    if (drain > 0) for (const each of this.readers) each.resume()
    this.model.excuses += 1
    let isClosed = false
    const closed = this.#sse.close({ drain }).then(() => {
      isClosed = true
    })
    // No reader is stalled then, so the server need not wait for the time to be over.
    if (drain > 0) await within('a server is closed once its readers have their end', () => isClosed)
    await closed
    strictEqual(this.#sse.metrics().connections, 0)
    strictEqual(this.model.log.listeners, 0)
    this.#sse = this.#createServer()
    if (this.model.exists) await this.open()
  }

  /** Nothing but the wake-ups of the log moves its connections. */
  #createServer(): SseServer<TickEvents> {
    return new SseServer({
      events: tickEvents,
      log: this.model.log,
      heartbeatInterval: false,
      writeTimeout: false,
      streamTimeout: false,
    })
  }
}
