import { expect, it } from 'vitest'
import { EventStreamClient } from '../../src/index.js'
import { openStream, serve } from '../http-server.js'
import { read } from '../reading.js'
import { settle } from '../virtual-clock.js'
import { receive } from './receive.js'

it('eventsource/dedicated-worker/eventsource-constructor-no-new.any.js: the constructor needs `new`', () => {
  const construct = EventStreamClient as unknown as (url: string) => void
  expect(() => construct('http://127.0.0.1/')).toThrow(TypeError)
})

it('eventsource/eventsource-close.window.js: close() in `open` takes effect at once', async () => {
  const server = await serve((_, response) => void openStream(response, 'data: data\n\n'))
  const { client, log, next } = read(server.url)
  await next('open')
  expect(client.state).toBe('open')
  client.close()
  expect(client.state).toBe('idle')
  await settle()
  expect(log).toEqual(['connecting', 'open', 'open!', 'idle'])
})

it('eventsource/eventsource-close.window.js: a stream that the server says has ended is not asked for again', async () => {
  const { log, last, requests } = await receive(['retry: 1\ndata: opened\n\n', 'data: reconnected\n\n'])
  expect(log.filter((line) => line !== 'open!')).toEqual([
    ...['connecting', 'open', 'message ', 'waiting'],
    ...['connecting', 'open', 'message ', 'waiting'],
    ...['connecting', 'ended', 'end well'],
  ])
  expect(last).toMatchObject({ data: 'reconnected' })
  expect(requests).toHaveLength(3)
})

// An EventSource fails by an event; here the constructor may throw, or `done` reject.
it.each(['ftp://example.not/', 'about:blank', 'mailto:whatwg@awesome.example', "javascript:alert('FAIL')"])(
  'eventsource/eventsource-constructor-non-same-origin.window.js: %s ends the client and is not tried again',
  async (url) => {
    let attempts = 0
    const follow = async (): Promise<void> => {
      const { client } = read(url, {
        retry: { initial: 0, max: 1, budget: 3 },
        fetch: (url, init) => {
          attempts += 1
          return fetch(url, init)
        },
      })
      await client.done
    }
    await expect(follow()).rejects.toBeInstanceOf(Error)
    expect(attempts).toBeLessThanOrEqual(1)
  },
)

// A library has no `SyntaxError` of the DOM to throw everywhere.
it('eventsource/eventsource-constructor-url-bogus.any.js: an address that is none throws at once', () => {
  expect(() => new EventStreamClient('http://this is invalid/')).toThrow(TypeError)
})

it('eventsource/eventsource-eventtarget.any.js: addEventListener() hears messages', async () => {
  const server = await serve((_, response) => void openStream(response, 'data: data\n\n'))
  const { client, next } = read(server.url)
  expect(await next('message')).toMatchObject({ type: 'message', data: 'data' })
  client.close()
})

// Without `onmessage`: listeners have one way to be added.
it('eventsource/eventsource-onmessage.any.js: a block without a name is a `message` event with data', async () => {
  const { events } = await receive('data: data\n\n')
  expect(events).toEqual([{ type: 'message', data: 'data', id: '' }])
})

it('eventsource/eventsource-onopen.any.js: `open` is a plain event that comes when the client is open', async () => {
  const server = await serve((_, response) => void openStream(response))
  const { client, next } = read(server.url)
  const event = await next('open')
  expect(client.state).toBe('open')
  expect(event).toMatchObject({ bubbles: false, cancelable: false })
  expect(event).not.toHaveProperty('data')
})

it('eventsource/eventsource-prototype.any.js: the prototype can be extended', () => {
  const prototype = EventStreamClient.prototype as unknown as { returnTrue?: () => boolean }
  prototype.returnTrue = () => true
  try {
    const client = new EventStreamClient('http://127.0.0.1/', { autoOpen: false })
    expect((client as unknown as { returnTrue(): boolean }).returnTrue()).toBe(true)
  } finally {
    delete prototype.returnTrue
  }
})

it('eventsource/eventsource-reconnect.window.js: after a connection that brought nothing the client comes back', async () => {
  const { texts, requests } = await receive(['', 'data: data\n\n'])
  expect(texts).toEqual(['data'])
  expect(requests).toHaveLength(3)
})

// What EventSource tells by `error` is the state `waiting`.
it('eventsource/eventsource-reconnect.window.js: a reconnect is announced between the events before and after it', async () => {
  const { log, cursors } = await receive(['id: 2\nretry: 2\ndata: ok\n\n', 'data: data\n\n'])
  const told = log.filter((line) => line === 'waiting' || line.startsWith('message'))
  expect(told.slice(0, 3)).toEqual(['message 2', 'waiting', 'message 2'])
  expect(cursors[1]).toBe('2')
})

it('eventsource/request-accept.any.js: the request accepts event streams and nothing else', async () => {
  const { requests } = await receive('data: data\n\n')
  expect(requests[0]?.headers.accept).toBe('text/event-stream')
})

it.each([301, 302, 303, 307, 308])(
  'eventsource/request-redirect.any.window.js: a redirect by %i is followed',
  async (status) => {
    const server = await serve((request, response) => {
      if (request.url === '/') response.writeHead(status, { location: '/elsewhere' }).end()
      else openStream(response, 'data: data\n\n')
    })
    const { client, next } = read(server.url)
    expect(await next('message')).toMatchObject({ data: 'data' })
    expect(client.state).toBe('open')
    expect(server.requests.map(({ url }) => url)).toEqual(['/', '/elsewhere'])
  },
)

it.each([205, 210, 299, 404, 410])(
  'eventsource/request-status-error.window.js: status %i ends the client, and its body is not read',
  async (status) => {
    const server = await serve((_, response) => {
      response
        .writeHead(status, { 'content-type': 'text/event-stream' })
        .end(status === 205 ? undefined : 'data: data\n\n')
    })
    const { client, log } = read(server.url)
    await expect(client.done).rejects.toMatchObject({ code: 'rejected', status })
    expect(log).toEqual(['connecting', 'ended', 'end rejected'])
    expect(server.requests).toHaveLength(1)
  },
)

it('eventsource/request-status-error.window.js: status 204 is the end', async () => {
  const { log, last } = await receive([])
  expect(log).toEqual(['connecting', 'ended', 'end well'])
  expect(last).toBeUndefined()
})

// An EventSource would give up for good: a server that is down for a moment is not the end of a stream.
it('eventsource/request-status-error.window.js: status 503 is tried again, and its body is not read', async () => {
  const server = await serve((_, response) => {
    response.writeHead(503, { 'content-type': 'text/event-stream' }).end('data: data\n\n')
  })
  const { log, reach } = read(server.url)
  await reach('waiting')
  expect(log).toEqual(['connecting', 'waiting'])
})
