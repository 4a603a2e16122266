import { copy, own } from './own.js'
import type { IncompleteTail, ParsedEvent } from './parsed-event.js'
import type { EventStreamParserOptions, LimitError } from './parser-options.js'

const byteOrderMark = 0xfeff

/**
 * Parses an event stream as it arrives, in chunks cut anywhere (HTML standard §9.2.5 and §9.2.6).
 *
 * `push` returns the events which that chunk completed, instead of calling back: a consumer that throws cannot hurt the next
 * event. A block that the stream's end cuts off is never an event. One parser takes either text or bytes. However a stream is
 * cut into chunks, its events, comments, retries and errors are the same.
 *
 * @example
 * const parser = new EventStreamParser()
 * parser.push('data: hel')        // []
 * parser.push('lo\n\n')           // [{ type: 'message', data: 'hello', lastEventId: '' }]
 */
export class EventStreamParser {
  readonly #options: EventStreamParserOptions
  readonly #maxLineBytes: number
  readonly #maxEventBytes: number
  /** Lines and events of at most this many code units are within both limits: a code unit takes at most three bytes. */
  readonly #easyLength: number

  #input: string | undefined
  /** Where the last chunk may have cut a character. */
  #decoder: TextDecoder | undefined
  #failure: LimitError | undefined
  /** Complete, and not returned yet. */
  #events: ParsedEvent[] | undefined
  /** Calls that wait for the end of the chunk. */
  readonly #calls = new Set<() => void>()

  /** Code units before the current chunk. */
  #offset = 0
  /** Code units before the current block. */
  #blockOffset = 0
  /** What is skipped at the beginning of the next chunk: a BOM at the start of the stream, the LF of a CRLF that was cut. */
  #skip = byteOrderMark
  /** The beginning of a line whose end has not come. */
  #line = ''
  /**
   * The last of its pieces; never empty where there is such a line. Engines keep a sum of strings as a tree, many times the size of a
   * short piece, until somebody looks into it: that happens here from time to time.
   */
  #pieces = ''

  #type = ''
  #id: string | undefined
  #data: string | undefined
  /** The lines of data after the first one. */
  #moreData: string[] = []
  #moreLength = 0
  /** How many of them do not hold on to their chunk. */
  #moreOwned = 0
  /** A limit has dropped this block. */
  #isSkipped = false

  #lastEventId = ''
  #reconnectionTime: number | undefined

  /** @throws TypeError where a limit is not a positive number. */
  constructor(options: EventStreamParserOptions = {}) {
    // A third of it is a small integer, which engines compare fastest.
    const { maxLineBytes = 3 * 2 ** 23, maxEventBytes = 3 * 2 ** 23 } = options
    const limit = Math.min(maxLineBytes, maxEventBytes)
    expect(limit > 0, 'positive limits')
    this.#options = options
    this.#maxLineBytes = maxLineBytes
    this.#maxEventBytes = maxEventBytes
    this.#easyLength = limit / 3
  }

  /** The last event id that a whole block has set; where a reconnect continues. */
  get lastEventId(): string {
    return this.#lastEventId
  }

  /** The last valid `retry` field, in milliseconds; `undefined` where there was none. */
  get reconnectionTime(): number | undefined {
    return this.#reconnectionTime
  }

