import type { Bench, Check } from './bench.js'
import { everything, stateOnly } from './bench.js'
import { expectSame, expectThat } from './expectation.js'

/** At least 40 random bits in base 36, in an id of at most 64 characters with a sequence of 16 (PROTOCOL.md §3.1, §3.3). */
export const epochFormat = /^[0-9a-z]{8,47}$/

const unknownId = 'nobody'

/** Creating, taking over, ending, trimming and deleting. */
export const lifeChecks: Readonly<Record<string, Check>> = {
  'open creates an empty stream that has not ended': async (bench) => {
    const { opened } = await bench.open()
    expectThat(epochFormat.test(opened.epoch), `an epoch that matches ${epochFormat}`, opened.epoch)
    expectThat(Number.isSafeInteger(opened.fence) && opened.fence > 0, 'a positive integer as fence', opened.fence)
    expectSame('The opened stream', { head: opened.head, ended: opened.ended }, { head: 0, ended: false })
    expectSame('A read of it', await bench.read(0, everything), {
      epoch: opened.epoch,
      entries: [],
      oldest: 1,
      head: 0,
      ended: false,
    })
  },

  'open of a stream that is there changes nothing but the fence': async (bench) => {
    const first = await bench.open()
    await first.append('1', '2', '3')
    await bench.log.trim('s', 2)
    const before = await bench.whole()
    const { opened } = await bench.open()
    expectSame('What open says', { ...opened, fence: 0 }, { ...first.opened, fence: 0, head: 3 })
    expectSame('The stream after it', await bench.whole(), before)
  },

  'every open gives a greater fence and makes the ones before it invalid': async (bench) => {
    const writers = [await bench.open()]
    await writers[0]!.append('by 0')
    for (let n = 1; n <= 3; n++) {
      const earlier = writers.at(-1)!.opened.fence
      const writer = await bench.open()
      expectThat(writer.opened.fence > earlier, `a fence greater than ${earlier}`, writer.opened.fence)
      for (const [index, old] of writers.entries()) {
        await bench.refused(`An append of opener ${index} after opener ${n}`, 'fenced', () =>
          old.append('late', 'late'),
        )
      }
      await writer.append(`by ${n}`)
      writers.push(writer)
    }
    await bench.holds(['by 0', 'by 1', 'by 2', 'by 3'])
  },

  'an earlier fence is refused also for an append that it had made, and after the end': async (bench) => {
    const first = await bench.open()
    await first.send(1, ['1'])
    const second = await bench.open()
    await bench.refused('A repeat by the earlier fence', 'fenced', () => first.send(1, ['1']))
    await second.end('2')
    await bench.refused('An append of the earlier fence after the end', 'fenced', () => first.send(2, ['3']))
    await bench.holds(['1', '2'])
  },

  'the end is the last event, and the stream says that it has ended': async (bench) => {
    const writer = await bench.open()
    await writer.append('1')
    expectSame('`ended` before the end', (await bench.state()).ended, false)
    expectSame('The place of the end', (await writer.end('2', '3')).first, 2)
    expectSame('State', await bench.state(), { epoch: writer.opened.epoch, oldest: 1, head: 3, ended: true })
    await bench.holds(['1', '2', '3'])
  },

  'after the end nothing is appended, by whatever fence': async (bench) => {
    const writer = await bench.open()
    await writer.end('1')
    await bench.refused('An append of the fence that ended the stream', 'stream_ended', () => writer.append('2'))
    await bench.refused('A second end', 'stream_ended', () => writer.end('2'))
    const next = await bench.open()
    expectSame('What open says', { ...next.opened, fence: 0 }, { ...writer.opened, fence: 0, head: 1, ended: true })
    await bench.refused('An append of the next fence', 'stream_ended', () => next.append('2'))
    await bench.refused('An end of the next fence', 'stream_ended', () => next.end('2'))
    await bench.holds(['1'])
    expectSame('State', await bench.state(), { epoch: writer.opened.epoch, oldest: 1, head: 1, ended: true })
  },

  'trim drops what is older, and reads begin at what is left': async (bench) => {
    const writer = await bench.open()
    await writer.append('1', '2', '3')
    await writer.append('4', '5')
    await bench.log.trim('s', 2)
    await bench.holds(['2', '3', '4', '5'], 2)
    await bench.log.trim('s', 4)
    await bench.holds(['4', '5'], 4)
    expectSame('State', await bench.state(), { epoch: writer.opened.epoch, oldest: 4, head: 5, ended: false })
    for (const [after, first] of [
      [0, 4],
      [2, 4],
      [3, 4],
      [4, 5],
    ] as const) {
      expectSame(`First event after ${after}`, (await bench.read(after, everything)).entries[0]?.sequence, first)
    }
    expectSame('The place of the next append', (await writer.append('6')).first, 6)
  },

  'trim never drops the newest event, nor the end': async (bench) => {
    const writer = await bench.open()
    await writer.append('1', '2', '3')
    await bench.log.trim('s', 4)
    await bench.holds(['3'], 3)
    await writer.append('4')
    await writer.end('5')
    await bench.log.trim('s', 1_000)
    await bench.holds(['5'], 5)
    expectSame('State', await bench.state(), { epoch: writer.opened.epoch, oldest: 5, head: 5, ended: true })
  },

  'trim of what is gone, of an empty stream and of an unknown one changes nothing': async (bench) => {
    const writer = await bench.open()
    await bench.log.trim('s', 10)
    expectSame('State', await bench.state(), { epoch: writer.opened.epoch, oldest: 1, head: 0, ended: false })
    await writer.append('1', '2', '3')
    await bench.log.trim('s', 3)
    for (const oldest of [3, 2, 1, 0]) await bench.log.trim('s', oldest)
    await bench.holds(['3'], 3)
    await bench.log.trim(unknownId, 10)
    await expectUnknown(bench, unknownId)
  },

  'delete drops the whole stream, ended or not': async (bench) => {
    for (const isEnded of [false, true]) {
      const writer = await bench.open()
      await (isEnded ? writer.end('1') : writer.append('1'))
      expectSame('Delete of a stream that is there', await bench.log.delete('s'), true)
      await expectUnknown(bench, 's')
      await bench.refused('An append to it', 'unknown_stream', () => writer.append('2'))
      expectSame('Delete of a stream that is gone', await bench.log.delete('s'), false)
    }
  },

  'a stream of the same name is a new one: another epoch, sequences from 1, and still a greater fence': async (
    bench,
  ) => {
    const epochs = new Set<string>()
    let fence = 0
    for (let life = 0; life < 4; life++) {
      const writer = await bench.open()
      const { opened } = writer
      expectThat(!epochs.has(opened.epoch), 'an epoch that was not there before', opened.epoch)
      expectThat(opened.fence > fence, `a fence greater than ${fence}`, opened.fence)
      expectSame('The opened stream', { ...opened, fence: 0 }, { epoch: opened.epoch, fence: 0, head: 0, ended: false })
      expectSame('The first place', await writer.append(`life ${life}`, 'end'), { epoch: opened.epoch, first: 1 })
      await bench.holds([`life ${life}`, 'end'])
      epochs.add(opened.epoch)
      fence = opened.fence
      await bench.log.delete('s')
    }
  },

  'a producer from before a delete is refused by the stream that is new': async (bench) => {
    const before = await bench.open()
    await before.append('1')
    await bench.log.delete('s')
    const now = await bench.open()
    await bench.refused('An append of the fence from before', 'fenced', () => before.append('2'))
    await bench.refused('A repeat by the fence from before', 'fenced', () => before.send(1, ['1']))
    await now.send(1, ['new'])
    await bench.holds(['new'])
  },

  'every stream has an epoch of its own': async (bench) => {
    const epochs = new Set<string>()
    for (let n = 0; n < 30; n++) epochs.add((await bench.open(`s${n}`)).opened.epoch)
    expectSame('Different epochs of 30 streams', epochs.size, 30)
  },

  'what a stream is asked that is not there makes none': async (bench) => {
    await expectUnknown(bench, unknownId)
    const { opened } = await bench.open()
    const entries = [{ type: 'tick', data: '1', bytes: 1 }]
    await bench.refused('An append', 'unknown_stream', () =>
      bench.log.append(unknownId, { fence: opened.fence, producerNumber: 1, entries }),
    )
    expectSame('Delete', await bench.log.delete(unknownId), false)
    const leave = bench.log.subscribe(unknownId, () => undefined)
    leave()
    await expectUnknown(bench, unknownId)
  },
}

async function expectUnknown(bench: Bench, streamId: string): Promise<void> {
  expectSame('A read of an unknown stream', await bench.log.read(streamId, 0, everything), undefined)
  expectSame('The state of an unknown stream', await bench.log.read(streamId, 7, stateOnly), undefined)
}
