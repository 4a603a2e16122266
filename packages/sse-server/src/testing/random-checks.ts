import type { NewEntry } from '../event-log.js'
import { Bench, type Check, everything } from './bench.js'
import { expectSame, expectThat, Unmet } from './expectation.js'
import { epochFormat } from './life-checks.js'
import { ModelStream } from './model-stream.js'
import { type Seeded, seeded } from './seeded.js'
import { entryOf } from './writer.js'

const operations = 60
const streamIds = ['a', 'b']
const texts = ['1', '"x"', '"äöü"', '"🙂🙂🙂"', '{"a":[1,2,3]}', `"${'x'.repeat(200)}"`]

/** Random schedules against a model. */
export const randomChecks: Readonly<Record<string, Check>> = {
  'random schedules of every method leave what a simple model says': async (bench) => {
    const { seed = 1, schedules = 50 } = bench.options
    for (let run = 0; run < schedules; run++) {
      // Each schedule has a seed by itself, so that one that fails can be run alone.
      const own = seed + run
      await Bench.run(bench.options, (fresh) => new Schedule(fresh, own).run())
    }
  },
}

class Schedule {
  readonly #bench: Bench
  readonly #seed: number
  readonly #random: Seeded
  readonly #streams = new Map<string, ModelStream>()
  /** Of each stream, also before a delete. */
  readonly #fences = new Map<string, number[]>()
  readonly #epochs = new Set<string>()
  readonly #story: string[] = []

  constructor(bench: Bench, seed: number) {
    this.#bench = bench
    this.#seed = seed
    this.#random = seeded(seed)
  }

  async run(): Promise<void> {
    try {
      for (let n = 0; n < operations; n++) await this.#operate(this.#random.pick(streamIds))
      for (const id of streamIds) await this.#expectWhole(id)
    } catch (error) {
      const { message, actual, expected } = error as Error & { actual?: unknown; expected?: unknown }
      const story = this.#story.slice(-15).join('\n  ')
      const text = `${message}\nwith { seed: ${this.#seed}, schedules: 1 }, after ${this.#story.length} operations, the last of them:\n  ${story}`
      throw Object.assign(new Unmet(text, { cause: error }), { actual, expected })
    }
  }

  async #operate(id: string): Promise<void> {
    const random = this.#random
    const kind = random.below(100)
    if (kind < 10 || (kind < 50 && !this.#streams.has(id) && random.chance(0.8))) await this.#open(id)
    else if (kind < 50) await this.#append(id)
    else if (kind < 60) await this.#repeat(id)
    else if (kind < 68) await this.#trim(id)
    else if (kind < 71) await this.#delete(id)
    else if (kind < 74 && this.#bench.options.reopen !== undefined) await this.#reopen()
    else await this.#read(id)
  }

  async #open(id: string): Promise<void> {
    this.#tell(`open ${id}`)
    const { epoch, fence, head, ended } = await this.#bench.log.open(id)
    const fences = this.#fences.get(id) ?? []
    expectThat(fence > Math.max(0, ...fences), `a fence greater than ${fences.join(', ')}`, fence)
    this.#fences.set(id, [...fences, fence])
    let stream = this.#streams.get(id)
    if (stream === undefined) {
      expectThat(epochFormat.test(epoch) && !this.#epochs.has(epoch), 'a new epoch', epoch)
      this.#epochs.add(epoch)
      stream = new ModelStream(epoch, fence)
      this.#streams.set(id, stream)
    }
    stream.open(fence)
    expectSame(
      'What open says',
      { epoch, head, ended },
      { epoch: stream.epoch, head: stream.head, ended: stream.ended },
    )
  }

  async #append(id: string): Promise<void> {
    const random = this.#random
    const stream = this.#streams.get(id)
    const fences = this.#fences.get(id) ?? [1]
    const fence = random.chance(0.9) ? (stream?.fence ?? 1) : random.pick(fences)
    await this.#send(id, fence, (stream?.lastNumber ?? 0) + 1 + (random.chance(0.1) ? random.below(5) : 0))
  }

  async #repeat(id: string): Promise<void> {
    const stream = this.#streams.get(id)
    const last = stream?.lastNumber ?? 0
    if (stream === undefined || last === 0) await this.#read(id)
    else await this.#send(id, stream.fence, 1 + this.#random.below(last))
  }

  async #send(id: string, fence: number, producerNumber: number): Promise<void> {
    const random = this.#random
    const entries: NewEntry[] = Array.from({ length: 1 + random.below(4) }, () =>
      entryOf(random.pick(texts), random.chance(0.2) ? '"internal"' : undefined, random.pick(['tick', 'tock'])),
    )
    const end = random.chance(0.04)
    this.#tell(
      `append ${id} fence ${fence} number ${producerNumber}: ${entries.length} events${end ? ', the end' : ''}`,
    )
    const stream = this.#streams.get(id)
    const { first, codes } = stream?.append(fence, producerNumber) ?? { codes: ['unknown_stream' as const] }
    const call = async () => this.#bench.log.append(id, { fence, producerNumber, entries, end })
    if (stream === undefined || first === undefined) {
      await this.#bench.refused('The append', codes, call)
      return
    }
    const answer = await call().catch((error: unknown) => {
      if (codes.length === 0) throw error
      return this.#bench.refused('The append', codes, () => Promise.reject(error))
    })
    if (answer !== undefined) expectSame('The place', answer, { epoch: stream.epoch, first })
    stream.commit(producerNumber, entries, end)
  }

  async #trim(id: string): Promise<void> {
    const oldest = this.#random.below((this.#streams.get(id)?.head ?? 0) + 3)
    this.#tell(`trim ${id} ${oldest}`)
    await this.#bench.log.trim(id, oldest)
    this.#streams.get(id)?.trim(oldest)
  }

  async #delete(id: string): Promise<void> {
    this.#tell(`delete ${id}`)
    expectSame('Delete', await this.#bench.log.delete(id), this.#streams.delete(id))
  }

  async #reopen(): Promise<void> {
    this.#tell('reopen')
    await this.#bench.reopen()
    // Whether a producer of another life may go on is up to the log.
    for (const id of [...this.#streams.keys()]) await this.#open(id)
  }

  async #read(id: string): Promise<void> {
    const random = this.#random
    const stream = this.#streams.get(id)
    const after = random.below((stream?.head ?? 0) + 3)
    const limits = { maxEvents: random.below(6), maxBytes: random.pick([0, 10, 100, 1_000, Number.POSITIVE_INFINITY]) }
    this.#tell(`read ${id} after ${after}, ${limits.maxEvents} events, ${limits.maxBytes} bytes`)
    const page = await this.#bench.log.read(id, after, limits)
    if (stream === undefined) expectSame('A read', page, undefined)
    else stream.check(page, after, limits)
  }

  async #expectWhole(id: string): Promise<void> {
    const stream = this.#streams.get(id)
    this.#tell(`read all of ${id}`)
    if (stream === undefined) expectSame('A read', await this.#bench.log.read(id, 0, everything), undefined)
    else {
      for (let after = 0; after <= stream.head; after++) {
        stream.check(await this.#bench.log.read(id, after, everything), after, everything)
      }
    }
  }

  #tell(operation: string): void {
    this.#story.push(operation)
  }
}
