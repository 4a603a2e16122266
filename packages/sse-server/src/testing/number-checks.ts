import { type Check, everything } from './bench.js'
import { expectSame } from './expectation.js'

/** Producer numbers: the same append again is the same append. */
export const numberChecks: Readonly<Record<string, Check>> = {
  'an append that is repeated answers the same place and takes no second one': async (bench) => {
    const writer = await bench.open()
    const first = await writer.send(1, ['a', 'b'])
    expectSame('The first repeat', await writer.send(1, ['a', 'b']), first)
    expectSame('The second repeat', await writer.send(1, ['a', 'b']), first)
    expectSame('The next append', (await writer.send(2, ['c'])).first, 3)
    await bench.holds(['a', 'b', 'c'])
  },

  'an append can be repeated after others were made': async (bench) => {
    const writer = await bench.open()
    const firsts: number[] = []
    for (let n = 1; n <= 10; n++) firsts.push((await writer.send(n, Array(n).fill(String(n)))).first)
    for (const n of [9, 1, 10, 5, 1]) {
      expectSame(`Append ${n} again`, (await writer.send(n, Array(n).fill(String(n)))).first, firsts[n - 1])
    }
    expectSame('Head', (await bench.state()).head, 55)
  },

  'an append can be repeated after the end, and so can the end': async (bench) => {
    const writer = await bench.open()
    await writer.send(1, ['a'])
    await writer.send(2, ['b', 'end'], { end: true })
    expectSame('The end again', (await writer.send(2, ['b', 'end'], { end: true })).first, 2)
    expectSame('The first again', (await writer.send(1, ['a'])).first, 1)
    await bench.refused('A new number', 'stream_ended', () => writer.send(3, ['c']))
    await bench.holds(['a', 'b', 'end'])
  },

  'a repeat is known by its number, whatever it brings': async (bench) => {
    const writer = await bench.open()
    await writer.send(1, ['a'])
    expectSame('A repeat with other events', (await writer.send(1, ['x', 'y'], { end: true })).first, 1)
    await bench.holds(['a'])
    expectSame('`ended`', (await bench.state()).ended, false)
  },

  'numbers may be left out, and one that then comes late is refused': async (bench) => {
    const writer = await bench.open()
    await writer.send(3, ['a'])
    await writer.send(1_000_000, ['b'])
    for (const number of [1, 2, 4, 999_999]) {
      await bench.refused(`Number ${number}`, 'unknown_append', () => writer.send(number, ['x']))
    }
    expectSame('Number 3 again', (await writer.send(3, ['a'])).first, 1)
    await bench.holds(['a', 'b'])
  },

  'numbers belong to their fence': async (bench) => {
    const first = await bench.open()
    await first.send(1, ['a'])
    await first.send(2, ['b'])
    const second = await bench.open()
    expectSame('Number 1 of the next fence', (await second.send(1, ['c'])).first, 3)
    expectSame('Number 2 of the next fence', (await second.send(2, ['d'])).first, 4)
    expectSame('Number 1 of it again', (await second.send(1, ['c'])).first, 3)
    await bench.holds(['a', 'b', 'c', 'd'])
  },

  'numbers belong to their stream': async (bench) => {
    const [a, b] = [await bench.open('a'), await bench.open('b')]
    await a.send(7, ['a'])
    expectSame('The same number in another stream', (await b.send(7, ['b'])).first, 1)
    await bench.holds(['a'], 1, 'a')
    await bench.holds(['b'], 1, 'b')
  },

  'an append that was trimmed takes no second place when it is repeated': async (bench) => {
    const writer = await bench.open()
    await writer.send(1, ['a', 'b'])
    await writer.send(2, ['c', 'd', 'e'])
    await writer.send(3, ['f'])
    await bench.log.trim('s', 4)
    expectSame('An append of which an event is held', (await writer.send(2, ['c', 'd', 'e'])).first, 3)
    // A log that remembers more than its events may also answer.
    const answer = await writer.send(1, ['a', 'b']).catch(() => undefined)
    if (answer === undefined) {
      await bench.refused('An append of which no event is held', 'unknown_append', () => writer.send(1, ['a', 'b']))
    } else expectSame('An append of which no event is held', answer.first, 1)
    await bench.holds(['d', 'e', 'f'], 4)
    expectSame('The next place', (await writer.append('g')).first, 7)
    expectSame('Head', (await bench.read(0, everything)).head, 7)
  },
}
