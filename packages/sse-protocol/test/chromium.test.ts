import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findProgram } from '../../../scripts/programs.mjs'
import { EventStreamParser } from '../src/index.js'
import { chunksOf, vectors } from './conformance-kit.js'
import { runs, seed } from './fuzzing.js'
import { interpretBytes } from './naive-interpreter.js'
import { type NativeEventSource, type Received, startNativeEventSource } from './native-event-source.js'
import { byteStreams, chunkings, cut } from './random-streams.js'

const executablePath = findProgram('chromium')
const streams = Math.max(2_000, Math.floor(runs / 50))

/** What Chromium dispatched for the connections of one stream, where that is not what it should be. */
interface Divergence {
  readonly connections: readonly string[]
  readonly chromium: readonly Received[]
  readonly expected: readonly Received[]
}

describe.skipIf(!executablePath)('in real Chromium', () => {
  let native: NativeEventSource
  beforeAll(async () => {
    native = await startNativeEventSource(executablePath!)
    console.log(`Chromium ${native.version}, SSE_FUZZ_SEED=${seed}, ${streams} random streams`)
  })
  afterAll(() => native?.close())

  /** Serves streams, each as one or more connections given in chunks, and compares what Chromium's EventSource makes of them. */
  async function divergences(
    served: readonly (readonly (readonly Uint8Array[])[])[],
    expectation: (connections: readonly (readonly Uint8Array[])[], index: number) => readonly Received[],
  ): Promise<Divergence[]> {
    const received = await native.read(
      served.map((connections) => ({ connections, types: connections.flatMap((chunks) => possibleTypes(chunks)) })),
    )
    return served.flatMap((connections, index) => {
      const expected = expectation(connections, index)
      const chromium = received[index]!
      if (same(chromium, expected)) return []
      if (connections.some(isExcepted) && same(chromium, parse(connections.map(asChromiumReads)))) return []
      return [
        { connections: connections.map((chunks) => Buffer.concat(chunks).toString('latin1')), chromium, expected },
      ]
    })
  }

  it('random streams, cut anywhere, give the same events to EventSource and to the parser', async () => {
    const random = fc.sample(fc.tuple(byteStreams, chunkings), { numRuns: streams, seed })
    expect(
      await divergences(
        random.map(([stream, lengths]) => [cut(stream, lengths)]),
        parse,
      ),
    ).toEqual([])
  })

  it('so does every arrangement of a few awkward pieces at the start of a stream', async () => {
    const pieces = ['\ufeff', '\n', '\r', 'data', ':', ' ', 'id:1', '\0', '\xff'].map((piece) =>
      piece === '\xff' ? Uint8Array.of(0xff) : Uint8Array.from(Buffer.from(piece)),
    )
    const end = Uint8Array.from(Buffer.from('\ndata:end\n\n'))
    const arrangements = [[], ...pieces.map((piece) => [piece])]
    for (const arrangement of [...arrangements]) {
      for (const second of pieces) for (const third of pieces) arrangements.push([...arrangement, second, third])
    }
    expect(
      await divergences(
        arrangements.map((arrangement) => [[...arrangement, end]]),
        parse,
      ),
    ).toEqual([])
  })

  it('so does a stream over two connections: the last event id stays, what was unfinished is gone', async () => {
    const quiet = byteStreams.filter((stream) => !interpretBytes(stream).told.some((told) => typeof told === 'number'))
    const random = fc.sample(fc.tuple(quiet, chunkings, quiet, chunkings), { numRuns: 200, seed })
    const reconnectSoon = Uint8Array.from(Buffer.from('retry: 1\n'))
    const served = random.map(([first, firstLengths, second, secondLengths]) => [
      [reconnectSoon, ...cut(first, firstLengths)],
      cut(second, secondLengths),
    ])
    expect(await divergences(served, parse)).toEqual([])
  })

  it('every vector of the kit is what Chromium does', async () => {
    const expected = (_: unknown, index: number) =>
      vectors[index]!.expect.events.map(({ type, data, lastEventId }): Received => [type, data, lastEventId])
    expect(
      await divergences(
        vectors.map((vector) => [chunksOf(vector)]),
        expected,
      ),
    ).toEqual([])
  })
})

function parse(connections: readonly (readonly Uint8Array[])[]): Received[] {
  const parser = new EventStreamParser()
  return connections.flatMap((chunks) => {
    parser.reset()
    return chunks.flatMap((chunk) =>
      parser.push(chunk).map(({ type, data, lastEventId }): Received => [type, data, lastEventId]),
    )
  })
}

/**
 * Chromium 156 does not look at the byte after a leading BOM: a newline there does not end the (empty) first line, it becomes the
 * line's first character, so that the field after it is not known. By the standard (§9.2.5) the BOM is gone before there are lines.
 * Nothing else is excepted.
 */
function isExcepted(chunks: readonly Uint8Array[]): boolean {
  return /^\xef\xbb\xbf[\r\n]/.test(Buffer.concat(chunks).toString('latin1'))
}

function asChromiumReads(chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  const bytes = Uint8Array.from(Buffer.concat(chunks))
  if (isExcepted(chunks)) bytes[3] = 0x78
  return [bytes]
}

/** Every type that any reader could find in a stream: what comes after the first colon of a line, with or without a space. */
function possibleTypes(chunks: readonly Uint8Array[]): string[] {
  const values = Buffer.concat(chunks)
    .toString()
    .split(/[\r\n]/)
    .map((line) => line.slice(line.indexOf(':') + 1))
  return ['message', 'open', ...values, ...values.map((value) => value.slice(1))].filter((type) => type !== '')
}

function same(one: readonly Received[], other: readonly Received[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
