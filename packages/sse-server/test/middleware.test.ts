import type { ServerResponse } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect as connectSocket } from 'node:net'
import { EventStreamParser } from '@x/sse-protocol'
import createConnectApp from 'connect'
import express from 'express'
import express4 from 'express4'
import { describe, expect, it, onTestFinished } from 'vitest'
import { problemResponse, sendProblem } from '../src/index.js'
import { createSse, eventually, httpHost, isTick, isType, listen, logged, Reader } from './harness.js'

describe.each([
  ['Express 5', express],
  ['Express 4', express4 as unknown as typeof express],
])('in %s', (_name, createApp) => {
  it('a route gives the stream id by its last segment, decoded', async () => {
    const sse = createSse()
    const app = createApp()
    app.get('/api/v1/stream/:sessionId', sse.middleware())
    const origin = await listen(app)
    const stream = await sse.open('ä b/c')
    const reader = new Reader(await fetch(`${origin}/api/v1/stream/${encodeURIComponent('ä b/c')}?x=/y`))
    await reader.until(isType('heartbeat'))
    await stream.end('done', { total: 0 })
    expect(logged(await reader.rest())).toHaveLength(1)
  })

  it('the stream id can come from the request, and the middleware can be mounted by `use`', async () => {
    const sse = createSse()
    const app = createApp()
    app.get(
      '/runs/:id/events',
      sse.middleware({ streamId: (request: express.Request<{ id: string }>) => request.params.id }),
    )
    app.use('/streams', sse.middleware())
    const origin = await listen(app)
    await sse.open('s')
    for (const path of ['/runs/s/events', '/streams/s']) {
      const response = await fetch(origin + path)
      expect(response.status).toBe(200)
      await response.body!.cancel()
    }
    expect((await fetch(`${origin}/streams/`)).status).toBe(404)
  })

  it('another method goes to the next handler, and an error of `streamId` to the error handler', async () => {
    const sse = createSse()
    const app = createApp()
    app.use(
      '/streams',
      sse.middleware({
        streamId: () => {
          throw new Error('no id')
        },
      }),
    )
    app.post('/streams/s', (_request, response) => {
      response.send('next')
    })
    app.use((error: Error, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
      response.status(599).send(error.message)
    })
    const origin = await listen(app)
    expect(await (await fetch(`${origin}/streams/s`, { method: 'POST' })).text()).toBe('next')
    const failed = await fetch(`${origin}/streams/s`)
    expect([failed.status, await failed.text()]).toEqual([599, 'no id'])
  })

  it('a preflight reaches a route that is mounted by `all` or `use`, but not one by `get`', async () => {
    const origins = ['https://app.example.org']
    const sse = createSse({ cors: { origins } })
    const app = createApp()
    app.get('/get/:id', sse.middleware())
    app.all('/all/:id', sse.middleware())
    app.use('/use', sse.middleware())
    const origin = await listen(app)
    const allowed = async (path: string): Promise<string | null> => {
      const response = await fetch(origin + path, { method: 'OPTIONS', headers: { Origin: origins[0]! } })
      return response.headers.get('access-control-allow-headers')
    }
    expect([await allowed('/all/s'), await allowed('/use/s')]).toEqual(
      Array(2).fill(expect.stringContaining('Last-Event-ID')),
    )
    expect(await allowed('/get/s')).toBe(null)
  })
})

it('in Connect another method goes to the next handler, and an error of `streamId` to the error handler', async () => {
  const sse = createSse()
  const app = createConnectApp()
  app.use(
    '/streams',
    sse.middleware({
      streamId: () => {
        throw new Error('no id')
      },
    }),
  )
  app.use('/streams', (_request, response) => {
    response.end('next')
  })
  app.use((error: Error, _request: unknown, response: ServerResponse, _next: unknown) => {
    response.statusCode = 599
    response.end(error.message)
  })
  const origin = await listen(app)
  expect(await (await fetch(`${origin}/streams/s`, { method: 'POST' })).text()).toBe('next')
  const failed = await fetch(`${origin}/streams/s`)
  expect([failed.status, await failed.text()]).toEqual([599, 'no id'])
})

it('§9 without a next handler another method gets 405 with Allow, and an error 500 that tells nothing', async () => {
  const sse = createSse()
  const origin = await listen(
    sse.middleware({
      streamId: () => {
        throw new Error('secret')
      },
    }),
  )
  const response = await fetch(`${origin}/s`, { method: 'POST' })
  expect(response.status).toBe(405)
  expect(response.headers.get('allow')).toBe('GET, HEAD, OPTIONS')
  expect(await response.json()).toMatchObject({ code: 'method_not_allowed' })
  const failed = await fetch(`${origin}/s`)
  expect(failed.status).toBe(500)
  expect(await failed.text()).not.toContain('secret')
})

it.each(['/%E0%A4%A', '/%zz', '/%', '/%E0%A4%A/', '//', '/'])('the path %s names no stream', async (path) => {
  const sse = createSse()
  const response = await fetch((await httpHost(sse)).origin + path)
  expect(response.status).toBe(404)
  expect(await response.json()).toMatchObject({ code: 'unknown_stream' })
})

