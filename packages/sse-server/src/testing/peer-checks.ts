import { type Check, everything } from './bench.js'
import { expectSame, expectThat } from './expectation.js'
import { Writer } from './writer.js'

/** Several logs over one storage, as in several processes. */
export const peerChecks: Readonly<Record<string, Check>> = {
  'what one process appends the other reads': async (bench) => {
    const peer = await bench.peer()
    const writer = await bench.open()
    for (let n = 1; n <= 10; n++) {
      await writer.append(String(n))
      const page = await bench.read(n - 1, everything, 's', peer)
      expectSame(
        `Data after ${n - 1}`,
        page.entries.map(({ data }) => data),
        [String(n)],
      )
    }
    expectSame('Both read', await bench.whole('s', peer), await bench.whole())
    await writer.end('end')
    expectSame('`ended`', (await bench.read(0, everything, 's', peer)).ended, true)
  },

  'a producer of another process takes the stream over': async (bench) => {
    const peer = await bench.peer()
    const here = await bench.open()
    await here.append('1')
    const there = await bench.open('s', peer)
    expectSame('What open says', { ...there.opened, fence: 0 }, { ...here.opened, fence: 0, head: 1 })
    expectThat(there.opened.fence > here.opened.fence, `a fence greater than ${here.opened.fence}`, there.opened.fence)
    await bench.refused('An append of the first', 'fenced', () => here.append('late'))
    expectSame('The place of the second', (await there.append('2')).first, 2)
    const back = await bench.open()
    await bench.refused('An append of the second', 'fenced', () => there.append('late'))
    expectSame('The place of the third', (await back.append('3')).first, 3)
    await bench.holds(['1', '2', '3'])
    await bench.holds(['1', '2', '3'], 1, 's', peer)
  },

  'a repeat is known in every process': async (bench) => {
    const peer = await bench.peer()
    const here = await bench.open()
    await here.send(1, ['a', 'b'])
    const there = new Writer(peer, 's', here.opened)
    expectSame('The same append by the other', (await there.send(1, ['a', 'b'])).first, 1)
    expectSame('The next', (await there.send(2, ['c'])).first, 3)
    expectSame('The next again', (await here.send(2, ['c'])).first, 3)
    await bench.holds(['a', 'b', 'c'])
  },

  'a reader of one process is woken by what happens in the other': async (bench) => {
    const peer = await bench.peer()
    const watcher = bench.watch('s', peer)
    let writer!: Writer
    await watcher.sees(
      'the new stream',
      (page) => page !== undefined,
      async () => {
        writer = await bench.open()
      },
    )
    for (let n = 1; n <= 5; n++) {
      await watcher.sees(
        `event ${n}`,
        (page) => page?.head === n,
        () => writer.append(String(n)),
      )
    }
    await watcher.sees(
      'the end',
      (page) => page?.ended === true,
      () => writer.end('end'),
    )
    await watcher.sees(
      'that the stream is gone',
      (page) => page === undefined,
      () => bench.log.delete('s'),
    )
  },

  'of processes that open a stream at once one can append': async (bench) => {
    const peer = await bench.peer()
    const opens = Array.from({ length: 10 }, (_, n) => bench.open('s', n % 2 === 0 ? bench.log : peer))
    const writers = await Promise.all(opens)
    const fences = writers.map(({ opened }) => opened.fence)
    expectSame('Different fences of ten', new Set(fences).size, fences.length)
    expectSame('Epochs', new Set(writers.map(({ opened }) => opened.epoch)).size, 1)
    for (const writer of writers) {
      if (writer.opened.fence === Math.max(...fences)) await writer.append('1')
      else await bench.refused('An append of a smaller fence', 'fenced', () => writer.append('late'))
    }
    await bench.holds(['1'], 1, 's', peer)
  },

  'trim and delete in one process are seen in the other': async (bench) => {
    const peer = await bench.peer()
    const writer = await bench.open()
    await writer.append('1', '2', '3')
    await peer.trim('s', 3)
    await bench.holds(['3'], 3)
    expectSame('Delete', await peer.delete('s'), true)
    expectSame('A read', await bench.log.read('s', 0, everything), undefined)
    await bench.refused('An append', 'unknown_stream', () => writer.append('4'))
    expectSame('Delete again', await bench.log.delete('s'), false)
  },
}
