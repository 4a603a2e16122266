import type { AddressInfo } from 'node:net'
import fastifySse from '@fastify/sse'
import { createAdaptorServer } from '@hono/node-server'
import { createChannel, createSession } from 'better-sse'
import ExpressSse from 'express-sse'
import fastify, { type FastifyReply } from 'fastify'
import { Hono } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import type { StartBroadcaster } from './broadcaster.js'
import { type } from './event.js'
import { backlog, type Host, listen, listening } from './host.js'
import { epoch } from './loop.js'

// All of one stream, each as its own documentation shows.

function idSource(): () => string {
  let sequence = 0
  return () => `${epoch}-${++sequence}`
}

export const betterSse: StartBroadcaster = async () => {
  const channel = createChannel()
  const nextId = idSource()
  const host = await listen(async (request, response) => {
    channel.register(await createSession(request, response))
  })
  return {
    ...host,
    get readers() {
      return channel.sessionCount
    },
    publish: (_, data) => channel.broadcast(data, type, { eventId: nextId() }),
  }
}

export const expressSse: StartBroadcaster = async () => {
  const sse = new ExpressSse()
  const nextId = idSource()
  const host = await listen((request, response) => sse.init(request as never, response as never))
  return {
    ...host,
    get readers() {
      return sse.listenerCount('data')
    },
    publish: (_, data) => sse.send(data, type, nextId()),
  }
}

export const fastifyPlugin: StartBroadcaster = async ([name]) => {
  const replies = new Set<FastifyReply>()
  const nextId = idSource()
  const app = fastify()
  await app.register(fastifySse)
  app.get(`/${name}`, { sse: 'only' }, async (_, reply) => {
    reply.sse.keepAlive()
    // The head goes out with the first event only.
    await reply.sse.send({ data: 'connected' })
    replies.add(reply)
    reply.sse.onClose(() => replies.delete(reply))
  })
  await app.listen({ port: 0, host: '127.0.0.1', backlog })
  return {
    port: (app.server.address() as AddressInfo).port,
    get readers() {
      return replies.size
    },
    publish: (_, data) => {
      const event = { id: nextId(), event: type, data }
      return Promise.all(Array.from(replies, (reply) => reply.sse.send(event)))
    },
    close: () => {
      app.server.closeAllConnections()
      void app.close()
    },
  }
}

export const hono: StartBroadcaster = async ([name]) => {
  const streams = new Set<SSEStreamingApi>()
  const nextId = idSource()
  const app = new Hono().get(`/${name}`, (context) =>
    streamSSE(context, async (stream) => {
      streams.add(stream)
      await new Promise<void>((resolve) => stream.onAbort(() => resolve()))
      streams.delete(stream)
    }),
  )
  const host: Host = await listening(createAdaptorServer({ fetch: app.fetch }) as Parameters<typeof listening>[0])
  return {
    ...host,
    get readers() {
      return streams.size
    },
    publish: (_, data) => {
      const event = { id: nextId(), event: type, data: JSON.stringify(data) }
      return Promise.all(Array.from(streams, (stream) => stream.writeSSE(event)))
    },
  }
}
