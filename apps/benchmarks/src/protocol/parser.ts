import { EventStreamParser } from '@x/sse-protocol'
import { createParser, type EventSourceParser } from 'eventsource-parser'
import type { Group, Ratio } from '../discipline.js'
import { cpuPerUnit } from '../measure.js'
import { corpusNames, readingCases } from './corpora.js'
import type { Tally } from './tally.js'

const ratio: Ratio = {
  name: 'eventsource-parser ÷ @x/sse-protocol',
  dividend: 'eventsource-parser',
  divisor: '@x/sse-protocol',
  budgets: [
    { of: 'median', must: 'be at least', gate: 0.9, aim: 1.1 },
    { of: 'each', must: 'be at least', gate: 0.75 },
  ],
}

const unit = 'CPU ns per event'

export const textParser: Group = {
  name: 'parser, text',
  unit,
  measure: cpuPerUnit,
  cases: readingCases(corpusNames, {
    '@x/sse-protocol': ({ text }, tally) => push(text, tally),
    'eventsource-parser': ({ text }, tally) => {
      const parser = tallyingParser(tally)
      for (const chunk of text) parser.feed(chunk)
    },
  }),
  ratios: [ratio],
}

export const byteParser: Group = {
  name: 'parser, bytes',
  unit,
  measure: cpuPerUnit,
  cases: readingCases(corpusNames, {
    '@x/sse-protocol': ({ bytes }, tally) => push(bytes, tally),
    'eventsource-parser': ({ bytes }, tally) => {
      const decoder = new TextDecoder()
      const parser = tallyingParser(tally)
      for (const chunk of bytes) parser.feed(decoder.decode(chunk, { stream: true }))
    },
  }),
  ratios: [ratio],
}

function push(chunks: readonly (string | Uint8Array)[], tally: Tally): void {
  const parser = new EventStreamParser()
  for (const chunk of chunks) {
    for (const { type, data, lastEventId } of parser.push(chunk)) tally.add(type, data, lastEventId)
  }
}

export function tallyingParser(tally: Tally): EventSourceParser {
  return createParser({ onEvent: ({ event = 'message', data, id = '' }) => tally.add(event, data, id) })
}
