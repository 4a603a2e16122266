import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Clock, EventStreamClient, type EventStreamClientOptions, type StateChangeEvent } from '@x/sse-client'
import { defineEvents } from '@x/sse-protocol'
import { MemoryEventLog, SseServer, type SseServerOptions } from '@x/sse-server'
import { describe, expect, it, onTestFinished } from 'vitest'

interface TickEvents {
  tick: { n: number; text?: string }
  done: { total: number }
}

const ticks = defineEvents<TickEvents>({
  types: { tick: {}, done: { terminal: true } },
  failure: () => [{ type: 'done', data: { total: -1 } }],
})

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** A server of node:http on loopback, gone with the test. Returns its origin. */
async function listen(handle: Handler): Promise<{ origin: string; server: Server }> {
  const server = createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

/** Our server with a stream, over real HTTP. */
async function host(options: Partial<SseServerOptions<TickEvents>> = {}, log = new MemoryEventLog()) {
  const sse = new SseServer({ events: ticks, log, ...options })
  onTestFinished(() => sse.close({ drain: 0 }))
  const accepts: (string | undefined)[] = []
  const middleware = sse.middleware()
  const handle: Handler = (request, response) => {
    accepts.push(request.headers.accept)
    middleware(request, response)
  }
  const { origin, server } = await listen(handle)
  const stream = await sse.open('s')
  /** Publishes the ticks from one number to another. */
  const publish = async (from: number, to: number, text?: string): Promise<void> => {
    for (let n = from; n <= to; n++) await stream.publish('tick', text === undefined ? { n } : { n, text })
  }
  const connections = (count: number): Promise<void> => until(() => sse.metrics().connections === count)
  return { sse, log, stream, url: `${origin}/s`, server, handle, accepts, publish, connections }
}

/** Resolves once a condition holds that other work of this process brings about; throws where that takes ten seconds. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Expected within ten seconds: ${condition}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** A client that is closed with the test, and what it told: a line for each tick, gap and end. */
function read(url: string, options: EventStreamClientOptions<TickEvents> = {}) {
  const client = new EventStreamClient<TickEvents>(url, { events: ticks, transport: 'poll', ...options })
  onTestFinished(() => client.close())
  const log: string[] = []
  const changes: StateChangeEvent[] = []
  client.addEventListener('tick', ({ data }) => void log.push(`tick ${data.n}`))
  client.addEventListener('gap', ({ gap }) => void log.push(`gap ${gap.reason} ${gap.missed}`))
  client.addEventListener('end', ({ error }) => void log.push(`end ${error?.code ?? 'well'}`))
  client.addEventListener('statechange', (event) => void changes.push(event))
  const waits = (): StateChangeEvent[] => changes.filter(({ state }) => state === 'waiting')
  const reach = (state: string): Promise<void> => until(() => client.state === state)
  /** The client has told so many lines. */
  const told = (count: number): Promise<void> => until(() => log.length >= count)
  return { client, log, changes, waits, reach, told }
}

const upTo = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `tick ${from + index}`)

/** Time that passes only when a test says so. */
class HandClock implements Clock {
  #now = 0
  #last = 0
  readonly #timers = new Map<number, { readonly at: number; readonly callback: () => void }>()

  now(): number {
    return this.#now
  }

  setTimeout(callback: () => void, delay: number): number {
    this.#last += 1
    this.#timers.set(this.#last, { at: this.#now + delay, callback })
    return this.#last
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number)
  }

  advance(milliseconds: number): void {
    const end = this.#now + milliseconds
    for (;;) {
      const [next] = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)
      if (!next) break
      const [timer, { at, callback }] = next
      this.#timers.delete(timer)
      this.#now = at
      callback()
    }
    this.#now = end
  }
}

