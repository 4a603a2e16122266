import { describe, expect, it } from 'vitest'
import type { Broadcaster, StartBroadcaster } from '../src/server/broadcaster.js'
import { delivery } from '../src/server/delivery.js'
import { tickOf } from '../src/server/event.js'
import { framingOf } from '../src/server/framing.js'
import { listen } from '../src/server/host.js'
import { beginStream, frameOf, loop } from '../src/server/loop.js'
import { Readers } from '../src/server/readers.js'
import { sseServer } from '../src/server/sse-server.js'

const closed = loop(async () => 'closed')

describe('a contender is found out that', () => {
  /** Publishes what is told for each event, by its number. */
  const dishonest = (publish: (number: number, honest: Broadcaster, stream: string) => void): StartBroadcaster => {
    return async (streams) => {
      const honest = await closed(streams)
      let number = 0
      return {
        port: honest.port,
        get readers() {
          return honest.readers
        },
        publish: (stream) => publish(number++, honest, stream),
        close: () => honest.close(),
      }
    }
  }
  const from = (number: number): StartBroadcaster =>
    dishonest((current, honest, stream) => honest.publish(stream, tickOf(current < 30 ? current : current + number)))

  it.each([
    ['loses an event', from(1)],
    ['sends one twice', from(-1)],
    [
      'swaps two',
      dishonest((number, honest, stream) => {
        honest.publish(stream, tickOf(number === 30 ? 31 : number === 31 ? 30 : number))
      }),
    ],
  ])('%s', async (_, start) => {
    const { pass, close } = await delivery(start, { connections: 4 })(0.5)
    try {
      await expect(pass()).rejects.toThrow('lost, doubled or out of order')
    } finally {
      close?.()
    }
  })

  it('alters the data', async () => {
    const start = dishonest((number, honest, stream) => {
      honest.publish(stream, { ...tickOf(number), text: 'The quick brown cat' })
    })
    const { check, close } = await delivery(start, { connections: 4 })(0.5)
    try {
      await expect(check()).rejects.toThrow('to be')
    } finally {
      close?.()
    }
  })

  it('closes a connection', async () => {
    const host = await listen((_, response) => {
      beginStream(response, 'closed')
      response.write(frameOf(1, tickOf(0)))
      setImmediate(() => response.end())
    })
    const readers = new Readers()
    const connect = { port: host.port, count: 1, streams: ['s0'], mark: '~', isNumbered: true } as const
    try {
      const both = readers.ask({ ask: 'connect', ...connect }).then(() => readers.ask({ ask: 'receive', total: 2 }))
      await expect(both).rejects.toThrow('A connection was closed')
    } finally {
      readers.close()
      host.close()
    }
  })
})

it('the loop sends the bytes that sse-server sends', async () => {
  const texts: string[] = []
  for (const start of [closed, sseServer()]) {
    const broadcaster = await start(['s0'])
    const response = await fetch(`http://127.0.0.1:${broadcaster.port}/s0`)
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    broadcaster.publish('s0', tickOf(0))
    let text = ''
    while (!text.includes('~')) text += (await reader.read()).value
    const event = text.slice(text.indexOf('event: tick'))
    texts.push(event.replace(/^id: .{10}-/m, 'id: '))
    await reader.cancel()
    broadcaster.close()
  }
  expect(texts[0]).toBe(texts[1])
})

it.each(['chunked', 'closed'] as const)('the framing of a handler that answers %s is known', async (framing) => {
  expect(await framingOf((_, response) => beginStream(response, framing), '/')).toBe(framing)
})
