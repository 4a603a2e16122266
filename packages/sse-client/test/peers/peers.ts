import { createServer, type Server } from 'node:http'
import fastifySse from '@fastify/sse'
import { getRequestListener } from '@hono/node-server'
import { createSession } from 'better-sse'
import { fastify } from 'fastify'
import { createEventStream, H3, noContent, toNodeHandler } from 'h3'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { type Feed, pretty } from './feed.js'

/** A server of somebody else that serves a feed as its library's documentation shows. */
export interface Peer {
  readonly name: string
  /** Its headers come at once, or only with the first event. */
  readonly headers: 'at once' | 'with an event'
  /** `keepAlive`: milliseconds between its comments. Where a library sends none by itself, its application does. */
  create(feed: Feed, keepAlive?: number): Server | Promise<Server>
}

export const peers: readonly Peer[] = [
  {
    name: 'better-sse',
    headers: 'at once',
    create: (feed, keepAlive) =>
      createServer(async (request, response) => {
        if (feed.isRead(request.headers['last-event-id'])) {
          response.writeHead(204).end()
          return
        }
        const session = await createSession(request, response, { retry: 1, keepAlive: keepAlive ?? null })
        const gone = new AbortController()
        session.once('disconnected', () => gone.abort())
        await feed.follow(session.lastId, ({ type, data, id }) => session.push(data, type, id), gone.signal)
        response.end()
      }),
  },
  {
    name: 'hono',
    headers: 'at once',
    create: (feed, keepAlive) => {
      const app = new Hono()
      app.get('/', (context) => {
        const lastEventId = context.req.header('last-event-id')
        if (feed.isRead(lastEventId)) return context.body(null, 204)
        return streamSSE(context, async (stream) => {
          const gone = new AbortController()
          stream.onAbort(() => gone.abort())
          const timer = keepAlive && setInterval(() => stream.write(': keep-alive\n\n'), keepAlive)
          await feed.follow(
            lastEventId,
            ({ type, data, id }) => stream.writeSSE({ event: type, data: pretty(data), id, retry: 1 }),
            gone.signal,
          )
          clearInterval(timer)
        })
      })
      return createServer(getRequestListener(app.fetch))
    },
  },
  {
    name: '@fastify/sse',
    headers: 'with an event',
    create: async (feed, keepAlive) => {
      const app = fastify()
      await app.register(fastifySse, { heartbeatInterval: keepAlive ?? 0, serializer: pretty })
      app.get('/', { sse: 'only' }, async (_, reply) => {
        const { lastEventId } = reply.sse
        if (feed.isRead(lastEventId)) return reply.code(204).send()
        const gone = new AbortController()
        reply.sse.onClose(() => gone.abort())
        await feed.follow(
          lastEventId,
          ({ type, data, id }) => reply.sse.send({ event: type, data, id, retry: 1 }),
          gone.signal,
        )
      })
      await app.ready()
      return app.server
    },
  },
  {
    name: 'h3',
    headers: 'with an event',
    create: (feed, keepAlive) => {
      const app = new H3()
      app.get('/', (event) => {
        const lastEventId = event.req.headers.get('last-event-id')
        if (feed.isRead(lastEventId)) return noContent()
        const stream = createEventStream(event)
        const gone = new AbortController()
        const timer = keepAlive && setInterval(() => stream.pushComment('keep-alive'), keepAlive)
        stream.onClosed(() => {
          gone.abort()
          clearInterval(timer)
        })
        feed
          .follow(
            lastEventId,
            ({ type, data, id }) => stream.push({ event: type, data: pretty(data), id, retry: 1 }),
            gone.signal,
          )
          .then(() => stream.close())
        return stream
      })
      return createServer(toNodeHandler(app))
    },
  },
]
