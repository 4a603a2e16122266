import { deepStrictEqual, strictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import {
  EventStreamParser,
  type EventStreamParserOptions,
  EventStreamParserStream,
  encodeComment,
  encodeEvent,
  encodeRetry,
  fromReadableStream,
  type ParsedEvent,
  ProtocolError,
} from '../src/index.js'
import { runs, seed } from './fuzzing.js'
import { interpretBytes, interpretText } from './naive-interpreter.js'
import { type Excess, interpretWithin, type LimitedInterpretation, type Limits } from './naive-limits.js'
import { byteStreams, chunkings, cut, textStreams, values, wellFormedStreams } from './random-streams.js'

fc.configureGlobal({ numRuns: runs, seed })
console.log(`SSE_FUZZ_SEED=${seed} SSE_FUZZ_RUNS=${runs}`)

const maximum = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 1, max: 400 }),
  fc.constant(Number.POSITIVE_INFINITY),
)
const limits: fc.Arbitrary<Limits> = fc.record({
  maxLineBytes: maximum,
  maxEventBytes: maximum,
  whenLineTooLong: fc.constantFrom('error', 'skip-event'),
  whenEventTooLarge: fc.constantFrom('error', 'skip-event'),
})
const streams: fc.Arbitrary<string | Uint8Array> = fc.oneof(byteStreams, textStreams)

