import { fromReadableStream } from '@x/sse-protocol'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { streamOf } from '../chunk-stream.js'
import type { Group } from '../discipline.js'
import { cpuPerUnit } from '../measure.js'
import { readingCases } from './corpora.js'
import { tallyingParser } from './parser.js'

const ours = 'fromReadableStream'
const loop = 'reader loop'
const pipeline = 'TransformStream pipeline'

export const streams: Group = {
  name: 'async iteration',
  unit: 'CPU ns per event',
  measure: cpuPerUnit,
  cases: readingCases(
    ['20-byte tokens, one per chunk', '200-byte JSON, one per chunk', '200-byte JSON, 16 KiB chunks, LF'],
    {
      [ours]: async ({ bytes }, tally) => {
        for await (const { type, data, lastEventId } of fromReadableStream(streamOf(bytes)))
          tally.add(type, data, lastEventId)
      },
      [loop]: async ({ bytes }, tally) => {
        const decoder = new TextDecoder()
        const parser = tallyingParser(tally)
        const reader = streamOf(bytes).getReader()
        for (;;) {
          const { done, value } = await reader.read()
          if (done) break
          parser.feed(decoder.decode(value, { stream: true }))
        }
      },
      [pipeline]: async ({ bytes }, tally) => {
        const events = streamOf(bytes).pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
        for await (const { event = 'message', data, id = '' } of events) tally.add(event, data, id)
      },
    },
  ),
  ratios: [
    {
      name: 'reader loop ÷ fromReadableStream',
      dividend: loop,
      divisor: ours,
      budgets: [{ of: 'median', must: 'be at least', gate: 0.9, aim: 1.2 }],
    },
    {
      name: 'pipeline ÷ fromReadableStream',
      dividend: pipeline,
      divisor: ours,
      budgets: [{ of: 'median', must: 'be at least', gate: 2, aim: 4 }],
    },
  ],
}
