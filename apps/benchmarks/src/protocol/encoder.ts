import { encodeEvent } from '@x/sse-protocol'
import { encode } from 'eventsource-encoder'
import type { Contender, Group } from '../discipline.js'
import { cpuPerUnit } from '../measure.js'
import { randomNumbers } from '../statistics.js'
import { cjk, json, large, letters } from './corpora.js'
import { type Event, workload } from './tally.js'

interface Recipe {
  readonly events: number
  readonly event: (index: number, random: () => number) => Event
}

const recipes: Record<string, Recipe> = {
  'short JSON': { events: 10_000, event: short },
  '200-byte JSON': { events: 4_000, event: json },
  'text of 8 lines': { events: 2_000, event: lines },
  '60 KB': { events: 32, event: large },
  'CJK text': { events: 4_000, event: cjk },
}

export const encoder: Group = {
  name: 'encoder',
  unit: 'CPU ns per event',
  measure: cpuPerUnit,
  cases: Object.entries(recipes).map(([name, recipe]) => ({
    name,
    contenders: {
      '@x/sse-protocol': frames(recipe, ({ type, data, id }) => encodeEvent({ type, data, id })),
      'eventsource-encoder': frames(recipe, ({ type, data, id }) => encode({ event: type, data, id })),
    },
  })),
  ratios: [
    {
      name: 'eventsource-encoder ÷ @x/sse-protocol',
      dividend: 'eventsource-encoder',
      divisor: '@x/sse-protocol',
      budgets: [{ of: 'median', must: 'be at least', gate: 1.2 }],
    },
  ],
}

/** The tally takes what is encoded as if it were data: to the last character, and read once. */
function frames({ events, event }: Recipe, encode: (event: Event) => string): Contender {
  return (scale) => {
    const random = randomNumbers(1)
    const made = Array.from({ length: Math.ceil(events * scale) }, (_, index) => event(index, random))
    const expected = made.map(({ type, data, id }) => ({
      type: '',
      data: `event: ${type}\nid: ${id}\n${data
        .split(/\r\n|\r|\n/)
        .map((line) => `data: ${line}\n`)
        .join('')}\n`,
      id: '',
    }))
    return workload(expected, (tally) => {
      for (const event of made) tally.add('', encode(event), '')
    })
  }
}

function short(index: number): Event {
  return { type: 'tick', data: `{"n":${index}}`, id: `k3v9x2m1-${index + 1}` }
}

function lines(index: number, random: () => number): Event {
  const data = Array.from({ length: 8 }, () => letters(60, random)).join('\n')
  return { type: 'agent:chunk', data, id: `k3v9x2m1-${index + 1}` }
}