  /**
   * Takes the next chunk and returns the events that it completed.
   *
   * @throws TypeError where the chunk is neither a string nor a Uint8Array, or text and bytes are mixed on one parser.
   * @throws LimitError (a RangeError) at a limit. Its `events` are those which the chunk completed before. The parser refuses every push
   * with it until `reset()`.
   * @throws what a callback threw, after the chunk has been parsed. The next push makes the calls and returns the events that are left.
   */
  push(chunk: string | Uint8Array): ParsedEvent[] {
    const text = this.#read(chunk)
    let start = 0
    if (this.#skip && text) {
      if (text.charCodeAt(0) === this.#skip) {
        start = 1
        if (this.#blockOffset && this.#blockOffset === this.#offset) this.#blockOffset += 1
      }
      this.#skip = 0
    }
    let lineFeed = text.indexOf('\n', start)
    let carriageReturn = text.indexOf('\r', start)
    const { length } = text
    while (start < length) {
      let end = lineFeed
      let next = end + 1
      if (carriageReturn !== -1 && (end === -1 || carriageReturn < end)) {
        end = carriageReturn
        next = end + 1
        if (next === length) this.#skip = 0x0a
        else if (next === lineFeed) next += 1
        carriageReturn = text.indexOf('\r', next)
      } else if (end === -1) break

      let isComplete = start === end && this.#pieces === ''
      const first = text.charCodeAt(start)
      if (isComplete) {
        // An empty line.
      } else if (this.#pieces !== '' || this.#isSkipped || end - start > this.#easyLength) {
        this.#endLine(text, start, end)
      } else if (
        // What nearly all lines are is told apart in place. No code unit beyond the text may be asked for: V8 then gives up its fast
        // access to all of them.
        first === 0x64 &&
        text.charCodeAt(start + 1) === 0x61 &&
        text.charCodeAt(start + 2) === 0x74 &&
        text.charCodeAt(start + 3) === 0x61 &&
        text.charCodeAt(start + 4) === 0x3a
      ) {
        const data = value(text, start + 5, end)
        if (this.#data !== undefined) this.#addData(data)
        else {
          this.#data = data
          // An empty line comes next.
          isComplete = end === lineFeed && next < length && text.charCodeAt(next) === 0x0a
          if (isComplete) next += 1
        }
      } else if (
        first === 0x65 &&
        text.charCodeAt(start + 1) === 0x76 &&
        text.charCodeAt(start + 2) === 0x65 &&
        text.charCodeAt(start + 3) === 0x6e &&
        text.charCodeAt(start + 4) === 0x74 &&
        text.charCodeAt(start + 5) === 0x3a
      ) {
        this.#type = value(text, start + 6, end)
      } else if (first === 0x69 && text.charCodeAt(start + 1) === 0x64 && text.charCodeAt(start + 2) === 0x3a) {
        this.#setId(value(text, start + 3, end), text)
      } else this.#interpret(text.slice(start, end))
      if (isComplete) this.#dispatch(next)
      start = next
      if (this.#failure) break
      if (lineFeed !== -1 && lineFeed < start && start < length) lineFeed = text.indexOf('\n', start)
    }
    if (this.#data !== undefined || this.#type) this.#keepBlock(text)
    if (start < length) this.#keepLine(text, start, length)
    this.#offset += length
    // Last, with nothing left to do: a call that throws leaves the others and the events for the next push.
    for (const call of this.#calls) {
      this.#calls.delete(call)
      call()
    }
    const events = this.#events
    this.#events = undefined
    if (this.#failure) throw this.#failure
    return events ?? []
  }

  /**
   * Ends the stream: says what its end has cut off, if anything, and is ready for the next stream as after `reset()`.
   * Without an empty line at its end a block is no event, and never becomes one.
   */
  flush(): IncompleteTail | undefined {
    const rest = this.#decoder?.decode() ?? ''
    const offset = this.#blockOffset
    const length = this.#offset + rest.length - offset
    // A limit has told of what it dropped.
    const isCut = !this.#isSkipped && (rest || this.#pieces || this.#type || (this.#id ?? this.#data) !== undefined)
    this.reset()
    return isCut ? { offset, length } : undefined
  }

  /**
   * Forgets everything of the connection so far, for the first chunk of the next one: an unfinished block, a failure, the
   * decoder's state, whether text or bytes come. The last event id stays, or becomes the given one, as browsers do it.
   */
  reset({ lastEventId }: { readonly lastEventId?: string | null | undefined } = {}): void {
    this.#lastEventId = `${lastEventId ?? this.#lastEventId}`
    this.#input = this.#decoder = this.#failure = undefined
    this.#offset = this.#blockOffset = 0
    this.#takeLine()
    this.#skip = byteOrderMark
    this.#forgetBlock()
  }

  #read(chunk: string | Uint8Array): string {
    // Unlike `instanceof`, the tag knows arrays of other realms.
    const input = typeof chunk === 'string' ? 'text' : (chunk as Uint8Array | undefined)?.[Symbol.toStringTag]
    if (this.#failure) throw this.#failure
    if (!input || input !== this.#input) {
      expect(input === 'text' || input === 'Uint8Array', 'a string or a Uint8Array')
      expect(!this.#input, 'a reset() between text and bytes')
      this.#input = input
    }
    if (typeof chunk === 'string') return chunk
    // The decoder must not strip a BOM by itself: it would take a second one, too.
    const decoder = this.#decoder ?? new TextDecoder('utf-8', { ignoreBOM: true })
    // After an ASCII byte no character is cut, and engines decode a whole text several times as fast as a part of one.
    const stream = !(chunk.at(-1)! < 0x80)
    this.#decoder = stream ? decoder : undefined
    return decoder.decode(chunk, { stream })
  }

  /** Interprets a line that began in an earlier chunk, or one that may be too long. */
  #endLine(text: string, start: number, end: number): void {
    this.#keepLine(text, start, end)
    const line = this.#takeLine()
    if (!this.#isSkipped) this.#interpret(line)
  }

  #takeLine(): string {
    const line = this.#line + this.#pieces
    this.#line = this.#pieces = ''
    return line
  }

  /** "Process the field", whatever it is called. */
  #interpret(line: string): void {
    const colon = line.indexOf(':')
    const nameEnd = colon === -1 ? line.length : colon
    const content = colon === -1 ? '' : value(line, colon + 1, line.length)
    switch (line.slice(0, nameEnd)) {
      case 'data':
        this.#addData(content)
        break
      case 'event':
        this.#type = content
        break
      case 'id':
        this.#setId(content, line)
        break
      case 'retry':
        if (!/^\d+$/.test(content)) break
        this.#reconnectionTime = Number(content)
        this.#call(this.#options.onRetry, this.#reconnectionTime)
        break
      case '':
        this.#call(this.#options.onComment, content)
    }
  }

  #setId(id: string, whole: string): void {
    // "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the field value."
    if (id.indexOf('\0') === -1) this.#id = own(id, whole)
  }

  #addData(data: string): void {
    if (this.#data === undefined) {
      this.#data = data
      return
    }
    this.#moreData.push(data)
    this.#moreLength += data.length + 1
    // A code unit takes at least one byte.
    if (this.#data.length + this.#moreLength > this.#maxEventBytes) this.#exceed()
  }

  /** "Dispatch the event": the block ends, and the next one begins at `next`. */
  #dispatch(next: number): void {
    const type = this.#type || 'message'
    const id = this.#id
    const data = this.#moreLength ? `${this.#data}\n${this.#moreData.join('\n')}` : this.#data
    const length = type.length + (id ?? '').length + (data ?? '').length
    const isLarge = length > this.#easyLength && isOver(this.#type + (id ?? '') + (data ?? ''), this.#maxEventBytes)
    if (isLarge) this.#exceed()
    else if (id !== undefined) this.#lastEventId = id
    if (!this.#failure) this.#forgetBlock()
    this.#blockOffset = this.#offset + next
    if (isLarge || data === undefined) return
    const lastEventId = this.#lastEventId
    const event = id === undefined ? { type, data, lastEventId } : { type, data, id, lastEventId }
    // The literal takes no more room than it needs, unlike the first push.
    if (this.#events) this.#events.push(event)
    else this.#events = [event]
  }

  #exceed(offset = this.#blockOffset, limit = this.#maxEventBytes, code: LimitError['code'] = 'event_too_large'): void {
    const events = this.#events
    const error = Object.assign(new RangeError(`More than ${limit} bytes at ${offset}`), {
      code,
      offset,
      limit,
      events: events ?? [],
    })
    const { onLimit } = this.#options
    this.#forgetBlock()
    this.#isSkipped = true
    // Should the callback throw, the parser has failed.
    this.#failure = error
    this.#events = undefined
    if (onLimit?.(error) !== 'skip-event') return
    this.#failure = undefined
    this.#events = events
  }

  /** Lets go of the chunk, but for what the next one continues. */
  #keepBlock(text: string): void {
    this.#type = own(this.#type, text)
    if (this.#data !== undefined) this.#data = own(this.#data, text)
    for (; this.#moreOwned < this.#moreData.length; this.#moreOwned++) {
      this.#moreData[this.#moreOwned] = own(this.#moreData[this.#moreOwned]!, text)
    }
  }

  #keepLine(text: string, start: number, end: number): void {
    if (!this.#isSkipped) {
      if (this.#pieces.length > 4096) {
        this.#line += this.#pieces.length > 8192 ? this.#pieces : copy(this.#pieces)
        this.#pieces = ''
      }
      this.#pieces += own(text.slice(start, end), text)
      const line = this.#line + this.#pieces
      // What has not ended is counted when it ends; but a code unit takes at least one byte.
      if (line.length <= this.#maxLineBytes && (end === text.length || !isOver(line, this.#maxLineBytes))) return
      this.#exceed(this.#offset + end - line.length, this.#maxLineBytes, 'line_too_long')
    }
    // Of a line that is skipped nothing counts but that there is one.
    this.#line = ''
    this.#pieces = '-'
  }

  #call<Value>(callback: ((value: Value) => void) | undefined, value: Value): void {
    if (callback) this.#calls.add(() => callback(value))
  }

  #forgetBlock(): void {
    this.#type = ''
    this.#id = this.#data = undefined
    if (this.#moreLength) {
      this.#moreData = []
      this.#moreLength = this.#moreOwned = 0
    }
    this.#isSkipped = false
  }
}

/** The value of a field: what comes after the colon, without one space. */
function value(text: string, start: number, end: number): string {
  return text.slice(text.charCodeAt(start) === 0x20 ? start + 1 : start, end)
}

/** Whether a text has more bytes in UTF-8. Most are far from it. */
function isOver(text: string, maxBytes: number): boolean {
  return text.length * 3 > maxBytes && new TextEncoder().encode(text).length > maxBytes
}

function expect(isTrue: boolean, expected: string): asserts isTrue {
  if (!isTrue) throw new TypeError(`Expected ${expected}`)
}
