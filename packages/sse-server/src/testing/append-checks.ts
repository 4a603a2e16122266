import { type Check, everything } from './bench.js'
import { expectSame } from './expectation.js'

/** Places of events. */
export const appendChecks: Readonly<Record<string, Check>> = {
  'the first event has sequence 1, and each further one the next': async (bench) => {
    const writer = await bench.open()
    for (let n = 1; n <= 20; n++) {
      expectSame(`Append ${n}`, await writer.append(String(n)), { epoch: writer.opened.epoch, first: n })
    }
    await bench.holds(Array.from({ length: 20 }, (_, index) => String(index + 1)))
  },

  'events of one append follow each other in the order that was given': async (bench) => {
    const writer = await bench.open()
    const firsts: number[] = []
    for (const data of [['a'], ['b', 'c', 'd'], ['e', 'f'], ['g']]) firsts.push((await writer.append(...data)).first)
    expectSame('First places', firsts, [1, 2, 5, 7])
    await bench.holds(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  },

  'a large append is one append': async (bench) => {
    const writer = await bench.open()
    const data = Array.from({ length: 300 }, (_, index) => `"${index}"`)
    await writer.append('"before"')
    expectSame('Its first place', (await writer.append(...data)).first, 2)
    await bench.holds(['"before"', ...data])
  },

  'what an append was answered for is seen by the next read': async (bench) => {
    const writer = await bench.open()
    for (let n = 1; n <= 25; n++) {
      expectSame(`Events beyond the head, before append ${n}`, (await bench.read(n - 1, everything)).entries, [])
      await writer.append(String(n))
      const page = await bench.read(n - 1, everything)
      const seen = { head: page.head, data: page.entries.map((entry) => entry.data) }
      expectSame(`A read after append ${n}`, seen, { head: n, data: [String(n)] })
    }
  },

  'an append that is refused stores none of its events and takes no place': async (bench) => {
    const late = await bench.open()
    const writer = await bench.open()
    await writer.send(5, ['1'])
    const before = await bench.whole()
    await bench.refused('An append of an earlier fence', 'fenced', () => late.append('x', 'y', 'z'))
    await bench.refused('An end by an earlier fence', 'fenced', () => late.end('x', 'y', 'z'))
    await bench.refused('A number that came too late', 'unknown_append', () => writer.send(4, ['x', 'y', 'z']))
    expectSame('The stream', await bench.whole(), before)
    expectSame('The next place', (await writer.append('2')).first, 2)
    await writer.end('3')
    await bench.refused('An append after the end', 'stream_ended', () => writer.append('x', 'y', 'z'))
    await bench.holds(['1', '2', '3'])
  },
}
