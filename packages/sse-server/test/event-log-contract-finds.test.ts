import { expect, it } from 'vitest'
import { type EventLog, MemoryEventLog, type NewEntry, SseServerError } from '../src/index.js'
import { type EventLogContractOptions, eventLogContract, faultyLog } from '../src/testing/index.js'

/** What a log does instead of the right thing; the rest is a MemoryEventLog. */
type Flaw = (log: MemoryEventLog) => Partial<EventLog>

function flawed(flaw: Flaw): EventLog {
  const log = new MemoryEventLog()
  return {
    open: (id) => log.open(id),
    append: (id, append) => log.append(id, append),
    read: (id, after, limits) => log.read(id, after, limits),
    subscribe: (id, wake) => log.subscribe(id, wake),
    trim: (id, oldest) => log.trim(id, oldest),
    delete: (id) => log.delete(id),
    ...flaw(log),
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const stateOnly = { maxEvents: 0, maxBytes: 0 }

/** The cases that a log does not pass, and what they say. */
async function failures(options: EventLogContractOptions): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const { name, run } of eventLogContract({ wakeWithin: 30, schedules: 5, ...options })) {
    await run().catch((error: Error) => found.set(name, error.message))
  }
  return found
}

/** With each stored text changed in some way. */
const altering =
  (change: (entry: NewEntry) => NewEntry): Flaw =>
  (log) => ({ append: (id, append) => log.append(id, { ...append, entries: append.entries.map(change) }) })

/** With each stream id changed in some way. */
const renaming =
  (change: (id: string) => string): Flaw =>
  (log) => ({
    open: (id) => log.open(change(id)),
    append: (id, append) => log.append(change(id), append),
    read: (id, after, limits) => log.read(change(id), after, limits),
    subscribe: (id, wake) => log.subscribe(change(id), wake),
    trim: (id, oldest) => log.trim(change(id), oldest),
    delete: (id) => log.delete(change(id)),
  })