describe('a client that polls our server', () => {
  it('§7.3 gets each event once and in order, at once also where the poll was waiting, and ends with the terminal event', async () => {
    const { sse, stream, url, publish, accepts, connections } = await host()
    const { client, log, told } = read(url)
    await connections(1)
    for (let n = 1; n <= 20; n++) {
      await connections(1)
      await publish(n, n)
      await told(n)
    }
    await stream.end('done', { total: 20 })
    expect(await client.done).toEqual({ type: 'done', data: { total: 20 }, id: stream.head })
    expect(log).toEqual([...upTo(1, 20), 'end well'])
    expect(new Set(accepts)).toEqual(new Set(['application/json']))
    expect(client.transport).toBe('poll')
    // Between two polls no place is taken.
    await connections(0)
    expect(sse.metrics().pages).toBeGreaterThanOrEqual(21)
  })

  it('§7.3 with a cursor and nothing new for it, its poll waits at the server at once, without a pause before', async () => {
    const { stream, url, publish, connections } = await host()
    await publish(1, 3)
    // No time passes.
    const { client, log } = read(url, { lastEventId: stream.head, clock: new HandClock() })
    await connections(1)
    await publish(4, 4)
    await stream.end('done', { total: 4 })
    await client.done
    expect(log).toEqual(['tick 4', 'end well'])
  })

  it('stays one connection from its first page to its last: open is told once', async () => {
    const { stream, url, publish, connections } = await host()
    const { client, changes, told } = read(url)
    let opens = 0
    client.addEventListener('open', () => {
      opens += 1
    })
    await publish(1, 3)
    await told(3)
    await connections(1)
    await publish(4, 6)
    await stream.end('done', { total: 6 })
    await client.done
    expect(changes.map(({ state, transport }) => `${state} ${transport}`)).toEqual([
      'connecting poll',
      'open poll',
      'ended poll',
    ])
    expect(opens).toBe(1)
  })

  it('reads 1,000 events in pages of limited size, by listener and by a loop that is slow', async () => {
    const { sse, stream, url, publish } = await host()
    await publish(1, 1_000, 'x'.repeat(4_096))
    await stream.end('done', { total: 1_000 })
    const listening = read(url)
    const looped: number[] = []
    let lead = 0
    const { client } = read(url, { maxBufferedEvents: 1, autoOpen: false })
    for await (const event of client) {
      if (event.type === 'tick') looped.push(event.data.n)
      await undefined
      lead = Math.max(lead, Number(client.lastEventId.split('-')[1]) - looped.length)
    }
    await listening.client.done
    expect(listening.log).toEqual([...upTo(1, 1_000), 'end well'])
    expect(looped.map((n) => `tick ${n}`)).toEqual(upTo(1, 1_000))
    // The listeners of this client wait for its loop, in the middle of a page too.
    expect(lead).toBeLessThanOrEqual(2)
    // 4 MiB each, of which a page holds one.
    expect(sse.metrics().pages).toBe(8)
  })

  it('§7.4 that has all of an ended stream is told so', async () => {
    const { stream, url, publish } = await host()
    await publish(1, 3)
    await stream.end('done', { total: 3 })
    const { client, log } = read(url, { lastEventId: stream.head })
    expect(await client.done).toBeUndefined()
    expect(log).toEqual(['end well'])
  })

  it('§5.3 is told of evicted events before later ones, with a cursor and without', async () => {
    const { stream, url, publish } = await host({}, new MemoryEventLog({ maxEvents: 5 }))
    await publish(1, 3)
    const { client, log, told } = read(url)
    await told(3)
    client.close()
    await publish(4, 20)
    client.open()
    await told(9)
    const late = read(url)
    await late.told(6)
    await stream.end('done', { total: 20 })
    await Promise.all([client.done, late.client.done])
    expect(log).toEqual([...upTo(1, 3), 'gap evicted 12', ...upTo(16, 20), 'end well'])
    expect(late.log).toEqual(['gap evicted 15', ...upTo(16, 20), 'end well'])
  })

  it.each(['sse', 'poll'] as const)('§5.3 with a cursor beyond the head it starts over: %s', async (transport) => {
    const { stream, url, publish } = await host()
    await publish(1, 3)
    const { client, log } = read(url, { transport, lastEventId: `${stream.epoch}-9` })
    await stream.end('done', { total: 3 })
    await client.done
    expect(log).toEqual(['gap ahead null', ...upTo(1, 3), 'end well'])
  })

  it.each(['sse', 'poll'] as const)(
    '§5.3 is told that the stream began anew, before its events: %s',
    async (transport) => {
      const { sse, log: store, url, publish } = await host()
      await publish(1, 3)
      const { client, log, told } = read(url, { transport })
      await told(3)
      client.close()
      store.delete('s')
      const again = await sse.open('s')
      await again.publish('tick', { n: 1 })
      client.open()
      await told(5)
      await again.end('done', { total: 1 })
      await client.done
      expect(log).toEqual([...upTo(1, 3), 'gap epoch null', 'tick 1', 'end well'])
    },
  )

  it.each(['sse', 'poll'] as const)(
    '§5.3 is told only once that the stream began anew, also where that has no event yet: %s',
    async (transport) => {
      const { sse, log: store, url, publish, connections } = await host()
      await publish(1, 3)
      const { client, log, told } = read(url, { transport, retry: { initial: 0 } })
      await told(3)
      client.close()
      await connections(0)
      store.delete('s')
      const again = await sse.open('s')
      client.open()
      await told(4)
      await connections(1)
      await again.publish('tick', { n: 1 })
      await again.end('done', { total: 1 })
      await client.done
      expect(log).toEqual([...upTo(1, 3), 'gap epoch null', 'tick 1', 'end well'])
    },
  )

  it('§4.5 a stream that is gone is a gap for who had events of it, a refusal for who had none', async () => {
    const { log: store, url, publish, connections } = await host()
    await publish(1, 3)
    const waiting = read(url)
    await waiting.told(3)
    await connections(1)
    // While it waits for the next page.
    store.delete('s')
    await expect(waiting.client.done).rejects.toMatchObject({ code: 'gap', status: 404, gap: { reason: 'gone' } })
    expect(waiting.log).toEqual([...upTo(1, 3), 'gap gone null', 'end gap'])
    const fresh = read(url)
    await expect(fresh.client.done).rejects.toMatchObject({ code: 'rejected', status: 404 })
    expect(fresh.log).toEqual(['end rejected'])
    await connections(0)
  })

  it('§4.6 waits as long as a server at its connection limit asks for, and then goes on', async () => {
    const { stream, url, publish, connections } = await host({ maxConnections: 1 })
    await publish(1, 3)
    const other = new AbortController()
    await fetch(url, { signal: other.signal })
    const { client, log, waits, reach, told } = read(url, { retry: { initial: 0 } })
    // A page that is there already takes no place.
    await told(3)
    await reach('waiting')
    const [{ delay, drop } = { delay: 0, drop: undefined }] = waits()
    expect(drop).toMatchObject({ reason: 'status', status: 503 })
    expect(delay).toBeGreaterThanOrEqual(1_000)
    other.abort()
    await connections(0)
    client.open()
    await connections(1)
    await publish(4, 4)
    await stream.end('done', { total: 4 })
    await client.done
    expect(log).toEqual([...upTo(1, 4), 'end well'])
  })

  it('closed by a listener in the middle of a page, it tells no more of it, and goes on there', async () => {
    const { stream, url, publish } = await host()
    await publish(1, 10)
    await stream.end('done', { total: 10 })
    const { client, log } = read(url)
    client.addEventListener('tick', ({ data }) => {
      if (data.n === 5) client.close()
    })
    await until(() => client.state === 'idle' && log.length > 0)
    expect(log).toEqual(upTo(1, 5))
    expect(client.lastEventId).toBe(`${stream.epoch}-5`)
    client.open()
    await client.done
    expect(log).toEqual([...upTo(1, 10), 'end well'])
  })

  it('without a contract, too, ends where the page says so', async () => {
    const { stream, url, publish } = await host()
    await publish(1, 3)
    await stream.end('done', { total: 3 })
    const client = new EventStreamClient(url, { transport: 'poll' })
    expect(await client.done).toEqual({ type: 'done', data: { total: 3 }, id: stream.head })
  })

  it('ends at a gap with onGap: fail, before the events after it', async () => {
    const { url, publish } = await host({}, new MemoryEventLog({ maxEvents: 5 }))
    await publish(1, 20)
    const { client, log } = read(url, { onGap: 'fail' })
    await expect(client.done).rejects.toMatchObject({ code: 'gap', gap: { reason: 'evicted', missed: 15 } })
    expect(log).toEqual(['gap evicted 15', 'end gap'])
  })

  it('does not ask a server that holds nothing back more often than every `retry.initial` milliseconds', async () => {
    const { stream, url, publish } = await host({ maxWait: false })
    await publish(1, 1)
    const clock = new HandClock()
    const times: number[] = []
    const counting = (address: string, init: RequestInit): Promise<Response> => {
      times.push(clock.now())
      return fetch(address, init)
    }
    const { client, log } = read(url, { clock, fetch: counting, retry: { initial: 5_000 } })
    await until(() => {
      clock.advance(100)
      return times.length === 6
    })
    await stream.end('done', { total: 1 })
    await until(() => {
      clock.advance(100)
      return client.state === 'ended'
    })
    expect(log).toEqual(['tick 1', 'end well'])
    // The first had an event, and after it the next may come at once.
    const waits = times.slice(2).map((time, index) => time - times[index + 1]!)
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(5_000)
  })

  it('renews its credentials each time that they expire between two polls', async () => {
    const { stream, handle, publish, connections } = await host()
    let valid = 1
    const { origin } = await listen((incoming, response) => {
      if (incoming.headers.authorization === `Bearer ${valid}`) handle(incoming, response)
      else response.writeHead(401).end()
    })
    let token = 1
    const { client, log, told } = read(`${origin}/s`, {
      headers: () => ({ authorization: `Bearer ${token}` }),
      refresh: () => {
        token = valid
      },
    })
    for (let n = 1; n <= 3; n++) {
      await connections(1)
      valid += 1
      await publish(n, n)
      await told(n)
    }
    await connections(1)
    await stream.end('done', { total: 3 })
    await client.done
    expect(log).toEqual([...upTo(1, 3), 'end well'])
  })

  it('a page that was cut short is a drop; JSON that is no page is a refusal', async () => {
    const { stream, url, publish, handle } = await host()
    await publish(1, 3)
    await stream.end('done', { total: 3 })
    const page = await (await fetch(url, { headers: { accept: 'application/json' } })).text()
    let requests = 0
    const cutting = await listen((incoming, response) => {
      requests += 1
      if (requests > 1) handle(incoming, response)
      // A proxy that speaks HTTP/1.0 makes of a cut a clean end.
      else response.writeHead(200, { 'content-type': 'application/json' }).end(page.slice(0, -30))
    })
    const cut = read(`${cutting.origin}/s`, { retry: { initial: 0 } })
    await cut.client.done
    expect(cut.log).toEqual([...upTo(1, 3), 'end well'])
    expect(requests).toBe(2)
    const foreign = await listen((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"message":"Not today"}')
    })
    const refused = read(`${foreign.origin}/s`, { retry: { initial: 0, budget: 3, max: 1 } })
    await expect(refused.client.done).rejects.toMatchObject({ code: 'rejected', status: 200 })
  })

  it('goes on after a cut in the middle of a held poll', async () => {
    const { stream, url, server, publish, connections } = await host()
    const { client, log, waits, told } = read(url, { retry: { initial: 0 } })
    await publish(1, 3)
    await told(3)
    await connections(1)
    server.closeAllConnections()
    await until(() => waits().length > 0)
    await publish(4, 6)
    await told(6)
    await stream.end('done', { total: 6 })
    await client.done
    expect(log).toEqual([...upTo(1, 6), 'end well'])
    expect(waits().map(({ drop }) => drop?.reason)).toEqual(['network'])
    await connections(0)
  })

  it.each(['close', 'abort'] as const)('gives its place back on %s', async (way) => {
    const { url, connections } = await host()
    const controller = new AbortController()
    const { client } = read(url, { signal: controller.signal })
    await connections(1)
    if (way === 'close') client.close()
    else controller.abort()
    await connections(0)
  })

  it('a cursor is one for both transports', async () => {
    const { stream, url, publish } = await host()
    const log: string[] = []
    let lastEventId = ''
    for (const [round, transport] of (['sse', 'poll', 'sse', 'poll'] as const).entries()) {
      await publish(3 * round + 1, 3 * round + 3)
      const reading = read(url, { transport, lastEventId })
      await reading.told(3)
      lastEventId = reading.client.lastEventId
      reading.client.close()
      log.push(...reading.log)
    }
    expect(log).toEqual(upTo(1, 12))
    expect(lastEventId).toBe(stream.head)
  })
})

