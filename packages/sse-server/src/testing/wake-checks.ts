import type { LogPage } from '../event-log.js'
import { type Check, everything } from './bench.js'
import { expectSame, expectThat } from './expectation.js'
import type { Watcher } from './watcher.js'

const hasHead =
  (head: number) =>
  (page: LogPage | undefined): boolean =>
    page?.head === head

/** Wake-ups, of which the log is expected to lose none here. */
export const wakeChecks: Readonly<Record<string, Check>> = {
  'a reader that looks only when it is woken sees a stream come, every append, the end, and the stream go': async (
    bench,
  ) => {
    const watcher = bench.watch()
    let writer!: Awaited<ReturnType<typeof bench.open>>
    await watcher.sees('the new stream', hasHead(0), async () => {
      writer = await bench.open()
    })
    for (let n = 1; n <= 5; n++) await watcher.sees(`event ${n}`, hasHead(n), () => writer.append(String(n)))
    await watcher.sees('several events', hasHead(8), () => writer.append('6', '7', '8'))
    await watcher.sees(
      'the end',
      (page) => page?.ended === true,
      () => writer.end('9'),
    )
    await watcher.sees(
      'that the stream is gone',
      (page) => page === undefined,
      () => bench.log.delete('s'),
    )
    // The subscription is to the name.
    await watcher.sees('the next stream of that name', hasHead(0), async () => {
      writer = await bench.open()
    })
    await watcher.sees('an event of the next stream', hasHead(1), () => writer.append('1'))
  },

  'a burst of appends wakes at least once after the last': async (bench) => {
    const writer = await bench.open()
    const watcher = bench.watch()
    for (let round = 1; round <= 10; round++) {
      await watcher.sees(`burst ${round}`, hasHead(round * 20), async () => {
        for (let n = 0; n < 20; n++) await writer.append('1')
      })
    }
  },

  'every subscriber is woken, and one that left is not': async (bench) => {
    const writer = await bench.open()
    const watchers = [bench.watch(), bench.watch(), bench.watch(), bench.watch()]
    await allSee(watchers, 'the first event', 1, () => writer.append('1'))
    const [first, second, ...others] = watchers
    first!.stop()
    second!.stop()
    // To stop twice is to stop once.
    first!.stop()
    const before = [first!.woken, second!.woken]
    await allSee(others, 'the second event', 2, () => writer.append('2'))
    expectSame('Wake-ups of those that left', [first!.woken, second!.woken], before)
  },

  'the same function can be subscribed twice, and stopped once': async (bench) => {
    const writer = await bench.open()
    let calls = 0
    const woken = new Promise<void>((resolve) => {
      const wake = (): void => {
        calls += 1
        resolve()
      }
      const leaves = [bench.log.subscribe('s', wake), bench.log.subscribe('s', wake)]
      leaves[0]!()
      leaves[0]!()
    })
    await writer.append('1')
    await bench.inTime('the second subscription to be woken after the first was stopped', woken)
    expectThat(calls > 0, 'a wake-up', calls)
  },

  'one that leaves while all are woken is not woken any more': async (bench) => {
    const writer = await bench.open()
    const leaves: (() => void)[] = []
    let isGone = false
    let afterLeaving = 0
    for (let n = 0; n < 3; n++) {
      const leave = bench.log.subscribe('s', () => {
        if (isGone) afterLeaving += 1
        isGone = true
        for (const leave of leaves) leave()
      })
      leaves.push(leave)
    }
    const watcher = bench.watch()
    for (let n = 1; n <= 5; n++) await watcher.sees('an event', hasHead(n), () => writer.append('1'))
    expectThat(isGone, 'one of the three to be woken', isGone)
    expectSame('Wake-ups after all three had left', afterLeaving, 0)
  },

  'one that subscribes anew each time it is woken is not woken for ever': async (bench) => {
    const writer = await bench.open()
    const most = 1_000
    let calls = 0
    let leave = (): void => undefined
    const again = (): void => {
      calls += 1
      if (calls > most) return
      leave()
      leave = bench.log.subscribe('s', again)
    }
    leave = bench.log.subscribe('s', again)
    const watcher = bench.watch()
    for (let n = 1; n <= 5; n++) await watcher.sees('an event', hasHead(n), () => writer.append('1'))
    leave()
    expectThat(calls >= 1 && calls <= most, `1 to ${most} wake-ups for 5 appends`, calls)
  },

  'one that is woken may use the log': async (bench) => {
    const other = await bench.open('other')
    const watcher = bench.watch('other')
    const inner = new Promise<number>((resolve, reject) => {
      let isFirst = true
      const use = async (): Promise<number> => {
        const { fence } = await bench.log.open('s')
        await other.append('from a wake-up')
        await bench.log.read('s', 0, everything)
        return fence
      }
      bench.log.subscribe('s', () => {
        if (!isFirst) return
        isFirst = false
        use().then(resolve, reject)
      })
    })
    const { opened } = await bench.open()
    const fence = await bench.inTime('a wake-up for the new stream', inner)
    expectThat(fence !== opened.fence, `a fence other than ${opened.fence}`, fence)
    await watcher.sees('what was appended from a wake-up, and one more', hasHead(2), () => other.append('2'))
  },

  'a reader of one stream sees its events whatever happens in others': async (bench) => {
    const [a, b] = [await bench.open('a'), await bench.open('b')]
    const watchers = [bench.watch('a'), bench.watch('b')]
    for (let n = 1; n <= 10; n++) {
      await watchers[0]!.sees('an event', hasHead(n), () => a.append('1'))
      await watchers[1]!.sees('an event', hasHead(n), () => b.append('1'))
      await bench.open(`other ${n}`)
    }
  },
}

async function allSee(watchers: readonly Watcher[], what: string, head: number, change: () => unknown): Promise<void> {
  const seen = watchers.map((watcher) => watcher.sees(what, hasHead(head)))
  await Promise.all([...seen, change()])
}
