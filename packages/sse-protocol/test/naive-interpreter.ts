/** What an event stream means, by {@link interpretBytes}. */
export interface Interpretation {
  readonly events: readonly InterpretedEvent[]
  /** Comments (as text) and valid reconnection times (as numbers), in the order of their lines. */
  readonly told: readonly (string | number)[]
  readonly lastEventId: string
}

export interface InterpretedEvent {
  readonly type: string
  readonly data: string
  /** The id in this event's own block, where it had one. Not a notion of the standard. */
  readonly id?: string
  readonly lastEventId: string
}

/**
 * The prose of the HTML standard, §9.2.5 and §9.2.6, sentence by sentence over a whole stream: slow, and easy to hold against the
 * text. It has nothing in common with `src/parser.ts`, which is judged by it, and does not use the platform's decoder.
 */
export function interpretBytes(bytes: Uint8Array): Interpretation {
  // "Streams must be decoded using the UTF-8 decode algorithm." "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order
  // Mark (BOM), if any."
  return interpretText(decodeUtf8(bytes))
}

/** The same for a stream that is text already, which may hold what no bytes decode to: surrogates without their other half. */
export function interpretText(text: string): Interpretation {
  const events: InterpretedEvent[] = []
  const told: (string | number)[] = []
  // "a data buffer, an event type buffer, and a last event ID buffer must be associated with it. They must be initialized to the
  // empty string."
  let dataBuffer = ''
  let eventTypeBuffer = ''
  let lastEventIdBuffer = ''
  let lastEventIdString = ''
  let ownId: string | undefined

  for (const line of splitIntoLines(text.replace(/^\ufeff/, ''))) {
    if (line === '') {
      // "If the line is empty (a blank line): Dispatch the event, as defined below."
      // "1. Set the last event ID string of the event source to the value of the last event ID buffer."
      lastEventIdString = lastEventIdBuffer
      // "2. If the data buffer is an empty string, set the data buffer and the event type buffer to the empty string and return."
      if (dataBuffer !== '') {
        // "3. If the data buffer's last character is a U+000A LINE FEED (LF) character, then remove the last character from the
        // data buffer."
        if (dataBuffer.endsWith('\n')) dataBuffer = dataBuffer.slice(0, -1)
        // "4. … initialized with the type attribute set to 'message' …" "5. If the event type buffer has a value other than the
        // empty string, change the type of the newly created event to equal the value of the event type buffer."
        events.push({
          type: eventTypeBuffer === '' ? 'message' : eventTypeBuffer,
          data: dataBuffer,
          ...(ownId === undefined ? {} : { id: ownId }),
          lastEventId: lastEventIdString,
        })
      }
      // "6. Set the data buffer and the event type buffer to the empty string."
      dataBuffer = ''
      eventTypeBuffer = ''
      ownId = undefined
    } else if (line.startsWith(':')) {
      // "If the line starts with a U+003A COLON character (:): Ignore the line."
      told.push(line.slice(1).replace(/^ /, ''))
    } else if (line.includes(':')) {
      // "Collect the characters on the line before the first U+003A COLON character (:), and let field be that string. Collect the
      // characters on the line after [it], and let value be that string. If value starts with a U+0020 SPACE character, remove it
      // from value. Process the field …"
      const [field, ...rest] = line.split(':')
      processField(field!, rest.join(':').replace(/^ /, ''))
    } else {
      // "Otherwise, the string is not empty but does not contain a U+003A COLON character (:): Process the field … using the whole
      // line as the field name, and the empty string as the field value."
      processField(line, '')
    }
  }
  // "Once the end of the file is reached, any pending data must be discarded."
  return { events, told, lastEventId: lastEventIdString }

  function processField(name: string, value: string): void {
    if (name === 'event') {
      // "Set the event type buffer to the field value."
      eventTypeBuffer = value
    } else if (name === 'data') {
      // "Append the field value to the data buffer, then append a single U+000A LINE FEED (LF) character to the data buffer."
      dataBuffer += value
      dataBuffer += '\n'
    } else if (name === 'id') {
      // "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the field value. Otherwise, ignore
      // the field."
      if (![...value].includes('\0')) {
        lastEventIdBuffer = value
        ownId = value
      }
    } else if (name === 'retry') {
      // "If the field value consists of only ASCII digits, then interpret the field value as an integer in base ten, and set the
      // event stream's reconnection time to that integer. Otherwise, ignore the field." An empty value is no integer.
      if (value !== '' && [...value].every((character) => '0123456789'.includes(character))) {
        told.push(Number(BigInt(value)))
      }
    }
    // "Otherwise: The field is ignored."
  }
}

/**
 * The lines of a stream that have an end: "with a U+000D CARRIAGE RETURN U+000A LINE FEED (CRLF) character pair, a single U+000A
 * LINE FEED (LF) character not preceded by a U+000D CARRIAGE RETURN (CR) character, and a single U+000D CARRIAGE RETURN (CR)
 * character not followed by a U+000A LINE FEED (LF) character being the ways in which a line can end".
 */
function splitIntoLines(text: string): string[] {
  const lines = text.replaceAll('\r\n', '\n').replaceAll('\r', '\n').split('\n')
  lines.pop()
  return lines
}

/** The UTF-8 decoder of the Encoding standard, §8.1.1, over all bytes at once; a BOM stays. */
export function decodeUtf8(bytes: Uint8Array): string {
  let text = ''
  let codePoint = 0
  let bytesSeen = 0
  let bytesNeeded = 0
  let lowerBoundary = 0x80
  let upperBoundary = 0xbf
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]!
    if (bytesNeeded === 0) {
      if (byte <= 0x7f) {
        text += String.fromCodePoint(byte)
      } else if (byte >= 0xc2 && byte <= 0xdf) {
        bytesNeeded = 1
        codePoint = byte & 0x1f
      } else if (byte >= 0xe0 && byte <= 0xef) {
        if (byte === 0xe0) lowerBoundary = 0xa0
        if (byte === 0xed) upperBoundary = 0x9f
        bytesNeeded = 2
        codePoint = byte & 0xf
      } else if (byte >= 0xf0 && byte <= 0xf4) {
        if (byte === 0xf0) lowerBoundary = 0x90
        if (byte === 0xf4) upperBoundary = 0x8f
        bytesNeeded = 3
        codePoint = byte & 0x7
      } else {
        text += '\ufffd'
      }
      continue
    }
    const isContinuation = byte >= lowerBoundary && byte <= upperBoundary
    lowerBoundary = 0x80
    upperBoundary = 0xbf
    if (!isContinuation) {
      codePoint = bytesNeeded = bytesSeen = 0
      text += '\ufffd'
      // "Restore byte to ioQueue": it is looked at once more, as a first byte.
      at -= 1
      continue
    }
    codePoint = (codePoint << 6) | (byte & 0x3f)
    bytesSeen += 1
    if (bytesSeen === bytesNeeded) {
      text += String.fromCodePoint(codePoint)
      codePoint = bytesNeeded = bytesSeen = 0
    }
  }
  // "If byte is end-of-queue and UTF-8 bytes needed is not 0, then set UTF-8 bytes needed to 0 and return error."
  return bytesNeeded === 0 ? text : `${text}\ufffd`
}
