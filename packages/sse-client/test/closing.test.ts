import { describe, expect, it } from 'vitest'
import { openStream, serve } from './http-server.js'
import { answers, done, eventStream, heldBody, opening, read, tick, ticks } from './reading.js'
import { settle, VirtualClock } from './virtual-clock.js'

const noWait = { retry: { initial: 0 } }

describe('close()', () => {
  it('is honoured in mid-chunk: the other events of the chunk wait for open(), which continues after the cursor', async () => {
    const server = await serve((request, response, count) => {
      if (count === 1) openStream(response, opening('k-0') + tick(1) + tick(2) + done(3))
      else openStream(response).end(opening(String(request.headers['last-event-id'])) + tick(2) + done(3))
    })
    const { client, events, reach } = read(server.url, { events: ticks })
    client.addEventListener('tick', () => client.close(), { once: true })
    await reach('open')
    await reach('idle')
    await settle()
    expect(events.map(({ id }) => id)).toEqual(['k-1'])
    expect([client.state, client.lastEventId]).toEqual(['idle', 'k-1'])
    client.open()
    await client.done
    expect(events.map(({ id }) => id)).toEqual(['k-1', 'k-2', 'k-3'])
    expect(server.requests[1]?.headers['last-event-id']).toBe('k-1')
  })

  it('closes the socket', async () => {
    let gone: () => void = () => {}
    const seen = new Promise<void>((resolve) => {
      gone = resolve
    })
    const server = await serve((_, response) => {
      openStream(response, tick(1))
      response.on('close', gone)
    })
    const { client, next } = read(server.url)
    await next('*')
    client.close()
    await expect(seen).resolves.toBeUndefined()
  })

  it('followed by open() in the same tick makes a new connection that keeps the cursor', async () => {
    const first = heldBody()
    const { fetch, requests } = answers(
      () => eventStream(first.stream),
      () => eventStream(opening('k-1') + done(2)),
    )
    const { client, states, next } = read('http://127.0.0.1/', { fetch, events: ticks })
    first.write(opening('k-0') + tick(1))
    await next('tick')
    client.close()
    client.open()
    expect(client.state).toBe('connecting')
    await client.done
    expect(first.cancelled).toBe(true)
    expect(requests.map(({ headers }) => headers.get('last-event-id'))).toEqual([null, 'k-1'])
    expect(states).toEqual(['connecting', 'open', 'idle', 'connecting', 'open', 'ended'])
  })

  it('and open() while connecting: nothing of the old request is told of the new one', async () => {
    const { fetch } = answers(
      () => Promise.reject(new Error('aborted')),
      () => eventStream(opening('k-0') + done(1)),
    )
    const { client, log, reach } = read('http://127.0.0.1/', { fetch, events: ticks })
    await reach('connecting')
    await Promise.resolve()
    client.close()
    client.open()
    await client.done
    expect(log).toEqual(['connecting', 'idle', 'connecting', 'open', 'open!', 'done k-1', 'ended', 'end well'])
  })

  it('leaves done pending, because the stream has not ended', async () => {
    const { fetch } = answers(() => eventStream(heldBody().stream))
    const { client, reach } = read('http://127.0.0.1/', { fetch })
    let settled = false
    client.done.then(
      () => (settled = true),
      () => (settled = true),
    )
    await reach('open')
    client.close()
    client.close()
    await settle()
    expect([client.state, settled]).toEqual(['idle', false])
  })

  it('right after construction makes no request', async () => {
    const { fetch, requests } = answers(() => eventStream())
    const { client } = read('http://127.0.0.1/', { fetch })
    client.close()
    await settle()
    expect([client.state, requests.length]).toEqual(['idle', 0])
  })

  it('ends a wait for the next attempt, and open() ends it by connecting at once', async () => {
    const clock = new VirtualClock()
    const { fetch, requests } = answers(() => new Response(null, { status: 503 }))
    const { client, reach } = read('http://127.0.0.1/', { fetch, clock })
    await reach('waiting')
    client.open()
    expect(client.state).toBe('connecting')
    await reach('waiting')
    expect(requests).toHaveLength(2)
    client.close()
    expect(clock.pending).toBe(0)
    await clock.advance(3_600_000)
    expect(requests).toHaveLength(2)
  })

  it('in a listener of the terminal event does not prevent the end', async () => {
    const { fetch } = answers(() => eventStream(opening('k-0') + done(1)))
    const { client, log } = read('http://127.0.0.1/', { fetch, events: ticks })
    client.addEventListener('done', () => client.close())
    expect(await client.done).toMatchObject({ type: 'done' })
    expect(log.slice(-3)).toEqual(['done k-1', 'ended', 'end well'])
  })

  it('in listeners of open and statechange leaves everything in order', async () => {
    const { fetch, requests } = answers(() => eventStream(tick(1)))
    const { client, log } = read('http://127.0.0.1/', { fetch, ...noWait })
    client.addEventListener('statechange', ({ state }) => {
      if (state === 'open') client.close()
    })
    await settle()
    expect([client.state, requests.length]).toEqual(['idle', 1])
    expect(log).toEqual(['connecting', 'open', 'idle'])
  })

  it('in the turn of open(), or while credentials are renewed, leaves no timer and asks for no headers', async () => {
    const clock = new VirtualClock()
    let asked = 0
    let renew: () => void = () => {}
    const { fetch } = answers(() => new Response(null, { status: 401 }))
    const { client } = read('http://127.0.0.1/', {
      fetch,
      clock,
      autoOpen: false,
      headers: () => {
        asked += 1
        return {}
      },
      refresh: () =>
        new Promise<void>((resolve) => {
          renew = resolve
        }),
    })
    for (let n = 0; n < 5; n += 1) {
      client.open()
      client.close()
    }
    await settle()
    expect([clock.pending, asked]).toEqual([0, 0])
    client.open()
    await settle()
    client.close()
    renew()
    await settle()
    expect([clock.pending, asked]).toEqual([0, 1])
  })

  it('and open() do nothing after the end', async () => {
    const { fetch, requests } = answers(() => new Response(null, { status: 204 }))
    const { client } = read('http://127.0.0.1/', { fetch })
    await client.done
    client.close()
    client.open()
    await settle()
    expect([client.state, requests.length]).toEqual(['ended', 1])
  })
})

