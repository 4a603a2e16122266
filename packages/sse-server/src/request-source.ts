import type { EventLog, MaybePromise } from './event-log.js'
import type { SseRequest } from './exchange.js'
import { askPermission } from './permission.js'
import type { Readers } from './readers.js'
import type { ServerCore } from './server-core.js'
import type { Source } from './source.js'

/** A stream as one request may read it. It lasts as long as the connection, so that it holds on to no more of the answer. */
export class RequestSource implements Source {
  readonly streamId: string
  readonly #core: ServerCore
  readonly #request: SseRequest

  constructor(core: ServerCore, request: SseRequest, streamId: string) {
    this.#core = core
    this.#request = request
    this.streamId = streamId
  }

  get log(): EventLog {
    return this.#core.log
  }

  get readers(): Readers {
    return this.#core.readers
  }

  /** To fail to ask is a refusal. */
  isAllowed(): MaybePromise<boolean> {
    try {
      const answer = askPermission(this.#core.settings, this.#request, this.streamId)
      return typeof answer === 'boolean' ? answer : answer.catch((error: unknown) => this.#refuse(error))
    } catch (error) {
      return this.#refuse(error)
    }
  }

  #refuse(error: unknown): false {
    this.#core.report(error, this.streamId)
    return false
  }
}
