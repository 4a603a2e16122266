/** An event as an application has it, before a library writes it. */
export interface FeedEvent {
  readonly type: string
  readonly data: unknown
  readonly id: string
}

/** A request's header, as the libraries give it. */
type LastEventId = string | string[] | null | undefined

/** What the applications of this folder serve: events that are kept, from any id on, and then what comes. */
export class Feed {
  readonly #events: FeedEvent[] = []
  #isOver = false
  #wake = (): void => {}
  #change = this.#nextChange()

  publish(...events: FeedEvent[]): void {
    this.#events.push(...events)
    this.#wake()
  }

  /** No event follows: connections end, and readers that have all are told so. */
  end(): void {
    this.#isOver = true
    this.#wake()
  }

  /** Whether a reader with this `Last-Event-ID` has all there will ever be. */
  isRead(lastEventId: LastEventId): boolean {
    return this.#isOver && this.#after(lastEventId) === this.#events.length
  }

  /** Sends what follows an id, then what comes, until the end of the feed or of the connection. */
  async follow(lastEventId: LastEventId, send: (event: FeedEvent) => unknown, gone: AbortSignal): Promise<void> {
    const left = new Promise<void>((resolve) => gone.addEventListener('abort', () => resolve()))
    for (let at = this.#after(lastEventId); !gone.aborted; ) {
      const event = this.#events[at]
      if (event) {
        at += 1
        await send(event)
      } else if (this.#isOver) return
      else await Promise.race([this.#change, left])
    }
  }

  /** A header's bytes are UTF-8, one character each as Node gives them ("Last-Event-ID", HTML standard §9.2.3). */
  #after(lastEventId: LastEventId): number {
    const id = Buffer.from(String(lastEventId ?? ''), 'latin1').toString()
    return this.#events.findIndex((event) => event.id === id) + 1
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#change = this.#nextChange()
        resolve()
      }
    })
  }
}

/** JSON over several lines, so that an event has several `data:` lines. */
export const pretty = (data: unknown): string => JSON.stringify(data, null, 2)