describe('a client with transport: auto', () => {
  /** A proxy on the way to a server: while `isHolding`, the bodies of event streams stay with it. */
  async function startProxy(target: string) {
    const state = { isHolding: true, streams: 0 }
    const { origin, server } = await listen((incoming, response) => {
      const { method, url = '/', headers } = incoming
      const onward = request(new URL(url, target), { method: method!, headers, agent: false }, (answer) => {
        response.writeHead(answer.statusCode!, answer.headers)
        response.flushHeaders()
        const isStream = answer.headers['content-type'] === 'text/event-stream'
        if (isStream) state.streams += 1
        if (isStream && state.isHolding) answer.resume()
        else answer.pipe(response)
        answer.on('error', () => response.destroy())
      })
      onward.on('error', () => response.destroy()).end()
      response.on('close', () => onward.destroy())
    })
    return { url: `${origin}/s`, server, state }
  }

  it('goes over to pages, and says so, where a proxy keeps the bodies of event streams, twice running', async () => {
    const { stream, url, publish, connections } = await host()
    const proxy = await startProxy(url)
    const clock = new HandClock()
    const { client, log, changes, waits, reach, told } = read(proxy.url, { transport: 'auto', clock, random: () => 0 })
    await publish(1, 3)
    for (let attempt = 1; attempt <= 2; attempt++) {
      await reach('open')
      expect(client.transport).toBe('sse')
      clock.advance(30_000)
      await reach('waiting')
      // The place of the connection that said nothing is free.
      await connections(0)
      clock.advance(2_000)
    }
    await told(3)
    await connections(1)
    await publish(4, 6)
    await told(6)
    await stream.end('done', { total: 6 })
    await client.done
    expect(log).toEqual([...upTo(1, 6), 'end well'])
    expect(waits().map(({ drop }) => drop?.reason)).toEqual(['mute', 'mute'])
    expect(changes.map(({ state, transport }) => `${state} ${transport}`)).toEqual([
      'connecting sse',
      'open sse',
      'waiting sse',
      'connecting sse',
      'open sse',
      'waiting poll',
      'connecting poll',
      'open poll',
      'ended poll',
    ])
    expect(proxy.state.streams).toBe(2)
    await connections(0)
  })

  it('keeps its cursor when it goes over in the middle of a stream', async () => {
    const { stream, url, publish, connections } = await host()
    const proxy = await startProxy(url)
    proxy.state.isHolding = false
    const clock = new HandClock()
    const { client, log, waits, reach, told } = read(proxy.url, { transport: 'auto', clock, random: () => 0 })
    await publish(1, 3)
    await told(3)
    proxy.state.isHolding = true
    proxy.server.closeAllConnections()
    await reach('waiting')
    await publish(4, 6)
    clock.advance(2_000)
    for (let attempt = 1; attempt <= 2; attempt++) {
      await reach('open')
      clock.advance(30_000)
      await reach('waiting')
      clock.advance(30_000)
    }
    await told(6)
    await stream.end('done', { total: 6 })
    await client.done
    expect(log).toEqual([...upTo(1, 6), 'end well'])
    expect(waits().map(({ drop }) => drop?.reason)).toEqual(['network', 'mute', 'mute'])
    await connections(0)
  })

  it('with transport: sse never goes over', async () => {
    const { url } = await host()
    const proxy = await startProxy(url)
    const clock = new HandClock()
    const { client, waits, reach } = read(proxy.url, { transport: 'sse', clock, random: () => 0 })
    for (let attempt = 1; attempt <= 4; attempt++) {
      await reach('open')
      clock.advance(30_000)
      await reach('waiting')
      clock.advance(30_000)
    }
    expect(waits().map(({ drop, transport }) => `${drop?.reason} ${transport}`)).toEqual(Array(4).fill('mute sse'))
    expect(client.transport).toBe('sse')
  })

  it('reads on in pages where the answer to its first request is one', async () => {
    const { stream, handle, publish, connections } = await host()
    const { origin } = await listen((incoming, response) => {
      incoming.headers.accept = 'application/json'
      handle(incoming, response)
    })
    const { client, log, changes, told } = read(`${origin}/s`, { transport: 'auto' })
    await publish(1, 3)
    await told(3)
    await connections(1)
    await publish(4, 6)
    await told(6)
    await stream.end('done', { total: 6 })
    await client.done
    expect(log).toEqual([...upTo(1, 6), 'end well'])
    expect(changes.map(({ state, transport }) => `${state} ${transport}`)).toEqual([
      'connecting sse',
      'open poll',
      'ended poll',
    ])
  })
})
