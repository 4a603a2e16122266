/** One event as a reader gets it (HTML standard §9.2.6, "dispatch the event"). */
export interface ParsedEvent {
  /** `message` where the block named none. */
  readonly type: string
  readonly data: string
  /** The id in this event's own block; absent where it had none. */
  readonly id?: string
  /** The last event id after this event: its own, or the one before it. */
  readonly lastEventId: string
}

export interface EventStreamParserOptions {
  /** Called with the text of each comment, without the colon and one space after it. */
  readonly onComment?: ((text: string) => void) | undefined
  /** Called with each valid reconnection time, in milliseconds. */
  readonly onRetry?: ((milliseconds: number) => void) | undefined
}

const digits = /^[0-9]+$/

/**
 * Parses an event stream as it arrives, in chunks cut anywhere (HTML standard §9.2.5 and §9.2.6).
 *
 * `push` returns the events which that chunk completed, instead of calling back: a consumer that throws cannot hurt the next
 * event. A block that the stream's end cuts off is never an event. One parser takes either text or bytes.
 *
 * @example
 * const parser = new EventStreamParser()
 * parser.push('data: hel')        // []
 * parser.push('lo\n\n')           // [{ type: 'message', data: 'hello', lastEventId: '' }]
 */
export class EventStreamParser {
  readonly #onComment: ((text: string) => void) | undefined
  readonly #onRetry: ((milliseconds: number) => void) | undefined

  #input: 'text' | 'bytes' | undefined
  #decoder: TextDecoder | undefined
  #atStart = true
  /** The chunk before ended with CR: an LF that follows belongs to it. */
  #skipLineFeed = false
  /** The pieces of a line whose end has not come yet, joined once: concatenating per chunk is quadratic in the chunks. */
  #pieces: string[] = []

  #type = ''
  #data: string | undefined
  #id: string | undefined
  #idBuffer = ''
  #lastEventId = ''
  #reconnectionTime: number | undefined

  constructor(options: EventStreamParserOptions = {}) {
    this.#onComment = options.onComment
    this.#onRetry = options.onRetry
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
   */
  push(chunk: string | Uint8Array): ParsedEvent[] {
    let text = this.#read(chunk)
    const events: ParsedEvent[] = []
    if (text === '') return events
    if (this.#atStart) {
      this.#atStart = false
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1)
    }
    let start = 0
    if (this.#skipLineFeed && text !== '') {
      this.#skipLineFeed = false
      if (text.charCodeAt(0) === 0x0a) start = 1
    }
    let lineFeed = text.indexOf('\n', start)
    let carriageReturn = text.indexOf('\r', start)
    while (lineFeed !== -1 || carriageReturn !== -1) {
      const isCarriageReturn = carriageReturn !== -1 && (lineFeed === -1 || carriageReturn < lineFeed)
      const end = isCarriageReturn ? carriageReturn : lineFeed
      this.#line(this.#pieces.length === 0 ? text.slice(start, end) : this.#join(text.slice(start, end)), events)
      start = end + 1
      if (isCarriageReturn) {
        if (start === text.length) this.#skipLineFeed = true
        else if (lineFeed === start) start += 1
        carriageReturn = text.indexOf('\r', start)
      }
      if (lineFeed !== -1 && lineFeed < start) lineFeed = text.indexOf('\n', start)
    }
    if (start < text.length) this.#pieces.push(text.slice(start))
    return events
  }

  /**
   * Forgets everything of the connection so far, for the first chunk of the next one: an unfinished block, the decoder's state,
   * whether text or bytes come. The last event id stays, or becomes the given one, as browsers do it.
   */
  reset(options: { readonly lastEventId?: string | undefined } = {}): void {
    this.#input = undefined
    this.#decoder = undefined
    this.#atStart = true
    this.#skipLineFeed = false
    this.#pieces = []
    this.#type = ''
    this.#data = undefined
    this.#id = undefined
    this.#lastEventId = options.lastEventId ?? this.#lastEventId
    this.#idBuffer = this.#lastEventId
  }

  #read(chunk: string | Uint8Array): string {
    const input = typeof chunk === 'string' ? 'text' : 'bytes'
    if (input === 'bytes' && !(chunk instanceof Uint8Array)) {
      throw new TypeError(`Expected a chunk to be a string or a Uint8Array, got ${describe(chunk)}`)
    }
    this.#input ??= input
    if (this.#input !== input) {
      throw new TypeError(`This parser was given ${this.#input} before; use another one, or reset(), for ${input}`)
    }
    if (typeof chunk === 'string') return chunk
    // The decoder must not strip a BOM by itself: it would do so again after a reset in mid-stream, or strip a second one.
    this.#decoder ??= new TextDecoder('utf-8', { ignoreBOM: true })
    return this.#decoder.decode(chunk, { stream: true })
  }

  #join(last: string): string {
    this.#pieces.push(last)
    const line = this.#pieces.join('')
    this.#pieces = []
    return line
  }

  #line(line: string, events: ParsedEvent[]): void {
    if (line === '') {
      this.#dispatch(events)
      return
    }
    const colon = line.indexOf(':')
    if (colon === -1) {
      this.#field(line, '')
      return
    }
    const value = line.slice(line.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1)
    if (colon === 0) this.#onComment?.(value)
    else this.#field(line.slice(0, colon), value)
  }

  #field(name: string, value: string): void {
    switch (name) {
      case 'data':
        this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`
        break
      case 'event':
        this.#type = value
        break
      case 'id':
        // "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the field value."
        if (!value.includes('\0')) {
          this.#id = value
          this.#idBuffer = value
        }
        break
      case 'retry':
        if (digits.test(value)) {
          this.#reconnectionTime = Number(value)
          this.#onRetry?.(this.#reconnectionTime)
        }
        break
    }
  }

  #dispatch(events: ParsedEvent[]): void {
    this.#lastEventId = this.#idBuffer
    if (this.#data !== undefined) {
      events.push({
        type: this.#type === '' ? 'message' : this.#type,
        data: this.#data,
        ...(this.#id === undefined ? undefined : { id: this.#id }),
        lastEventId: this.#lastEventId,
      })
    }
    this.#type = ''
    this.#data = undefined
    this.#id = undefined
  }
}

function describe(value: unknown): string {
  return value === null ? 'null' : typeof value === 'object' ? (value.constructor?.name ?? 'an object') : typeof value
}
