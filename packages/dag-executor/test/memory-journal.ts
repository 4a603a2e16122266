import type { Journal, JournalEntry } from '../src/index.js'

/** A log that keeps events as a file does: as text. */
export class MemoryJournal implements Journal {
  readonly lines: string[]
  /** How many events each append brought. */
  readonly batches: number[] = []
  /** Whom each append was for. */
  readonly executionIds: string[] = []
  readonly #epoch: string | undefined

  /** With an epoch, events get ids. */
  constructor(log: readonly JournalEntry[] = [], epoch?: string) {
    this.lines = log.map((entry) => JSON.stringify(entry))
    this.#epoch = epoch
  }

  async append(events: readonly JournalEntry[], executionId: string): Promise<void> {
    this.batches.push(events.length)
    this.executionIds.push(executionId)
    for (const event of events) this.lines.push(JSON.stringify({ ...event, ...this.#nextId() }))
  }

  read(): JournalEntry[] {
    return this.lines.map((line) => JSON.parse(line))
  }

  #nextId(): { id: string } | undefined {
    return this.#epoch === undefined ? undefined : { id: `${this.#epoch}-${this.lines.length + 1}` }
  }
}

/** A log whose appends the test holds in its hand. */
export class HeldJournal implements Journal {
  /** The events of every append, as they came. */
  readonly batches: (readonly JournalEntry[])[] = []
  /** Appends that have not been answered. */
  waiting = 0
  #answers: { resolve: () => void; reject: (error: unknown) => void }[] = []

  append(events: readonly JournalEntry[]): Promise<void> {
    this.batches.push(events)
    this.waiting += 1
    return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }))
  }

  /** Answers the oldest append. */
  commit(): void {
    this.waiting -= 1
    this.#answers.shift()!.resolve()
  }

  refuse(error: unknown): void {
    this.waiting -= 1
    this.#answers.shift()!.reject(error)
  }

  /** In words such as `task_start a`, for each batch. */
  told(): string[][] {
    return this.batches.map(tell)
  }
}

/** Events in words such as `task_start a`. */
export function tell(events: readonly { readonly type: string; readonly data: unknown }[]): string[] {
  return events.map(({ type, data }) => {
    const { taskId } = data as { taskId?: string }
    return taskId === undefined ? type : `${type} ${taskId}`
  })
}
