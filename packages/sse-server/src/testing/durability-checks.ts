import { type Check, everything } from './bench.js'
import { expectSame, expectThat } from './expectation.js'

/** A log that is given up and opened again. */
export const durabilityChecks: Readonly<Record<string, Check>> = {
  'what was acknowledged is there after the log is opened again': async (bench) => {
    const live = await bench.open('live')
    const done = await bench.open('done')
    const trimmed = await bench.open('trimmed')
    await bench.open('empty')
    const entries = [
      { type: 'tick', data: '"🙂"', bytes: 6, internal: '{"owner":1}' },
      { type: 'other', data: '2', bytes: 1 },
    ]
    await live.send(1, entries)
    await done.append('1', '2')
    await done.end('3')
    await trimmed.append('1', '2', '3')
    await bench.log.trim('trimmed', 3)
    const ids = ['live', 'done', 'trimmed', 'empty']
    const before = await Promise.all(ids.map((id) => bench.whole(id)))
    for (let times = 1; times <= 2; times++) {
      await bench.reopen()
      for (const [index, id] of ids.entries()) {
        expectSame(`Stream ${id}`, await bench.whole(id), before[index])
      }
    }
  },

  'sequences go on, and none is used twice': async (bench) => {
    const all: string[] = []
    for (let life = 1; life <= 4; life++) {
      const writer = await bench.open()
      expectSame('Head', writer.opened.head, all.length)
      for (const text of [`"${life}a"`, `"${life}b"`]) {
        expectSame('Place', (await writer.append(text)).first, all.length + 1)
        all.push(text)
      }
      await bench.reopen()
    }
    await bench.holds(all)
  },

  'fences go on, also those of a stream that was deleted': async (bench) => {
    let fence = 0
    for (let life = 0; life < 6; life++) {
      const { opened } = await bench.open()
      expectThat(opened.fence > fence, `a fence greater than ${fence}`, opened.fence)
      fence = opened.fence
      if (life % 2 === 0) await bench.log.delete('s')
      await bench.reopen()
    }
  },

  'a deleted stream stays deleted, and the next one of its name has another epoch': async (bench) => {
    const writer = await bench.open()
    await writer.append('1')
    await bench.log.delete('s')
    await bench.reopen()
    expectSame('A read', await bench.log.read('s', 0, everything), undefined)
    const next = await bench.open()
    expectThat(next.opened.epoch !== writer.opened.epoch, 'another epoch', next.opened.epoch)
    expectSame('Head', next.opened.head, 0)
  },

  'a stream that has ended stays ended': async (bench) => {
    const writer = await bench.open()
    await writer.end('1')
    await bench.reopen()
    const next = await bench.open()
    expectSame('`ended`', next.opened.ended, true)
    await bench.refused('An append', 'stream_ended', () => next.append('2'))
    await bench.holds(['1'])
  },

  'a repeat after the log is opened again takes no second place': async (bench) => {
    const { opened } = await bench.open()
    const send = async (): Promise<number> => {
      const append = { fence: opened.fence, producerNumber: 1, entries: [{ type: 'tick', data: '1', bytes: 1 }] }
      return (await bench.log.append('s', append)).first
    }
    await send()
    await bench.reopen()
    // A log may also take every producer of another life for gone.
    const first = await send().catch(() => undefined)
    if (first === undefined) await bench.refused('The repeat', 'fenced', send)
    else expectSame('The place of the repeat', first, 1)
    await bench.open()
    await bench.refused('A repeat by the earlier fence', 'fenced', send)
    await bench.holds(['1'])
  },

  'an append that was under way is there whole or not at all, and there if it was acknowledged': async (bench) => {
    for (let round = 0; round < 10; round++) {
      const id = `s${round}`
      const writer = await bench.open(id)
      await writer.append('before')
      const data = Array.from({ length: 50 }, (_, index) => String(index))
      const append = writer.append(...data).then(
        () => true,
        () => false,
      )
      await bench.reopen()
      const isAcknowledged = await append
      const entries = await bench.entries(id)
      const isThere = entries.length > 1
      expectThat(isThere || !isAcknowledged, 'an append that was acknowledged to be there', entries.length)
      await bench.holds(isThere ? ['before', ...data] : ['before'], 1, id)
      const next = await bench.open(id)
      expectSame('The next place', (await next.append('after')).first, entries.length + 1)
    }
  },
}
