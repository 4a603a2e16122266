import type { Gap } from '@x/sse-protocol'
import type { CloseReason, RefuseReason } from './counters.js'

/** An error that no caller could be given: an `authorize` that threw, a log that failed under a reader or at a timeout. */
export class ServerErrorEvent extends Event {
  readonly error: unknown
  readonly streamId: string | undefined

  constructor(error: unknown, streamId: string | undefined) {
    super('error')
    this.error = error
    this.streamId = streamId
  }
}

/** A reader connected. */
export class ConnectionOpenEvent extends Event {
  readonly streamId: string
  /** Events of the log that it is sent before the first new one. */
  readonly replay: number

  constructor(streamId: string, replay: number) {
    super('open')
    this.streamId = streamId
    this.replay = replay
  }
}

/** How a connection was. */
export interface ConnectionFacts {
  readonly reason: CloseReason
  readonly durationMs: number
  /** Events that were written to it. */
  readonly events: number
  /** Events of the log, as far as it was read for any reader, that were not. */
  readonly lag: number
}

/** A reader's connection is over. */
export class ConnectionCloseEvent extends Event implements ConnectionFacts {
  readonly streamId: string
  readonly reason: CloseReason
  readonly durationMs: number
  readonly events: number
  readonly lag: number

  constructor(streamId: string, { reason, durationMs, events, lag }: ConnectionFacts) {
    super('close')
    this.streamId = streamId
    this.reason = reason
    this.durationMs = durationMs
    this.events = events
    this.lag = lag
  }
}

/** A request got no place. */
export class RefuseEvent extends Event {
  readonly reason: RefuseReason

  constructor(reason: RefuseReason) {
    super('refuse')
    this.reason = reason
  }
}

/** A reader of an event stream was told that events are missing. */
export class GapEvent extends Event {
  readonly streamId: string
  readonly gap: Gap

  constructor(streamId: string, gap: Gap) {
    super('gap')
    this.streamId = streamId
    this.gap = gap
  }
}

/** What an SseServer dispatches. */
export interface SseServerEventMap {
  error: ServerErrorEvent
  open: ConnectionOpenEvent
  close: ConnectionCloseEvent
  refuse: RefuseEvent
  gap: GapEvent
}
