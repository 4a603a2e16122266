import { HttpProblem } from './http-problem.js'
import { RetainedMap } from './retained-map.js'
import type { Run } from './run.js'

const maxKeyLength = 255

/** Remembers which request started which run, by its `Idempotency-Key` (PROTOCOL.md §10). */
export class IdempotencyKeys {
  readonly #runs: RetainedMap<{ readonly fingerprint: string; readonly run: Promise<Run> }>

  /** @param retention Milliseconds that a key is remembered after its run has ended. */
  constructor(retention: number) {
    this.#runs = new RetainedMap(retention)
  }

  /**
   * Starts a run, or gives the one that the same request started before.
   *
   * @param fingerprint Names the request's body: the same bytes have the same fingerprint.
   * @throws HttpProblem 400 for a key that is too long, 422 for a key that came with another request.
   */
  async once(key: string | undefined, fingerprint: string, start: () => Promise<Run>): Promise<Run> {
    if (key === undefined) return start()
    if (key === '' || key.length > maxKeyLength) {
      throw new HttpProblem({
        status: 400,
        code: 'malformed_idempotency_key',
        detail: `Expected an Idempotency-Key of 1 to ${maxKeyLength} characters.`,
      })
    }
    const known = this.#runs.get(key)
    if (known) {
      if (known.fingerprint === fingerprint) return known.run
      throw new HttpProblem({
        status: 422,
        code: 'idempotency_key_reused',
        detail: 'This Idempotency-Key came with a different request before. Use a new key for a new request.',
      })
    }
    const run = start()
    this.#runs.set(key, { fingerprint, run })
    run.then(
      async ({ ended }) => {
        await ended
        this.#runs.release(key)
      },
      // A request that started nothing may be sent again.
      () => this.#runs.delete(key),
    )
    return run
  }
}