describe('laws', () => {
  it('§9.2.6 any bytes, cut anywhere, are what a naive reader of the prose makes of them', () => {
    fc.assert(
      fc.property(byteStreams, chunkings, (stream, lengths) => {
        const { events, told, lastEventId } = parse(cut(stream, lengths))
        deepStrictEqual({ events, told, lastEventId }, interpretBytes(stream))
      }),
    )
  })

  it('§9.2.6 any text, cut anywhere, is what a naive reader of the prose makes of it', () => {
    fc.assert(
      fc.property(textStreams, chunkings, (stream, lengths) => {
        const { events, told, lastEventId } = parse(cut(stream, lengths))
        deepStrictEqual({ events, told, lastEventId }, interpretText(stream))
      }),
    )
  })

  it('where a stream is cut changes nothing: events, notices, verdict, offset, diagnosis of the end', () => {
    fc.assert(
      fc.property(streams, limits, chunkings, (stream, limits, lengths) => {
        deepStrictEqual(parse(cut(stream, lengths), limits), parse(cut(stream, []), limits))
      }),
    )
  })

  it('text and bytes agree, each cut in its own way', () => {
    fc.assert(
      fc.property(wellFormedStreams, limits, chunkings, chunkings, (stream, limits, textLengths, byteLengths) => {
        const bytes = new TextEncoder().encode(stream)
        deepStrictEqual(parse(cut(bytes, byteLengths), limits), parse(cut(stream, textLengths), limits))
      }),
    )
  })

  it('a limit strikes where a count over the whole stream says, and drops or stops nothing else', () => {
    fc.assert(
      fc.property(streams, limits, chunkings, (stream, limits, lengths) => {
        deepStrictEqual(parse(cut(stream, lengths), limits), interpretWithin(limits, stream))
      }),
    )
  })

  it('where nobody is asked what to do at a limit, it is an error', () => {
    fc.assert(
      fc.property(streams, limits, chunkings, (stream, { maxLineBytes, maxEventBytes }, lengths) => {
        const limits = { maxLineBytes, maxEventBytes, whenLineTooLong: 'error', whenEventTooLarge: 'error' } as const
        const asked = parse(cut(stream, lengths), limits)
        const never = parse(cut(stream, lengths), limits, { options: { onLimit: undefined } })
        deepStrictEqual(never, { ...asked, crossed: [] })
      }),
    )
  })

  it('a callback that throws changes no event, loses none, and keeps no later call from being made', () => {
    fc.assert(
      fc.property(streams, limits, chunkings, fc.array(fc.boolean()), (stream, limits, lengths, throws) => {
        // One that is asked what to do at a limit and throws has not said 'skip-event'.
        const peaceful = parse(cut(stream, lengths), limits, { fails: throws })
        deepStrictEqual(parse(cut(stream, lengths), limits, { fails: throws, isThrowing: true }), peaceful)
      }),
    )
  })

  it('after reset() or flush() nothing is left of the stream before but its last event id', () => {
    fc.assert(
      fc.property(streams, streams, limits, chunkings, fc.boolean(), (before, stream, limits, lengths, isFlushed) => {
        const after = (parser: EventStreamParser) => {
          for (const chunk of cut(before, lengths)) {
            try {
              parser.push(chunk)
            } catch {}
          }
          if (isFlushed) parser.flush()
          else parser.reset()
          lastEventId = parser.lastEventId
        }
        let lastEventId = ''
        const reused = parse(cut(stream, lengths), limits, { before: after })
        deepStrictEqual(
          reused,
          parse(cut(stream, lengths), limits, { before: (parser) => parser.reset({ lastEventId }) }),
        )
      }),
    )
  })

  it('a parser that has stopped at a limit says the same to every push until reset()', () => {
    fc.assert(
      fc.property(streams, limits, chunkings, (stream, limits, lengths) => {
        const parser = new EventStreamParser(limits)
        let first: LimitError | undefined
        let events: readonly ParsedEvent[] | undefined
        for (const chunk of cut(stream, lengths)) {
          const error = thrownBy(() => parser.push(chunk), isLimitError)
          if (first) strictEqual(error, first)
          first ??= error
          events ??= error?.events
        }
        // The events are its holder's.
        deepStrictEqual(first?.events, events)
        parser.reset()
        deepStrictEqual(parser.push('\n'), [])
      }),
    )
  })

  it('every form of reading gives the events that push() gives, and then the same verdict', async () => {
    const forms = {
      iterated: (stream: ReadableStream<string | Uint8Array>, options: EventStreamParserOptions) =>
        fromReadableStream(stream, options),
      piped: (stream: ReadableStream<string | Uint8Array>, options: EventStreamParserOptions) =>
        stream.pipeThrough(new EventStreamParserStream(options)),
    }
    await fc.assert(
      fc.asyncProperty(
        streams,
        limits,
        chunkings,
        fc.constantFrom(...Object.values(forms)),
        async (stream, limits, lengths, read) => {
          const options = { maxLineBytes: limits.maxLineBytes, maxEventBytes: limits.maxEventBytes }
          const { events, failure } = parse(cut(stream, lengths), limits, { options: { onLimit: undefined } })
          const chunks = cut(stream, lengths)
          const source = new ReadableStream<string | Uint8Array>({
            pull(controller) {
              const chunk = chunks.shift()
              if (chunk === undefined) controller.close()
              else controller.enqueue(chunk)
            },
          })
          const received: ParsedEvent[] = []
          let stopped: LimitError | undefined
          try {
            for await (const event of read(source, options)) received.push(event)
          } catch (error) {
            if (!isLimitError(error)) throw error
            stopped = error
            // A pipe that fails has no place for them but the reason.
            if (read === forms.piped) received.push(...error.events)
          }
          deepStrictEqual([received, stopped && excessOf(stopped)], [events, failure])
        },
      ),
      { numRuns: Math.ceil(runs / 10) },
    )
  })

  it('what the encoder accepts comes back from the parser as it was, but for the kind of newline', () => {
    const frame = fc.record({ type: values, data: values, id: values }, { requiredKeys: ['data'] })
    const frames = fc.array(fc.oneof({ weight: 4, arbitrary: frame }, fc.nat(), values), { maxLength: 6 })
    fc.assert(
      fc.property(frames, chunkings, fc.boolean(), (frames, lengths, asBytes) => {
        let stream = ''
        let lastEventId = ''
        const events: ParsedEvent[] = []
        const told: (string | number)[] = []
        for (const frame of frames) {
          if (typeof frame === 'number') {
            stream += encodeRetry(frame)
            told.push(frame)
          } else if (typeof frame === 'string') {
            if (!isWellFormed(frame)) continue
            stream += encodeComment(frame)
            told.push(...frame.split(/\r\n|\r|\n/))
          } else {
            const refused = thrownBy(() => {
              stream += encodeEvent(frame)
            }, ProtocolError.isInstance)
            deepStrictEqual(refused?.code, isEncodable(frame) ? undefined : 'invalid_field')
            if (refused) continue
            lastEventId = frame.id ?? lastEventId
            const { type = 'message', data, ...id } = frame
            events.push({ type, data: data.replace(/\r\n|\r/g, '\n'), ...id, lastEventId })
          }
        }
        const chunks = asBytes ? cut(new TextEncoder().encode(stream), lengths) : cut(stream, lengths)
        deepStrictEqual(parse(chunks), { events, told, crossed: [], lastEventId, failure: undefined, tail: undefined })
      }),
    )
  })
})

