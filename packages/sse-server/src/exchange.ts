import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Sink, SinkEvents } from './sink.js'

/** A request of node:http, or of node:http2 by its compatibility API. */
export type NodeRequest = IncomingMessage | Http2ServerRequest

/** A response of node:http, or of node:http2 by its compatibility API. */
export type NodeResponse = ServerResponse | Http2ServerResponse

/** A request as any host gives it. */
export type SseRequest = NodeRequest | Request

/** One request and the way to answer it: all that the server knows of its host. */
export interface Exchange {
  readonly request: SseRequest
  readonly method: string
  /** The client went away, or has its whole answer. */
  readonly gone: boolean
  header(name: string): string | undefined
  /** A parameter of the URL's query. */
  query(name: string): string | undefined
  /** Called once when the client is gone, and at once where it is. */
  onGone(listener: () => void): void
  /** Resolves when nothing else is to be sent to the client first. `gone`: there is nobody to send to any more; `crowded`: too many requests wait. */
  turn(): Promise<'now' | 'gone' | 'crowded'>
  /** Answers in one piece. A client that does not take it within so many milliseconds is given up, where its host does not see to that. */
  reply(status: number, headers: Readonly<Record<string, string>>, body?: string, writeTimeout?: number): void
  /** Answers with status 200 and a body that is written bit by bit. Only while the client is not gone; `events` is told when it is. */
  stream(headers: Readonly<Record<string, string>>, events: SinkEvents): Sink
}

/**
 * A header of a request of any host; several of one name are joined by a comma.
 *
 * @example headerOf(request, 'authorization')
 */
export function headerOf(request: { readonly headers: SseRequest['headers'] }, name: string): string | undefined {
  const { headers } = request
  if (headers instanceof Headers) return headers.get(name) ?? undefined
  const value = headers[name.toLowerCase()]
  return Array.isArray(value) ? value.join(', ') : value
}