it('one slash after the stream id does not count', async () => {
  const sse = createSse()
  await sse.open('s')
  const app = express()
  app.get('/api/v1/stream/:sessionId', sse.middleware())
  app.use('/streams', sse.middleware())
  const origin = await listen(app)
  const plain = (await httpHost(sse)).origin
  for (const url of [`${origin}/api/v1/stream/s/?x=/y`, `${origin}/streams/s/`, `${plain}/s/`]) {
    const response = await fetch(url)
    expect(response.status).toBe(200)
    await response.body!.cancel()
  }
  expect((await fetch(`${plain}/s//`)).status).toBe(404)
})

it('headers that are set before stay, and `Vary` is added to', async () => {
  const sse = createSse()
  await sse.open('s')
  const origin = await listen((request, response) => {
    response.setHeader('Vary', 'Cookie, accept')
    response.setHeader('X-Before', '1')
    void sse.handle(request, response, 's', { headers: { 'Content-Location': '/streams/s' } })
  })
  const response = await fetch(origin)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    vary: 'Cookie, accept',
    'x-before': '1',
    'content-location': '/streams/s',
  })
  await response.body!.cancel()
})

it('a POST can be answered with the stream of the run that it starts', async () => {
  const sse = createSse()
  const origin = await listen((request, response) => {
    void sse.handle(request, response, async () => {
      const stream = await sse.open('run')
      void stream.end('done', { total: 1 })
      return stream.id
    })
  })
  const response = await fetch(origin, { method: 'POST', body: '{}' })
  expect(logged(await new Reader(response).rest()).map(({ type }) => type)).toEqual(['done'])
})

it('over HTTP/1.0 the body is delimited by the end of the connection', async () => {
  const sse = createSse()
  const stream = await sse.open('s')
  await stream.end('done', { total: 1 })
  const { origin } = await httpHost(sse)
  const socket = connectSocket(Number(new URL(origin).port), '127.0.0.1')
  socket.write('GET /s HTTP/1.0\r\n\r\n')
  let text = ''
  for await (const chunk of socket) text += chunk
  const [head = '', ...body] = text.split('\r\n\r\n')
  expect(head.toLowerCase()).not.toContain('transfer-encoding')
  expect(new EventStreamParser().push(body.join('\r\n\r\n')).map(({ type }) => type)).toEqual(['heartbeat', 'done'])
})

it('§4.3 over HTTP/2 the stream has no connection headers, ends, and gives its place back when it is cut', async () => {
  const sse = createSse()
  const middleware = sse.middleware()
  const server = createHttp2Server((request, response) => middleware(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(async () => {
    session.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const stream = await sse.open('s')
  const ask = (headers: Record<string, string> = {}) => session.request({ ':path': '/s', ...headers })

  const whole = ask()
  const head = new Promise<Record<string, unknown>>((resolve) => whole.on('response', resolve))
  const cut = ask()
  const parser = new EventStreamParser()
  const events: ReturnType<typeof parser.push> = []
  const ended = new Promise<void>((resolve) => whole.on('end', resolve))
  whole.on('data', (chunk: Buffer) => events.push(...parser.push(chunk)))
  expect(await head).toMatchObject({ ':status': 200, 'content-type': 'text/event-stream' })
  for (const name of ['connection', 'transfer-encoding']) expect(await head).not.toHaveProperty(name)
  await eventually(() => sse.metrics().connections === 2)
  cut.close()
  await eventually(() => sse.metrics().connections === 1)
  for (let n = 0; n < 50; n++) await stream.publish('tick', { n, text: 'x'.repeat(30_000) })
  await stream.end('done', { total: 50 })
  await ended
  expect(logged(events)).toHaveLength(51)
  expect(events.filter(isTick(49))).toHaveLength(1)
  await eventually(() => sse.metrics().connections === 0)

  const atEnd = ask({ 'last-event-id': stream.head })
  expect(await new Promise<Record<string, unknown>>((resolve) => atEnd.on('response', resolve))).toMatchObject({
    ':status': 204,
  })
  atEnd.close()
})

it('§9 a problem document has title, status, detail, code and its faults, on both kinds of hosts', async () => {
  const problem = {
    status: 422,
    code: 'invalid_plan',
    detail: 'Two faults',
    errors: [{ code: 'cycle', detail: 'a → b → a', pointer: '/tasks/0' }],
  }
  const expected = { title: 'Unprocessable Content', ...problem }
  const origin = await listen((_request, response) => sendProblem(response, problem, { 'Retry-After': '3' }))
  const overHttp = await fetch(origin)
  expect([overHttp.status, overHttp.headers.get('content-type')]).toEqual([422, 'application/problem+json'])
  expect(overHttp.headers.get('retry-after')).toBe('3')
  expect(await overHttp.json()).toEqual(expected)
  const overFetch = problemResponse({ ...problem, title: 'Bad plan' })
  expect(await overFetch.json()).toEqual({ ...expected, title: 'Bad plan' })
})

it('a problem after the headers cuts the connection instead of pretending', async () => {
  const origin = await listen((_request, response) => {
    response.write('half')
    setImmediate(() => sendProblem(response, { status: 500, code: 'x', detail: 'y' }))
  })
  await expect(fetch(origin).then((response) => response.text())).rejects.toThrow()
})
