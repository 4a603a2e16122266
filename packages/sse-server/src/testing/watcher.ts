import type { EventLog, LogPage } from '../event-log.js'
import { show, Unmet } from './expectation.js'
import { inTime } from './in-time.js'

/** A reader that looks when it is woken, and never else. */
export class Watcher {
  /** Calls of `wake`. */
  woken = 0
  readonly #wakeWithin: number
  readonly #read: () => Promise<LogPage | undefined>
  readonly #unsubscribe: () => void
  #look: (() => void) | undefined

  /** @param wakeWithin milliseconds that it may take until a change is seen */
  constructor(log: EventLog, streamId: string, wakeWithin: number) {
    this.#wakeWithin = wakeWithin
    this.#read = async () => log.read(streamId, 0, { maxEvents: 1, maxBytes: 0 })
    this.#unsubscribe = log.subscribe(streamId, () => {
      this.woken += 1
      this.#look?.()
    })
  }

  stop(): void {
    this.#unsubscribe()
  }

  /**
   * Makes a change, and resolves once it is made and a read that a wake-up led to shows it.
   *
   * @throws Error where none does in time, or the change fails.
   */
  async sees(what: string, isSeen: (page: LogPage | undefined) => boolean, change?: () => unknown): Promise<void> {
    const before = this.woken
    let last: unknown = 'nothing'
    const seen = new Promise<void>((resolve, reject) => {
      this.#look = () => {
        this.#read().then((page) => {
          last = page
          if (isSeen(page)) resolve()
        }, reject)
      }
    })
    const late = (): Error => {
      const times = `it was woken ${this.woken - before} times, and saw ${show(last)}`
      return new Unmet(`Expected a wake-up to show ${what} within ${this.#wakeWithin} ms; ${times}`)
    }
    try {
      await Promise.all([change?.(), inTime(seen, this.#wakeWithin, late)])
    } finally {
      this.#look = undefined
    }
  }
}
