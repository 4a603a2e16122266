import type { EventContract } from '@x/sse-protocol'
import type { Exchange, NodeRequest, SseRequest } from './exchange.js'
import { FetchExchange } from './fetch-exchange.js'
import { type EventGenerator, GeneratedStream } from './generated-stream.js'
import { NodeExchange } from './node-exchange.js'
import { createMiddleware, type Middleware } from './node-middleware.js'
import { problemResponse } from './problem.js'
import { RecentEnds } from './recent-ends.js'
import { Reception } from './reception.js'
import { allowMethods, methodNotAllowed, methods } from './refusals.js'
import { noHeaders, streamHeaders } from './response-headers.js'
import type { ServerCore } from './server-core.js'

/** A handler whose every reader has a generator of its own. */
export interface GeneratorRoute<Req extends NodeRequest = NodeRequest> extends Middleware<Req> {
  /** The same for a fetch-style host. */
  fetch(request: Request): Promise<Response>
}

export function createGeneratorRoute<Events extends object, Req extends SseRequest>(
  core: ServerCore,
  contract: EventContract<Events, object>,
  generate: EventGenerator<Events, Req>,
): GeneratorRoute<Extract<Req, NodeRequest>> {
  const ends = new RecentEnds()
  const answer = (exchange: Exchange): void => {
    const reception = new Reception(core, exchange, ['text/event-stream'], noHeaders)
    if (!reception.begin()) return
    if (ends.has(reception.cursor)) reception.replyDone()
    else if (reception.isHead) reception.reply(200, streamHeaders)
    else if (reception.admit()) {
      try {
        const stream = new GeneratedStream(reception, contract, ends)
        void stream.run((signal) => generate(exchange.request as Req, signal))
      } finally {
        reception.release()
      }
    }
  }
  const middleware = createMiddleware(core, async (request: NodeRequest, response) =>
    answer(new NodeExchange(request, response)),
  )
  return Object.assign(middleware, {
    fetch: async (request: Request) => {
      if (!methods.includes(request.method)) return problemResponse(methodNotAllowed, allowMethods)
      const exchange = new FetchExchange(request)
      answer(exchange)
      return exchange.response
    },
  })
}
