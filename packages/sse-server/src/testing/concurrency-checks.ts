import type { Appended, LogEntry } from '../event-log.js'
import { SseServerError } from '../server-error.js'
import { type Bench, type Check, everything } from './bench.js'
import { expectSame, expectThat } from './expectation.js'
import { passTurns } from './turns.js'

interface Outcome {
  readonly number: number
  /** `undefined`: it was refused, or failed. */
  readonly first: number | undefined
  readonly code: string | undefined
}

/** What happens at once. */
export const concurrencyChecks: Readonly<Record<string, Check>> = {
  'appends at once under one fence each have a place of their own, or are refused as too late': async (bench) => {
    const writer = await bench.open()
    const numbers = Array.from({ length: 40 }, (_, index) => index + 1)
    const outcomes = await Promise.all(numbers.map((n) => settle(n, writer.send(n, textsOf(n)))))
    for (const { number, code } of outcomes) {
      // Over a network they may arrive in another order. The last is never too late.
      const isFine = code === undefined || (code === 'unknown_append' && number < numbers.length)
      expectThat(isFine, `append ${number} to be made, or refused as unknown_append`, code)
    }
    await expectExactly(bench, outcomes)
  },

  'the same append sent many times at once is one append': async (bench) => {
    const writer = await bench.open()
    for (let n = 1; n <= 5; n++) {
      const answers = await Promise.all(Array.from({ length: 8 }, () => writer.send(n, textsOf(n))))
      for (const { first } of answers) expectSame(`The place of append ${n}`, first, answers[0]!.first)
    }
    await bench.holds([1, 2, 3, 4, 5].flatMap(textsOf))
  },

  'of several that open a stream at once one can append, the one with the greatest fence': async (bench) => {
    for (let round = 0; round < 5; round++) {
      const id = `s${round}`
      const writers = await Promise.all(Array.from({ length: 10 }, () => bench.open(id)))
      const fences = writers.map(({ opened }) => opened.fence)
      expectSame('Different fences of ten', new Set(fences).size, fences.length)
      expectSame('Epochs', new Set(writers.map(({ opened }) => opened.epoch)).size, 1)
      const greatest = Math.max(...fences)
      const outcomes = await Promise.all(writers.map((writer) => settle(writer.opened.fence, writer.append('1'))))
      for (const { number, code } of outcomes) {
        expectSame(`What is said to fence ${number} of ${greatest}`, code, number === greatest ? undefined : 'fenced')
      }
      await bench.holds(['1'], 1, id)
    }
  },

  'a producer that is taken over in the middle of its appends leaves whole appends and none after': async (bench) => {
    for (let round = 0; round < 5; round++) {
      const id = `s${round}`
      const first = await bench.open(id)
      const appends = Array.from({ length: 10 }, (_, index) =>
        settle(index + 1, first.send(index + 1, textsOf(index + 1))),
      )
      const second = await bench.open(id)
      const head = (await second.append('taken')).first
      const outcomes = await Promise.all(appends)
      await bench.refused('An append of the one before', 'fenced', () => first.append('late'))
      for (const outcome of outcomes) {
        expectThat((outcome.first ?? 0) < head, `places before ${head} for the one before`, outcome)
      }
      await expectExactly(bench, [...outcomes, { number: 0, first: head, code: undefined }], id)
    }
  },

  'an end at the same time as other appends is the last, and nothing follows it': async (bench) => {
    const writer = await bench.open()
    const outcomes = await Promise.all([
      ...[1, 2, 3].map((n) => settle(n, writer.send(n, textsOf(n)))),
      settle(4, writer.send(4, textsOf(4), { end: true })),
      ...[5, 6, 7].map((n) => settle(n, writer.send(n, textsOf(n)))),
    ])
    await expectExactly(bench, outcomes)
    const { ended, head } = await bench.state()
    const end = outcomes[3]!.first
    expectSame('`ended`', ended, end !== undefined)
    if (end !== undefined) expectSame('The end is the last', head, end + textsOf(4).length - 1)
  },

  'readers during appends see whole appends, without a hole, and never less than before': async (bench) => {
    const writer = await bench.open()
    let isOver = false
    const size = textsOf(0).length
    const read = async (maxEvents: number): Promise<void> => {
      let [head, after] = [0, 0]
      for (;;) {
        const isLast = isOver
        // A log that answers at once would leave no time for the appends.
        await passTurns(1)
        const page = await bench.read(after, { maxEvents, maxBytes: Number.POSITIVE_INFINITY })
        expectThat(
          page.entries.length > 0 || after >= page.head,
          `an event after ${after} of ${page.head}`,
          page.entries,
        )
        expectThat(
          page.head % size === 0,
          `a head that is a multiple of ${size}, as every append has ${size} events`,
          page.head,
        )
        expectThat(page.head >= head, `a head of ${head} or more`, page.head)
        expectThat(page.entries.length <= page.head - after, 'no event beyond the head of its page', page)
        for (const [index, { sequence }] of page.entries.entries()) expectSame('Sequence', sequence, after + 1 + index)
        after += page.entries.length
        head = page.head
        if (isLast && after === head) return
      }
    }
    const readers = [1, 2, 5, 100].map(read)
    const appends = (async () => {
      try {
        for (let n = 1; n <= 60; n++) await writer.append(...textsOf(n))
      } finally {
        isOver = true
      }
    })()
    await Promise.all([appends, ...readers])
    await bench.holds(Array.from({ length: 60 }, (_, index) => textsOf(index + 1)).flat())
  },

  'streams that are opened, appended to and ended at once do not disturb each other': async (bench) => {
    const ids = Array.from({ length: 20 }, (_, index) => `s${index}`)
    await Promise.all(
      ids.map(async (id) => {
        const writer = await bench.open(id)
        for (let n = 1; n <= 5; n++) await writer.append(`"${id} ${n}"`)
        await writer.end(`"${id} end"`)
      }),
    )
    for (const id of ids) await bench.holds([...[1, 2, 3, 4, 5].map((n) => `"${id} ${n}"`), `"${id} end"`], 1, id)
  },

  'a delete at the same time as appends leaves nothing behind': async (bench) => {
    for (let round = 0; round < 5; round++) {
      const writer = await bench.open()
      const appends = Array.from({ length: 10 }, (_, index) => settle(index, writer.append('old')))
      const isDeleted = bench.log.delete('s')
      for (const { code } of await Promise.all(appends)) {
        const isFine = code === undefined || code === 'unknown_stream' || code === 'unknown_append'
        expectThat(isFine, 'an append to be made, or refused as unknown_stream', code)
      }
      expectSame('Delete', await isDeleted, true)
      await bench.refused('An append after the delete', 'unknown_stream', () => writer.append('old'))
      const next = await bench.open()
      await next.append('new')
      await bench.holds(['new'])
      await bench.log.delete('s')
    }
  },
}

/** The events of append `n`: three of them, so that an append that is torn is seen. */
function textsOf(n: number): string[] {
  return [`"${n}a"`, `"${n}b"`, `"${n}c"`]
}

async function settle(number: number, append: Promise<Appended>): Promise<Outcome> {
  try {
    return { number, first: (await append).first, code: undefined }
  } catch (error) {
    return { number, first: undefined, code: SseServerError.isInstance(error) ? error.code : String(error) }
  }
}

/** Expects the log to hold the appends that were answered, each whole at its place, and nothing else. */
async function expectExactly(bench: Bench, outcomes: readonly Outcome[], streamId = 's'): Promise<void> {
  const held: LogEntry[] = await bench.entries(streamId)
  const expected: string[] = []
  for (const { number, first } of outcomes) {
    if (first === undefined) continue
    for (const [index, text] of (number === 0 ? ['taken'] : textsOf(number)).entries()) {
      expectThat(expected[first - 1 + index] === undefined, `place ${first + index} to be given out once`, first)
      expected[first - 1 + index] = text
    }
  }
  expectSame(
    'The events by place',
    held.map(({ data }) => data),
    Array.from(expected),
  )
  expectSame('Head', (await bench.read(0, everything, streamId)).head, expected.length)
}