describe('the signal', () => {
  it('does not hold a client that is at its end', async () => {
    const controller = new AbortController()
    const { signal } = controller
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    Object.assign(signal, {
      addEventListener: (...args: Parameters<typeof add>) => {
        listeners += 1
        add(...args)
      },
      removeEventListener: (...args: Parameters<typeof remove>) => {
        listeners -= 1
        remove(...args)
      },
    })
    const { client } = read('http://127.0.0.1/', {
      fetch: answers(() => new Response(null, { status: 204 })).fetch,
      signal,
    })
    expect(listeners).toBe(1)
    await client.done
    expect(listeners).toBe(0)
  })

  it('ends the reading: done rejects as aborted with the reason as the cause, and nothing is left', async () => {
    const clock = new VirtualClock()
    const body = heldBody()
    const controller = new AbortController()
    const { fetch } = answers(() => eventStream(body.stream))
    const { client, log, next } = read('http://127.0.0.1/', { fetch, clock, signal: controller.signal })
    body.write(opening('k-0') + tick(1))
    await next('tick')
    expect(clock.pending).toBe(1)
    const reason = new Error('no longer wanted')
    controller.abort(reason)
    await expect(client.done).rejects.toMatchObject({ code: 'aborted', cause: reason })
    expect(body.cancelled).toBe(true)
    expect(clock.pending).toBe(0)
    expect(log.slice(-2)).toEqual(['ended', 'end aborted'])
  })

  it('aborts a request that has no answer yet, a wait, and a client that was closed', async () => {
    for (const state of ['connecting', 'waiting', 'idle']) {
      const clock = new VirtualClock()
      const controller = new AbortController()
      const { fetch, requests } = answers(() =>
        state === 'waiting' ? new Response(null, { status: 503 }) : new Promise<Response>(() => {}),
      )
      const { client, reach } = read('http://127.0.0.1/', { fetch, clock, signal: controller.signal })
      if (state === 'idle') client.close()
      else await reach(state)
      await settle()
      controller.abort()
      await expect(client.done).rejects.toMatchObject({ code: 'aborted' })
      expect([client.state, clock.pending]).toEqual(['ended', 0])
      if (state === 'connecting') expect(requests[0]?.init.signal?.aborted).toBe(true)
    }
  })

  it('that is aborted already makes no request', async () => {
    const { fetch, requests } = answers(() => eventStream())
    const { client } = read('http://127.0.0.1/', { fetch, signal: AbortSignal.abort('early'), autoOpen: false })
    await expect(client.done).rejects.toMatchObject({ code: 'aborted', cause: 'early' })
    expect(requests).toHaveLength(0)
  })
})
