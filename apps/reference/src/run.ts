import { HttpProblem } from './http-problem.js'

/** Seconds. */
const retryAfter = '5'

/** A run that has begun. */
export interface Run {
  /** Names its stream too. */
  readonly id: string
  /** Resolves, and never rejects, when the run and its stream have ended. */
  readonly ended: Promise<void>
}

/** Counts the runs at work, and refuses one too many before it starts. */
export class RunLimit {
  readonly #maximum: number
  readonly #isClosing: () => boolean
  #running = 0

  /** @param isClosing Whether no run may begin any more. */
  constructor(maximum: number, isClosing: () => boolean) {
    this.#maximum = maximum
    this.#isClosing = isClosing
  }

  get running(): number {
    return this.#running
  }

  /** Takes a place until `ended` settles. @throws HttpProblem 503 where there is none, or the server ends. */
  async take(begin: () => Promise<Run>): Promise<Run> {
    if (this.#isClosing()) {
      const detail = 'The server shuts down. Try again later.'
      throw new HttpProblem({ status: 503, code: 'closing', detail }, { 'Retry-After': retryAfter })
    }
    if (this.#running >= this.#maximum) {
      const detail = `${this.#maximum} runs are at work already. Try again later.`
      throw new HttpProblem({ status: 503, code: 'too_many_runs', detail }, { 'Retry-After': retryAfter })
    }
    this.#running += 1
    const leave = () => {
      this.#running -= 1
    }
    try {
      const run = await begin()
      void run.ended.then(leave)
      return run
    } catch (error) {
      leave()
      throw error
    }
  }
}
