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
  #running = 0

  constructor(maximum: number) {
    this.#maximum = maximum
  }

  get running(): number {
    return this.#running
  }

  /** Takes a place until `ended` settles. @throws HttpProblem 503 where there is none. */
  async take<Begun extends Run>(begin: () => Promise<Begun>): Promise<Begun> {
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
