import type { Contender, Group } from '../discipline.js'
import { cpuPerUnit } from '../measure.js'
import type { StartBroadcaster } from './broadcaster.js'
import { untilReaders } from './delivery.js'
import { mark, tickOf } from './event.js'
import { Readers } from './readers.js'
import { replayLoop } from './replay-loop.js'
import { ownFraming, sseServer } from './sse-server.js'

const stream = 's0'

/** From the first connection to the last close. */
function storm(start: StartBroadcaster, connections: number, held: number): Contender {
  return async (scale) => {
    const count = Math.ceil(connections * scale)
    const events = Math.ceil(held * scale)
    const broadcaster = await start([stream])
    for (let number = 0; number < events; number += 1) await broadcaster.publish(stream, tickOf(number))
    const readers = new Readers()
    const { port } = broadcaster
    const pass = async (): Promise<number> => {
      const question = { ask: 'replay', port, count, events, streams: [stream], mark, isNumbered: true } as const
      const received = await readers.ask(question)
      await untilReaders(broadcaster, 0)
      return Number(received)
    }
    const check = async (): Promise<void> => {
      await readers.ask({ ask: 'keep' })
      await pass()
      const text = String(await readers.ask({ ask: 'text' }))
      const found = text.match(/^data: .*"mark".*$/gm)?.map((line) => line.slice('data: '.length)) ?? []
      const expected = Array.from({ length: events }, (_, number) => JSON.stringify(tickOf(number)))
      if (found.join('\n') !== expected.join('\n')) throw new Error('Expected every event once, in order')
    }
    const close = (): void => {
      readers.close()
      broadcaster.close()
    }
    return { units: count * events, expected: count * events, pass, check, close }
  }
}

export const replayStorm: Group = {
  name: 'replay storm',
  unit: 'CPU ns per event and connection',
  measure: cpuPerUnit,
  cases: [
    {
      name: '1000 readers of 1000 events',
      contenders: {
        'by hand': storm(replayLoop(ownFraming), 1_000, 1_000),
        'sse-server': storm(sseServer(), 1_000, 1_000),
      },
    },
  ],
  ratios: [
    {
      name: 'sse-server ÷ by hand',
      dividend: 'sse-server',
      divisor: 'by hand',
      budgets: [{ of: 'each', must: 'be at most', gate: 1.3 }],
    },
  ],
}