interface ParseOptions {
  /** Which of the calls of callbacks fail, over and over. */
  readonly fails?: readonly boolean[]
  /** Whether one that fails throws. Otherwise it says 'error', where it is asked. */
  readonly isThrowing?: boolean
  /** What happens to the parser first; its callbacks are not recorded. */
  readonly before?: (parser: EventStreamParser) => void
  readonly options?: EventStreamParserOptions
}

/** Everything that a parser lets its user see of one stream. */
function parse(
  chunks: readonly (string | Uint8Array)[],
  limits?: Limits,
  { fails = [], isThrowing, before, options }: ParseOptions = {},
): LimitedInterpretation {
  const told: (string | number)[] = []
  const crossed: Excess[] = []
  let thrown: unknown[] = []
  /** Takes note of a call, and says whether it fails. */
  const note = <T>(calls: T[], value: T): boolean => {
    const isFailing = fails[calls.length % fails.length] ?? false
    calls.push(value)
    if (!isFailing || !isThrowing) return isFailing
    const error = { value }
    thrown.push(error)
    throw error
  }
  const parser = new EventStreamParser({
    maxLineBytes: limits?.maxLineBytes,
    maxEventBytes: limits?.maxEventBytes,
    onComment: (text) => void note(told, text),
    onRetry: (milliseconds) => void note(told, milliseconds),
    onLimit: (reason) => {
      if (note(crossed, excessOf(reason))) return 'error'
      return reason.code === 'line_too_long' ? limits!.whenLineTooLong : limits!.whenEventTooLarge
    },
    ...options,
  })
  before?.(parser)
  told.length = crossed.length = 0
  const events: ParsedEvent[] = []
  let failure: Excess | undefined
  const push = (chunk: string | Uint8Array): boolean => {
    thrown = []
    try {
      events.push(...parser.push(chunk))
      deepStrictEqual(thrown, [])
      return true
    } catch (error) {
      if (isLimitError(error)) {
        events.push(...error.events)
        failure = excessOf(error)
      } else if (error !== thrown[0]) throw error
      return false
    } finally {
      // The memory of a chunk is its reader's again once it has been pushed.
      if (typeof chunk !== 'string') chunk.fill(0x0a)
    }
  }
  const waiting = [...chunks]
  while (waiting.length > 0 && !failure) {
    // A push of nothing fetches what one that threw could not return.
    if (!push(waiting.shift()!) && waiting.length === 0 && !failure) waiting.push(chunks[0]!.slice(0, 0))
  }
  const { lastEventId } = parser
  const tail = parser.flush()
  while (!push('')) {}
  return { events, told, crossed, lastEventId, failure, tail }
}

interface LimitError extends Excess {
  readonly events: readonly ParsedEvent[]
}

function isLimitError(error: unknown): error is LimitError {
  return error instanceof Error && 'code' in error && /^(line_too_long|event_too_large)$/.test(String(error.code))
}

function excessOf({ code, offset, limit }: Partial<Excess>): Excess {
  return { code: code!, offset: offset!, limit: limit! }
}

/** The error that a call has thrown, if it is one of ours. */
function thrownBy<T>(run: () => unknown, isExpected: (error: unknown) => error is T): T | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (isExpected(error)) return error
    throw error
  }
}

function isEncodable(frame: { type?: string; data: string; id?: string }): boolean {
  const { type, data, id } = frame
  if (type === '' || /[\0\r\n]/.test(`${type}${id}`)) return false
  return [type, data, id].every((text) => text === undefined || isWellFormed(text))
}

function isWellFormed(text: string): boolean {
  return Buffer.from(text).toString() === text
}
