import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { EventStreamParser, type ParsedEvent } from '../src/index.js'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const mebibyte = 2 ** 20

/** Memory in use. What garbage holds outside of the heap is given back in later turns. */
async function used(): Promise<number> {
  for (let round = 0; round < 4; round += 1) {
    collectGarbage()
    await turn()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** What is still in memory, in bytes, of all that `make` made, as long as its result is held. */
async function kept(make: () => unknown): Promise<number> {
  // Once for what the engine itself makes: compiled code, feedback.
  make()
  const before = await used()
  const held = make()
  const after = await used()
  expect(held).toBeDefined()
  return after - before
}

/** The kinds of input; a chunk of text is one flat string of its own, as a decoder makes it. */
const inputs = {
  text: (chunk: string) => Buffer.from(chunk, 'latin1').toString('latin1'),
  bytes: (chunk: string) => Uint8Array.from(Buffer.from(chunk, 'latin1')),
}

const padding = 'x'.repeat(mebibyte)

describe.each(Object.entries(inputs))('of %s', (_, input) => {
  // Types are few, and data is what the chunk is for: both may be views of it.
  describe.each(['id', 'lastEventId'] as const)('an %s', (member) => {
    it.each([1, 12, 13, 24, 25, 64, 200])('64 of %d units out of 1 MiB chunks keep no chunk', async (length) => {
      const read = (index: number) => {
        const name = String(index).padStart(length, 'n')
        const chunk = input(`id: ${name}\nevent: ${name}\ndata: ${padding}\n\n`)
        const [event] = new EventStreamParser().push(chunk) as [ParsedEvent]
        return event[member]
      }
      expect(await kept(() => Array.from({ length: 64 }, (_, index) => read(index)))).toBeLessThan(mebibyte)
    })
  })

  it('one parser that has seen 64 MiB keeps nothing of them', async () => {
    expect(
      await kept(() => {
        const parser = new EventStreamParser()
        for (let index = 0; index < 64; index += 1) {
          parser.push(
            input(`event: ${'t'.repeat(30)}\nid: ${'i'.repeat(30)}${index}\ndata: ${padding}\n\n: ${padding}\n\n`),
          )
        }
        return parser
      }),
    ).toBeLessThan(mebibyte)
  })

  it('an event that takes a little out of each of 64 chunks of 1 MiB keeps that little', async () => {
    const event = () => {
      const parser = new EventStreamParser()
      for (let index = 0; index < 64; index += 1) {
        parser.push(input(`: ${padding}\ndata: ${'d'.repeat(30)}\n: ${padding}\n`))
        parser.push(input(`id: ${'i'.repeat(30)}\nevent: ${'t'.repeat(30)}\n: ${padding}\nda`))
        parser.push(input(`ta: ${'e'.repeat(30)}\n:${padding}\n`))
      }
      return parser
    }
    expect(await kept(event)).toBeLessThan(mebibyte)
    expect(await kept(() => event().push(input('\n')))).toBeLessThan(mebibyte)
  })

  it('the beginning of a line keeps no more than itself of the chunk that it ends', async () => {
    expect(
      await kept(() =>
        Array.from({ length: 64 }, () => {
          const parser = new EventStreamParser()
          parser.push(input(`: ${padding}\ndata: the beginning of a line`))
          return parser
        }),
      ),
    ).toBeLessThan(mebibyte)
  })

  it('a line that comes in chunks of one byte takes a small multiple of its size', async () => {
    const bytes = await kept(() => {
      const parser = new EventStreamParser()
      for (const character of `data: ${padding}`) parser.push(input(character))
      return parser
    })
    expect(bytes / mebibyte).toBeLessThan(4)
  })

  it('an event that comes in lines of one byte takes a small multiple of its size', async () => {
    const bytes = await kept(() => {
      const parser = new EventStreamParser()
      for (let index = 0; index < mebibyte / 2; index += 1) parser.push(input('data:x\n'))
      return parser
    })
    expect(bytes / mebibyte).toBeLessThan(8)
  })

  describe.each(['error', 'skip-event'] as const)('a limit with %s', (decision) => {
    const limits = { maxLineBytes: 65_536, maxEventBytes: 65_536, onLimit: () => decision }
    const shapes = {
      line: () => input(padding),
      'line in small chunks': () => input('x'.repeat(1000)),
      event: () => input('data: x\n'.repeat(100)),
      'event of long lines': () => input(`data: ${'x'.repeat(60_000)}\n`),
    }

    it.each(Object.entries(shapes))('keeps nothing of a %s that it has stopped', async (_, chunk) => {
      expect(
        await kept(() => {
          const parser = new EventStreamParser(limits)
          const errors: unknown[] = []
          for (let size = 0; size < 32 * mebibyte; size += chunk().length) {
            try {
              parser.push(chunk())
            } catch (error) {
              errors[0] = error
            }
          }
          return [parser, errors]
        }),
      ).toBeLessThan(mebibyte)
    })
  })
})
