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

/** What an SseServer dispatches. */
export interface SseServerEventMap {
  error: ServerErrorEvent
}