const flaws: Record<string, [flaw: Flaw, caught: RegExp]> = {
  'believes any fence': [
    (log) => {
      const fences = new Map<string, number>()
      return {
        open: (id) => {
          const opened = log.open(id)
          fences.set(id, opened.fence)
          return opened
        },
        append: (id, append) => log.append(id, { ...append, fence: fences.get(id) ?? append.fence }),
      }
    },
    /every open gives a greater fence/,
  ],
  'gives the same fences again after a delete': [
    (log) => {
      const base = new Map<string, number>()
      const from = (id: string): number => base.get(id) ?? 0
      return {
        open: (id) => {
          const opened = log.open(id)
          if (!base.has(id)) base.set(id, opened.fence - 1)
          return { ...opened, fence: opened.fence - from(id) }
        },
        append: (id, append) => log.append(id, { ...append, fence: append.fence + from(id) }),
        delete: (id) => {
          base.delete(id)
          return log.delete(id)
        },
      }
    },
    /a stream of the same name is a new one/,
  ],
  'opens at once with one fence': [
    (log) => {
      const opening = new Map<string, Promise<ReturnType<typeof log.open>>>()
      return {
        open: (id) => {
          const known = opening.get(id)
          if (known !== undefined) return known
          const opened = turn().then(() => {
            opening.delete(id)
            return log.open(id)
          })
          opening.set(id, opened)
          return opened
        },
      }
    },
    /of several that open a stream at once/,
  ],
  'forgets numbers': [
    (log) => {
      let number = 0
      return {
        append: (id, append) => {
          number += 1
          return log.append(id, { ...append, producerNumber: number })
        },
      }
    },
    /an append that is repeated answers the same place/,
  ],
  'knows only the last number': [
    (log) => {
      const last = new Map<string, number>()
      return {
        append: (id, append) => {
          const key = `${id} ${append.fence}`
          if (append.producerNumber < (last.get(key) ?? 0)) throw new SseServerError('unknown_append', 'Gone')
          const answer = log.append(id, append)
          last.set(key, append.producerNumber)
          return answer
        },
      }
    },
    /can be repeated after others were made/,
  ],
  'looks for a repeat before the first is committed': [
    (log) => {
      const known = new Set<string>()
      let number = 0
      return {
        append: async (id, append) => {
          const key = `${id} ${append.fence} ${append.producerNumber}`
          const isKnown = known.has(key)
          await turn()
          if (isKnown) return log.append(id, append)
          known.add(key)
          number = Math.max(number, append.producerNumber) + 1
          return log.append(id, { ...append, producerNumber: number })
        },
      }
    },
    /the same append sent many times at once/,
  ],
  'refuses a repeat after the end': [
    (log) => ({
      append: (id, append) => {
        if (log.read(id, 0, stateOnly)?.ended) throw new SseServerError('stream_ended', 'Over')
        return log.append(id, append)
      },
    }),
    /can be repeated after the end/,
  ],
  'tears appends': [
    (log) => ({
      append: async (id, append) => {
        const [first, ...rest] = append.entries
        const number = append.producerNumber * 10
        const answer = log.append(id, {
          ...append,
          entries: [first!],
          producerNumber: number,
          end: append.end && rest.length === 0,
        })
        await turn()
        await turn()
        if (rest.length > 0) log.append(id, { ...append, entries: rest, producerNumber: number + 1 })
        return answer
      },
    }),
    /readers during appends see whole appends/,
  ],
  'answers before it commits': [
    (log) => ({
      append: (id, append) => {
        const head = log.read(id, 0, stateOnly)
        setImmediate(() => {
          try {
            log.append(id, append)
          } catch {
            // Nobody is told.
          }
        })
        return { epoch: head?.epoch ?? '', first: (head?.head ?? 0) + 1 }
      },
    }),
    /what an append was answered for is seen/,
  ],
  'forgets ends': [
    (log) => ({ append: (id, append) => log.append(id, { ...append, end: false }) }),
    /the end is the last event/,
  ],
  'says no codes': [
    (log) => ({
      append: (id, append) => {
        try {
          return log.append(id, append)
        } catch (error) {
          throw new Error((error as Error).message)
        }
      },
    }),
    /after the end nothing is appended/,
  ],
  'begins at 0': [
    (log) => ({
      append: (id, append) => {
        const { epoch, first } = log.append(id, append)
        return { epoch, first: first - 1 }
      },
    }),
    /the first event has sequence 1/,
  ],
  'gives pages without bound': [
    (log) => ({ read: (id, after, { maxBytes }) => log.read(id, after, { maxEvents: 1_000_000, maxBytes }) }),
    /a page has at most `maxEvents`/,
  ],
  'does not count bytes': [
    (log) => ({
      read: (id, after, { maxEvents }) => log.read(id, after, { maxEvents, maxBytes: Number.POSITIVE_INFINITY }),
    }),
    /a page has at most `maxBytes`/,
  ],
  'gives no event that is too large': [
    (log) => ({
      read: (id, after, limits) => {
        const page = log.read(id, after, limits)
        const isTooLarge = (page?.entries[0]?.bytes ?? 0) > limits.maxBytes
        return page && isTooLarge ? { ...page, entries: [] } : page
      },
    }),
    /an event that is larger than the limit comes alone/,
  ],
  'reads from the cursor on': [
    (log) => ({ read: (id, after, limits) => log.read(id, Math.max(0, after - 1), limits) }),
    /a read gives what follows any cursor/,
  ],
  'does not know a stream beyond its head': [
    (log) => ({
      read: (id, after, limits) => {
        const page = log.read(id, after, limits)
        return page && after > page.head ? undefined : page
      },
    }),
    /at the head and beyond it/,
  ],
  'cuts cursors to 32 bits': [
    (log) => ({ read: (id, after, limits) => log.read(id, after % 2 ** 32, limits) }),
    /at the head and beyond it/,
  ],
  'has no oldest event where it is empty': [
    (log) => ({
      read: (id, after, limits) => {
        const page = log.read(id, after, limits)
        return page && page.head === 0 ? { ...page, oldest: 0 } : page
      },
    }),
    /open creates an empty stream/,
  ],
  'creates what is read': [
    (log) => ({
      read: (id, after, limits) => {
        log.open(id)
        return log.read(id, after, limits)
      },
    }),
    /what a stream is asked that is not there/,
  ],
  'reads what was': [
    (log) => {
      const pages = new Map<string, ReturnType<typeof log.read>>()
      return {
        read: (id, after, limits) => {
          const key = `${id} ${after} ${limits.maxEvents} ${limits.maxBytes}`
          const page = pages.get(key)
          pages.set(key, log.read(id, after, limits))
          return page ?? pages.get(key)
        },
      }
    },
    /what an append was answered for is seen/,
  ],
  'trims all': [
    (log) => {
      const trimmed = new Map<string, number>()
      return {
        trim: (id, oldest) => {
          trimmed.set(id, oldest)
          log.trim(id, oldest)
        },
        read: (id, after, limits) => {
          const page = log.read(id, after, limits)
          const isAll = page !== undefined && (trimmed.get(id) ?? 0) > page.head
          return isAll ? { ...page, entries: [], oldest: page.head + 1 } : page
        },
      }
    },
    /trim never drops the newest/,
  ],
  'trims one too few': [(log) => ({ trim: (id, oldest) => log.trim(id, oldest - 1) }), /trim drops what is older/],
  'does not delete': [
    (log) => ({ delete: (id) => log.read(id, 0, stateOnly) !== undefined }),
    /delete drops the whole stream/,
  ],
  'keeps its epoch': [
    (log) => ({
      open: (id) => ({ ...log.open(id), epoch: `epoch${id.length}000` }),
      append: (id, append) => ({ ...log.append(id, append), epoch: `epoch${id.length}000` }),
      read: (id, after, limits) => {
        const page = log.read(id, after, limits)
        return page && { ...page, epoch: `epoch${id.length}000` }
      },
    }),
    /a stream of the same name is a new one/,
  ],
  'has epochs of its own': [
    (log) => ({ open: (id) => ({ ...log.open(id), epoch: 'A-B' }) }),
    /open creates an empty stream/,
  ],
  'has null for no internal': [
    (log) => ({
      read: (id, after, limits) => {
        const page = log.read(id, after, limits)
        const nulled = page?.entries.map((entry) => ({
          ...entry,
          internal: entry.internal ?? (null as unknown as string),
        }))
        return page && { ...page, entries: nulled! }
      },
    }),
    /an event has an internal only where/,
  ],
  'loses internals': [altering(({ type, data, bytes }) => ({ type, data, bytes })), /data and internals come back/],
  'writes JSON again': [
    altering((entry) => ({
      ...entry,
      data: /^[[{" ]/.test(entry.data) ? JSON.stringify(JSON.parse(entry.data)) : entry.data,
    })),
    /data and internals come back/,
  ],
  'normalises texts': [
    altering((entry) => ({ ...entry, data: entry.data.normalize('NFC') })),
    /data and internals come back/,
  ],
  'cuts texts at 64 KiB': [
    altering((entry) => ({ ...entry, data: entry.data.slice(0, 65_536) })),
    /the largest events/,
  ],
  'has types in lower case': [altering((entry) => ({ ...entry, type: entry.type.toLowerCase() })), /types come back/],
  'takes ids in any case': [renaming((id) => id.toLowerCase()), /streams with similar ids/],
  'trims ids': [renaming((id) => id.trim()), /streams with similar ids/],
  'normalises ids': [renaming((id) => id.normalize('NFC')), /streams with similar ids/],
  'ends ids at a NUL': [renaming((id) => id.split('\u0000')[0]!), /streams with similar ids/],
  'cuts ids': [renaming((id) => id.slice(0, 255)), /streams with similar ids/],
  'wakes before there is something to see': [
    (log) => {
      const wakes = new Set<() => void>()
      return {
        append: async (id, append) => {
          for (const wake of wakes) wake()
          await turn()
          return log.append(id, append)
        },
        subscribe: (_id, wake) => {
          wakes.add(wake)
          return () => wakes.delete(wake)
        },
      }
    },
    /a reader that looks only when it is woken/,
  ],
  'wakes who has left': [
    (log) => ({
      subscribe: (id, wake) => {
        log.subscribe(id, wake)
        return () => undefined
      },
    }),
    /every subscriber is woken, and one that left is not/,
  ],
  'wakes a list that it made before': [
    () =>
      listeners((wakes) => {
        for (const wake of [...wakes]) wake()
      }),
    /one that leaves while all are woken/,
  ],
  'wakes who comes meanwhile': [
    () =>
      listeners((wakes) => {
        for (const wake of wakes) wake()
      }),
    /one that subscribes anew each time/,
  ],
  'takes the same function for the same subscription': [
    (log) => {
      const leaves = new Map<() => void, () => void>()
      return {
        subscribe: (id, wake) => {
          if (!leaves.has(wake)) leaves.set(wake, log.subscribe(id, wake))
          return () => {
            leaves.get(wake)?.()
            leaves.delete(wake)
          }
        },
      }
    },
    /the same function can be subscribed twice/,
  ],
}

/** A log that keeps its own subscribers of streams, and wakes them for every append and open in its own way. */
function listeners(wakeAll: (wakes: Set<() => void>) => void): Partial<EventLog> {
  const log = new MemoryEventLog()
  const wakes = new Set<() => void>()
  const waking = <T>(answer: T): T => {
    wakeAll(wakes)
    return answer
  }
  return {
    open: (id) => waking(log.open(id)),
    append: (id, append) => waking(log.append(id, append)),
    read: (id, after, limits) => log.read(id, after, limits),
    trim: (id, oldest) => log.trim(id, oldest),
    delete: (id) => waking(log.delete(id)),
    subscribe: (_id, wake) => {
      const own = (): void => wake()
      wakes.add(own)
      return () => wakes.delete(own)
    },
  }
}

it.each(Object.entries(flaws))('a log that %s does not pass', async (_name, [flaw, caught]) => {
  const found = await failures({ create: () => flawed(flaw) })
  expect([...found.keys()]).toContainEqual(expect.stringMatching(caught))
  // Not a crash of the suite itself.
  for (const message of found.values()) expect(message).not.toMatch(/is not a function|Cannot read prop/)
})

it('a log that passes has no failure', async () => {
  const create = () => flawed(() => ({}))
  expect(await failures({ create, reopen: (log) => log, peer: (log) => log })).toEqual(new Map())
})

it('a log that loses its wake-ups does not pass', async () => {
  const found = await failures({ create: () => faultyLog(new MemoryEventLog(), { lostWakes: 1 }) })
  expect([...found.values()]).toContainEqual(
    expect.stringMatching(/^Expected a wake-up to show .* within 30 ms; it was woken 0 times, and saw "nothing"$/),
  )
})

it('a log that is empty when it is opened again passes no case of durability', async () => {
  const durable = { create: () => new MemoryEventLog(), reopen: () => new MemoryEventLog() }
  const found = await failures(durable)
  const plain = eventLogContract({ create: durable.create }).map(({ name }) => name)
  const cases = eventLogContract(durable).map(({ name }) => name)
  const ofDurability = cases.filter((name) => !plain.includes(name))
  expect(ofDurability.length).toBeGreaterThan(5)
  expect([...found.keys()]).toEqual(expect.arrayContaining(ofDurability.filter((name) => !/fences|deleted/.test(name))))
})

it('a log that shares nothing with its peer passes no case of sharing', async () => {
  const shared = { create: () => new MemoryEventLog(), peer: () => new MemoryEventLog() }
  const found = await failures(shared)
  const plain = eventLogContract({ create: shared.create }).map(({ name }) => name)
  expect([...found.keys()]).toEqual(
    eventLogContract(shared)
      .map(({ name }) => name)
      .filter((name) => !plain.includes(name)),
  )
})

it('a failure says what was expected and what came, and has both for the test runner', async () => {
  const flaw = flaws['begins at 0']![0]
  const first = eventLogContract({ create: () => flawed(flaw) }).find(({ name }) => name.startsWith('the first event'))!
  const error = await first.run().catch((thrown: unknown) => thrown)
  const epoch = (error as { expected: { epoch: string } }).expected.epoch
  expect(error).toMatchObject({
    message: `Append 1: expected {"epoch":"${epoch}","first":1}, got {"epoch":"${epoch}","first":0}`,
    expected: { first: 1 },
    actual: { first: 0 },
  })
})

it('a random schedule that fails names its seed and its last operations, and fails alone with that seed', async () => {
  const options = { create: () => flawed(flaws['trims one too few']![0]), seed: 7 }
  const random = (more: Partial<EventLogContractOptions>) =>
    eventLogContract({ ...options, ...more })
      .find(({ name }) => name.startsWith('random'))!
      .run()
      .then(
        () => 'passed',
        (error: Error) => error.message,
      )
  const message = await random({})
  const [, seed] =
    /with \{ seed: (\d+), schedules: 1 \}, after \d+ operations, the last of them:\n {2}/.exec(message) ?? []
  expect(Number(seed)).toBeGreaterThanOrEqual(7)
  expect(message).toContain('\n  trim ')
  const withoutEpochs = (text: string): string => text.replace(/"epoch":"\w+"/g, '')
  expect(withoutEpochs(await random({ seed: Number(seed), schedules: 1 }))).toBe(withoutEpochs(message))
})

it('every case gives up the logs that it made, also where it fails', async () => {
  for (const isRight of [true, false]) {
    let held = 0
    const giveUp = (): void => {
      held -= 1
    }
    const make = (): EventLog => {
      held += 1
      const log = flawed(isRight ? () => ({}) : flaws['begins at 0']![0])
      return { ...log, close: giveUp }
    }
    await failures({ create: make })
    expect(held).toBe(0)
    const disposed = await failures({
      create: make,
      peer: make,
      reopen: (log) => {
        log.close?.()
        return make()
      },
      dispose: giveUp,
    })
    expect(disposed.size).toBeGreaterThan(0)
    expect(held).toBe(0)
  }
})
