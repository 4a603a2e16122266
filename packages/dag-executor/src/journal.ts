/** An event of an execution as a log keeps it. */
export interface JournalEntry {
  /** As in PROTOCOL.md §8.3. Entries of other types, which a log may hold besides, are ignored by a resume. */
  readonly type: string
  /** Public. */
  readonly data: unknown
  /**
   * For the journal alone, never to be sent to a reader: the plan beside `execution_start`, the code of the failure beside a `task_retry`, the
   * whole output beside a `task_complete` that holds only a preview. Left out where there is nothing more to know.
   */
  readonly internal?: unknown
  /** The event id `<epoch>-<sequence>` that a log gave it; where entries have one, a resume checks that none is missing. */
  readonly id?: string | undefined
}

/**
 * Where an execution writes what it must not forget. A task's dependents start only when its end was appended.
 *
 * @example const journal = { append: (events) => appendFile(path, events.map((event) => `${JSON.stringify(event)}\n`).join('')) }
 */
export interface Journal {
  /**
   * Resolves when the events are as safe as they are to be. They are JSON, in order; the next call comes when this one has resolved, with
   * everything that has happened since. Where it rejects, the execution is stopped, and rejects with the same.
   */
  append(events: readonly JournalEntry[], executionId: string): PromiseLike<unknown>
}
