import { type Check, everything, stateOnly } from './bench.js'
import { expectSame, expectThat } from './expectation.js'
import { entryOf } from './writer.js'

const count = 12

/** Pages. */
export const readChecks: Readonly<Record<string, Check>> = {
  'a read gives what follows any cursor, from the oldest held event on': async (bench) => {
    const writer = await bench.open()
    for (let n = 1; n <= count; n++) await writer.append(String(n))
    for (const oldest of [1, 5, count]) {
      await bench.log.trim('s', oldest)
      for (let after = 0; after <= count; after++) {
        const page = await bench.read(after, everything)
        const sequences = page.entries.map(({ sequence }) => sequence)
        const first = Math.max(after + 1, oldest)
        // A page may be cut short, but not be empty.
        const expected = Array.from({ length: sequences.length }, (_, index) => first + index)
        expectSame(`Sequences after ${after}, the oldest being ${oldest}`, sequences, expected)
        expectThat(sequences.length > 0 || after === count, `an event after ${after}`, page)
        expectThat((sequences.at(-1) ?? 0) <= count, `no event beyond ${count}`, sequences)
        expectSame('State', [page.oldest, page.head, page.ended], [oldest, count, false])
      }
    }
  },

  'at the head and beyond it there is no event, and the state all the same': async (bench) => {
    const writer = await bench.open()
    await writer.append('1', '2')
    for (const isEnded of [false, true]) {
      if (isEnded) await writer.end('3')
      const { epoch } = writer.opened
      const head = isEnded ? 3 : 2
      for (const after of [head, head + 1, head + 1_000, 2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]) {
        const expected = { epoch, entries: [], oldest: 1, head, ended: isEnded }
        expectSame(`A read after ${after}`, await bench.read(after, everything), expected)
      }
    }
  },

  'a page has at most `maxEvents` events': async (bench) => {
    const writer = await bench.open()
    for (let n = 1; n <= count; n++) await writer.append('"x"')
    for (const maxEvents of [1, 2, 5, count, 1_000]) {
      for (const after of [0, 3, count - 1]) {
        const { entries } = await bench.read(after, { maxEvents, maxBytes: Number.POSITIVE_INFINITY })
        const most = Math.min(maxEvents, count - after)
        expectThat(entries.length >= 1 && entries.length <= most, `1 to ${most} events`, entries.length)
        expectSame('The first', entries[0]?.sequence, after + 1)
      }
    }
  },

  'a page has at most `maxBytes` bytes of data, but one event in any case': async (bench) => {
    const writer = await bench.open()
    // Characters of 1 to 4 bytes: what counts is `bytes`.
    const data = ['"1234567890"', '"äöü"', '"→→→→"', '"🙂🙂"', '1', '"1234567890"'].map((text) => entryOf(text))
    await writer.send(1, data)
    const total = data.reduce((sum, { bytes }) => sum + bytes, 0)
    for (let maxBytes = 0; maxBytes <= total + 1; maxBytes++) {
      for (let after = 0; after < data.length; after++) {
        const { entries } = await bench.read(after, { maxEvents: 1_000, maxBytes })
        const bytes = data.slice(after, after + entries.length).reduce((sum, entry) => sum + entry.bytes, 0)
        expectThat(entries.length >= 1, 'one event at least', entries)
        expectThat(entries.length === 1 || bytes <= maxBytes, `one event, or at most ${maxBytes} bytes`, bytes)
      }
    }
  },

  'an event that is larger than the limit comes alone': async (bench) => {
    const writer = await bench.open()
    const large = `"${'x'.repeat(5_000)}"`
    await writer.append('1', large, '2')
    for (const [after, expected] of [
      [0, [1]],
      [1, [2]],
      [2, [3]],
    ] as const) {
      const { entries } = await bench.read(after, { maxEvents: 1_000, maxBytes: 100 })
      expectSame(
        `Events after ${after}`,
        entries.map(({ sequence }) => sequence),
        expected,
      )
    }
  },

  'with `maxEvents: 0` only the state is given': async (bench) => {
    const writer = await bench.open()
    await writer.append('1', '2', '3')
    await bench.log.trim('s', 2)
    for (const after of [0, 2, 3, 9]) {
      for (const limits of [stateOnly, { maxEvents: 0, maxBytes: Number.POSITIVE_INFINITY }]) {
        const expected = { epoch: writer.opened.epoch, entries: [], oldest: 2, head: 3, ended: false }
        expectSame(`State after ${after}`, await bench.read(after, limits), expected)
      }
    }
  },

  'page after page, with any limits, every event comes once': async (bench) => {
    const writer = await bench.open()
    const data = Array.from({ length: 40 }, (_, index) => `"${'x'.repeat((index * 7) % 23)}"`)
    for (let n = 0; n < data.length; n += 4) await writer.append(...data.slice(n, n + 4))
    for (const limits of [
      { maxEvents: 1, maxBytes: 1_000 },
      { maxEvents: 7, maxBytes: 1_000 },
      { maxEvents: 1_000, maxBytes: 1 },
      { maxEvents: 1_000, maxBytes: 30 },
      { maxEvents: 3, maxBytes: 50 },
    ]) {
      const read: string[] = []
      for (;;) {
        const { entries } = await bench.read(read.length, limits)
        if (entries.length === 0) break
        for (const entry of entries) {
          expectSame('Sequence', entry.sequence, read.length + 1)
          read.push(entry.data)
        }
      }
      expectSame(`The events, read with ${JSON.stringify(limits)}`, read, data)
    }
  },

  'a read changes nothing': async (bench) => {
    const writer = await bench.open()
    await writer.append('1', '2', '3')
    const before = await bench.whole()
    for (const after of [0, 2, 3, 99]) await bench.read(after, everything)
    expectSame('The stream', await bench.whole(), before)
    expectSame('The next place', (await writer.append('4')).first, 4)
  },
}
