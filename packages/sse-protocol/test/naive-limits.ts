import { decodeUtf8, type InterpretedEvent, interpretText } from './naive-interpreter.js'

export interface Limits {
  readonly maxLineBytes: number
  readonly maxEventBytes: number
  readonly whenLineTooLong: 'error' | 'skip-event'
  readonly whenEventTooLarge: 'error' | 'skip-event'
}

/** Where a limit was crossed. */
export interface Excess {
  readonly code: string
  readonly offset: number
  readonly limit: number
}

/** All that a parser with limits lets its user see of one stream. */
export interface LimitedInterpretation {
  readonly events: readonly InterpretedEvent[]
  /** Comments (as text) and valid reconnection times (as numbers), in the order of their lines. */
  readonly told: readonly (string | number)[]
  /** Where the parser asked what to do. */
  readonly crossed: readonly Excess[]
  readonly lastEventId: string
  readonly failure: Excess | undefined
  readonly tail: { readonly offset: number; readonly length: number } | undefined
}

interface Line {
  readonly text: string
  readonly offset: number
  readonly isEnded: boolean
}

interface Block {
  readonly offset: number
  readonly lines: readonly Line[]
  readonly isEnded: boolean
}

/** What a stream means within limits: a model of §9.2.6 and of the parser's options, over the whole stream at once. */
export function interpretWithin(limits: Limits, stream: string | Uint8Array): LimitedInterpretation {
  const whole = typeof stream === 'string' ? stream : decodeUtf8(stream)
  // The beginning of a character is not text yet.
  const rest = typeof stream !== 'string' && endsInsideCharacter(stream) ? whole.slice(-1) : ''
  const text = whole.slice(0, whole.length - rest.length)
  const told: (string | number)[] = []
  const crossed: Excess[] = []
  // The stream as it would be without the dropped blocks. The newline keeps a BOM that comes to stand first from being one.
  let admitted = '\n'
  let failure: Excess | undefined
  let tail: LimitedInterpretation['tail']

  for (const block of blocksOf(text)) {
    const crossing = firstCrossing(limits, block)
    for (const line of block.lines.slice(0, crossing?.line)) {
      if (line.isEnded) told.push(...interpretText(`\n${line.text}\n`).told)
    }
    if (crossing) {
      const { excess } = crossing
      crossed.push(excess)
      const mode = excess.code === 'line_too_long' ? limits.whenLineTooLong : limits.whenEventTooLarge
      if (mode === 'error') {
        failure = excess
        break
      }
    } else if (block.isEnded) {
      admitted += `${block.lines.map((line) => `${line.text}\n`).join('')}\n`
    } else {
      if (rest !== '' || isCut(block)) tail = { offset: block.offset, length: whole.length - block.offset }
    }
  }
  const { events, lastEventId } = interpretText(admitted)
  return { events, told, crossed, lastEventId, failure, tail }
}

/** The lines up to and without each empty one, and what is left at the end of the stream. */
function blocksOf(text: string): Block[] {
  const blocks: Block[] = []
  let offset = 0
  let lines: Line[] = []
  // A BOM takes a place, and belongs to no line.
  for (const match of text.matchAll(/(?<mark>(?<!.)\ufeff)?(?<line>[^\r\n]*)(?<end>\r\n|\r|\n|$)/gs)) {
    const { mark = '', line = '', end = '' } = match.groups!
    if (line === '' && end === '') continue
    if (line !== '') lines.push({ text: line, offset: match.index + mark.length, isEnded: end !== '' })
    if (line === '') {
      blocks.push({ offset, lines, isEnded: true })
      offset = match.index + match[0].length
      lines = []
    }
  }
  blocks.push({ offset, lines, isEnded: false })
  return blocks
}

/**
 * A line and an event are measured in bytes once they are complete. Before that a line is over its limit as soon as it has more UTF-16
 * code units than that, and so is an event whose data has a second line: none of them takes less than a byte.
 */
function firstCrossing(limits: Limits, block: Block): { line: number; excess: Excess } | undefined {
  const { maxLineBytes, maxEventBytes } = limits
  const tooLarge = { code: 'event_too_large', offset: block.offset, limit: maxEventBytes }
  const data: string[] = []
  let type = ''
  let id = ''
  for (const [index, line] of block.lines.entries()) {
    if (line.text.length > maxLineBytes || (line.isEnded && Buffer.byteLength(line.text) > maxLineBytes)) {
      return { line: index, excess: { code: 'line_too_long', offset: line.offset, limit: maxLineBytes } }
    }
    if (!line.isEnded) continue
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line.text)!
    if (name === 'event') type = value
    if (name === 'id' && !value.includes('\0')) id = value
    if (name !== 'data') continue
    data.push(value)
    if (data.length > 1 && data.join('\n').length > maxEventBytes) return { line: index, excess: tooLarge }
  }
  // Together: half of a surrogate pair at the end of one and its other half at the beginning of the next count as a pair.
  const bytes = Buffer.byteLength(type + id + data.join('\n'))
  return block.isEnded && bytes > maxEventBytes ? { line: block.lines.length, excess: tooLarge } : undefined
}

function isCut(block: Block): boolean {
  if (block.lines.at(-1)?.isEnded === false) return true
  // Comments, reconnection times and unknown fields have been used or ignored already: nothing of them is lost.
  const fields = block.lines.map((line) => /^(data|event|id)(?:: ?(.*))?$/s.exec(line.text))
  const type = fields.findLast((field) => field?.[1] === 'event')?.[2] ?? ''
  const hasId = fields.some((field) => field?.[1] === 'id' && !field[2]?.includes('\0'))
  return fields.some((field) => field?.[1] === 'data') || type !== '' || hasId
}

/** Whether one more continuation byte would be taken for a part of what is there, instead of an error of its own. */
function endsInsideCharacter(bytes: Uint8Array): boolean {
  return [0x80, 0x90, 0xa0].some((byte) => decodeUtf8(Uint8Array.of(...bytes, byte)) !== `${decodeUtf8(bytes)}\ufffd`)
}
