import { createHash, type Hash } from 'node:crypto'
import type { Workload } from '../discipline.js'

/** An event as every parser can tell it. */
export interface Event {
  readonly type: string
  readonly data: string
  /** Empty where there is none. */
  readonly id: string
}

/** Takes the events of one pass. */
export class Tally {
  /** Of the events so far and their order. */
  checksum = 0
  readonly #hash: Hash | undefined

  /** @param hash Takes up the whole text of each event; too slow to be a part of what is measured. */
  constructor(hash?: Hash) {
    this.#hash = hash
  }

  add(type: string, data: string, id: string): void {
    // Reading a character makes the engine put together a text of which it only noted the parts, as every real use does.
    const middle = data.charCodeAt(data.length >> 1)
    this.checksum = (Math.imul(this.checksum, 31) + data.length * 7 + middle + type.length * 5 + id.length) | 0
    this.#hash?.update(JSON.stringify([type, data, id]))
  }
}

/** Work that must add exactly these events to its tally, in this order. */
export function workload(events: readonly Event[], work: (tally: Tally) => void | Promise<void>): Workload {
  const all = (tally: Tally) => {
    for (const { type, data, id } of events) tally.add(type, data, id)
  }
  const quick = new Tally()
  all(quick)
  return {
    units: events.length,
    expected: quick.checksum,
    check: async () => {
      if ((await digest(work)) !== (await digest(all))) throw new Error('Expected the events of the corpus, got others')
    },
    pass: () => {
      const tally = new Tally()
      const done = work(tally)
      return done === undefined ? tally.checksum : done.then(() => tally.checksum)
    },
  }
}

async function digest(work: (tally: Tally) => void | Promise<void>): Promise<string> {
  const hash = createHash('sha256')
  await work(new Tally(hash))
  return hash.digest('hex')
}
