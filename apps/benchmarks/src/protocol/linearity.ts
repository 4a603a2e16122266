import { EventStreamParser } from '@x/sse-protocol'
import type { Case, Contender, Group } from '../discipline.js'
import { cpuPerUnit } from '../measure.js'
import { workload } from './tally.js'

const encoder = new TextEncoder()

/**
 * Bytes of a chunk, and of the line: enough for many chunks, and few enough for what a pass allocates to die young. Where the
 * collector begins to move it (in 1400-byte chunks, a line of 8 MiB), the time has a step, which is no growth of the work: from
 * 16 to 64 MiB it is linear again.
 */
const sizes = [
  { chunk: 1, line: 2 ** 18 },
  { chunk: 8, line: 2 ** 18 },
  { chunk: 1_400, line: 2 ** 20 },
  { chunk: 16_384, line: 2 ** 20 },
]

export const linearity: Group = {
  name: 'linearity',
  unit: 'CPU ns per line',
  measure: cpuPerUnit,
  cases: [
    ...cases('text', (text) => text),
    ...cases('bytes', (text) => encoder.encode(text)),
    {
      name: 'text, n = 50000 comments in one chunk, told',
      contenders: { n: comments(50_000), '2n': comments(100_000) },
    },
  ],
  ratios: [{ name: '2n ÷ n', dividend: '2n', divisor: 'n', budgets: [{ of: 'each', must: 'be at most', gate: 2.6 }] }],
}

function cases(entry: string, convert: (text: string) => string | Uint8Array): Case[] {
  return sizes.map(({ chunk, line }) => ({
    name: `${entry}, a line of n = ${line} bytes in chunks of ${chunk}`,
    contenders: { n: oneLine(line, chunk, convert), '2n': oneLine(2 * line, chunk, convert) },
  }))
}

/** Comments that somebody listens to, all in one chunk. */
function comments(count: number): Contender {
  return (scale) => {
    const chunk = Buffer.from(`${': c\n'.repeat(count * scale)}data: end\n\n`).toString('latin1')
    return workload([{ type: 'message', data: 'end', id: '' }], (tally) => {
      let told = 0
      const parser = new EventStreamParser({ onComment: () => (told += 1) })
      const events = parser.push(chunk)
      if (told !== count * scale) throw new Error(`Expected ${count * scale} comments, got ${told}`)
      for (const { type, data, lastEventId } of events) tally.add(type, data, lastEventId)
    })
  }
}

/** All chunks but the first and the last are one and the same, so that a million of them take no room of their own. */
function oneLine(length: number, size: number, convert: (text: string) => string | Uint8Array): Contender {
  return (scale) => {
    const chunks = Math.ceil((length * scale) / size)
    const first = convert('data: ')
    const middle = convert(Buffer.alloc(size, 'a').toString('latin1'))
    const last = convert('\n\n')
    const event = { type: 'message', data: 'a'.repeat(chunks * size), id: '' }
    return workload([event], (tally) => {
      const parser = new EventStreamParser()
      parser.push(first)
      for (let index = 0; index < chunks; index += 1) parser.push(middle)
      for (const { type, data, lastEventId } of parser.push(last)) tally.add(type, data, lastEventId)
    })
  }
}
