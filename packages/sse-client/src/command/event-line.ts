import type { StreamEvent } from '../index.js'
import type { Paint, Tone } from './colour.js'
import type { Judgement } from './end-rule.js'
import { cutToWidth, escapeControls } from './terminal-text.js'

/** One event as a line for programs. */
export function toJsonLine({ type, id, data }: StreamEvent): string {
  return escapeControls(JSON.stringify({ type, id, data }))
}

/** One event as a line for people: id, type, data; cut to so many columns. */
export function toTextLine(
  { type, id, data }: StreamEvent,
  judgement: Judgement,
  columns: number,
  paint: Paint,
): string {
  const parts: [Tone | undefined, string][] = [
    ['dim', id],
    [toneOf(type, judgement), type],
    [undefined, typeof data === 'string' ? data : JSON.stringify(data)],
  ]
  let left = columns
  let line = ''
  for (const [tone, text] of parts) {
    if (text === '') continue
    const space = line === '' ? '' : ' '
    const cut = cutToWidth(escapeControls(text), left - space.length)
    if (cut.text === '') break
    left -= space.length + cut.width
    line += space + (tone ? paint(tone, cut.text) : cut.text)
  }
  return line
}

function toneOf(type: string, judgement: Judgement): Tone {
  if (judgement.type !== 'more') return judgement.outcome === 'success' ? 'green' : 'red'
  return type === 'error' || type === 'agent:error' ? 'red' : 'cyan'
}
