import { createServer, type ServerResponse } from 'node:http'
import { type ClientHttp2Session, connect, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { serve } from '@hono/node-server'
import createConnectApp from 'connect'
import express5, { type ErrorRequestHandler } from 'express'
import express4 from 'express4'
import createFastifyApp from 'fastify'
import { Hono } from 'hono'
import { onTestFinished } from 'vitest'
import type { SseServer } from '../src/index.js'
import { type Ask, answering, type CreateHost, type Host, hosts, listen, Targets, type TickEvents } from './harness.js'

type Sse = SseServer<TickEvents>

/** An application of Express, 4 or 5: as much of it as both have. */
type ExpressApp = Pick<ReturnType<typeof express5>, 'all' | 'use'> & Parameters<typeof createServer>[1] & object

/** A host that listens at an origin. */
function at(origin: string, targets: Targets): Host {
  return { ask: async (streamId, ask = {}) => fetch(origin + targets.path(streamId, ask), ask) }
}

/** `all` and not `get`: a preflight is an OPTIONS, which Express would answer by itself. */
async function expressHost(sse: Sse, app: ExpressApp): Promise<Host> {
  const targets = new Targets()
  const failed: ErrorRequestHandler = (error, _request, response, _next) => {
    response.status(599).send(String(error))
  }
  app.all('/streams/:streamId', sse.middleware())
  // Express 4 does not look at the promise of a handler.
  app.all('/targets/:place', (request, response, next) => {
    sse.handle(request, response, targets.find(request.url)!).catch(next)
  })
  app.use(failed)
  return at(await listen(app), targets)
}

async function connectHost(sse: Sse): Promise<Host> {
  const targets = new Targets()
  const app = createConnectApp()
  app.use('/streams', sse.middleware())
  app.use('/targets', (request, response, next) => {
    sse.handle(request, response, targets.find(request.originalUrl)!).catch(next)
  })
  app.use((error: Error, _request: unknown, response: ServerResponse, _next: unknown) => {
    response.statusCode = 599
    response.end(String(error))
  })
  return at(await listen(app), targets)
}

async function fastifyHost(sse: Sse): Promise<Host> {
  const targets = new Targets()
  const app = createFastifyApp({ forceCloseConnections: true, routerOptions: { maxParamLength: 1_000 } })
  app.all<{ Params: { streamId: string } }>('/streams/:streamId', (request, reply) => {
    reply.hijack()
    void sse.handle(request.raw, reply.raw, request.params.streamId)
  })
  app.all('/targets/:place', (request, reply) => {
    reply.hijack()
    sse.handle(request.raw, reply.raw, targets.find(request.url)!).catch((error: unknown) => {
      reply.raw.statusCode = 599
      reply.raw.end(String(error))
    })
  })
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => app.close())
  return at(origin, targets)
}

async function honoHost(sse: Sse): Promise<Host> {
  const targets = new Targets()
  const app = new Hono()
  app.all('/streams/:streamId', (context) => sse.fetch(context.req.raw, context.req.param('streamId')))
  app.all('/targets/:place', (context) => sse.fetch(context.req.raw, targets.find(context.req.path)!))
  app.onError((error) => new Response(String(error), { status: 599 }))
  // The adapter puts classes of its own in the place of these, for the whole process.
  const { Request, Response } = globalThis
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1', createServer })
  onTestFinished(async () => {
    Object.assign(globalThis, { Request, Response })
    if ('closeAllConnections' in server) server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
  return at(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, targets)
}

/** Node's compatibility API, without TLS. No framework: Express, of both versions, does not run on it. */
async function http2Host(sse: Sse): Promise<Host> {
  const targets = new Targets()
  const server = createHttp2Server(answering(sse, targets))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(async () => {
    session.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return { ask: async (streamId, ask = {}) => fetchOverHttp2(session, targets.path(streamId, ask), ask) }
}

/** What `fetch` does, over HTTP/2. */
async function fetchOverHttp2(session: ClientHttp2Session, path: string, ask: Ask): Promise<Response> {
  const { method = 'GET', headers = {}, signal } = ask
  const stream = session.request({ ':path': path, ':method': method, ...headers }, { endStream: true })
  const leave = (): void => {
    stream.destroy(signal?.reason)
  }
  signal?.addEventListener('abort', leave)
  stream.once('close', () => signal?.removeEventListener('abort', leave))
  const head = await new Promise<Record<string, unknown>>((resolve, reject) => {
    stream.once('response', resolve)
    stream.once('error', reject)
    stream.once('close', () => reject(new Error('The stream closed before it was answered')))
  })
  const status = Number(head[':status'])
  const fields = Object.entries(head).flatMap(([name, value]) =>
    name.startsWith(':') ? [] : [[name, String(value)] as [string, string]],
  )
  const hasBody = method !== 'HEAD' && status !== 204
  if (!hasBody) stream.resume()
  const body = hasBody ? (Readable.toWeb(stream) as ReadableStream<Uint8Array>) : null
  return new Response(body, { status, headers: fields })
}

/** Every way of hosting a server; the suite of requests and answers runs over each. */
export const everyHost: [name: string, host: CreateHost][] = [
  ...hosts,
  ['node:http2', http2Host],
  ['Express 5', (sse) => expressHost(sse, express5())],
  ['Express 4', (sse) => expressHost(sse, express4() as unknown as ExpressApp)],
  ['Connect', connectHost],
  ['Fastify', fastifyHost],
  ['Hono', honoHost],
]
