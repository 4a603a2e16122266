import { defineEvents } from '@x/sse-protocol'
import { MemoryEventLog, type MemoryEventLogOptions, SseServer, type Stream } from '@x/sse-server'
import type { Broadcaster } from './broadcaster.js'
import { type Tick, tickOf } from './event.js'
import { type Framing, framingOf } from './framing.js'
import { listen } from './host.js'

export const events = defineEvents({
  types: { tick: {}, done: { terminal: true } },
  failure: () => [{ type: 'done', data: {} }],
})

export interface Settings {
  readonly log?: MemoryEventLogOptions
  readonly heartbeatInterval?: number
  /** Events that each stream holds before anybody reads. */
  readonly held?: number
  /** Streams that have ended and are still kept. */
  readonly ended?: number
}

/** With its defaults, but for as many connections as come. */
export function createSse({ log, heartbeatInterval }: Settings = {}) {
  return new SseServer({
    events,
    log: new MemoryEventLog(log),
    heartbeatInterval,
    maxConnections: Number.POSITIVE_INFINITY,
  })
}

/** `@x/sse-server` as its README shows. */
export function sseServer(settings: Settings = {}) {
  return async (names: readonly string[]): Promise<Broadcaster & { readonly heartbeats: number }> => {
    const sse = createSse(settings)
    for (let index = 0; index < (settings.ended ?? 0); index += 1) {
      await (await sse.open(`ended-${index}`)).end('done', tickOf(0))
    }
    type Opened = Stream<{ tick: unknown; done: unknown }>
    const streams = new Map<string, Opened>()
    for (const name of names) {
      const stream = await sse.open(name)
      streams.set(name, stream)
      for (let number = 0; number < (settings.held ?? 0); number += 1) await stream.publish('tick', tickOf(number))
    }
    const host = await listen(sse.middleware())
    return {
      port: host.port,
      get readers() {
        return sse.metrics().connections
      },
      get heartbeats() {
        return sse.metrics().heartbeats
      },
      publish: (name: string, data: Tick) => streams.get(name)!.publish('tick', data),
      close: () => {
        host.close()
        void sse.close({ drain: 0 })
      },
    }
  }
}

/** How `@x/sse-server` frames what it answers to HTTP/1.1, so that the loop can do the same. */
export async function ownFraming(): Promise<Framing> {
  const sse = createSse()
  await sse.open('any')
  const framing = await framingOf(sse.middleware(), '/any')
  await sse.close({ drain: 0 })
  return framing
}
