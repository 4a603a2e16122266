import { availableParallelism } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ToolContext } from '@x/dag-executor'
import { Piscina } from 'piscina'
import type { FileBatch } from './file-batch.js'
import type * as worker from './worker.js'

type Analyses = typeof worker
type Input<Name extends keyof Analyses> = Parameters<Analyses[Name]>[0]
type Output<Name extends keyof Analyses> = Awaited<ReturnType<Analyses[Name]>>
type BatchName = { [Name in keyof Analyses]: Input<Name> extends FileBatch ? Name : never }[keyof Analyses]

/** How many files a worker gets at a time: few enough for progress, a quick abort, and fairness between scans. */
const batchSize = 250
/** A file that blows up an analysis ends its worker, not the process. */
const maxWorkerMemory = 512
const idleTimeout = 30_000

/**
 * The worker's file. In the build it lies beside this one (both are in dist, whatever chunk this became); where the
 * sources run as they are, Node 20 could not load a worker in TypeScript, so it is the built one, and the package must
 * have been built.
 */
const defaultWorkerFile = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/scanner-worker.js' : './scanner-worker.js',
  import.meta.url,
)

export interface AnalysisPoolOptions {
  /** @default one less than the processors, from 1 to 4: the event loop keeps one for itself. */
  readonly maxThreads?: number | undefined
  /** @default `scanner-worker.js` of the build. */
  readonly workerFile?: URL | undefined
}

/** The worker threads of all scans. None is started before there is work, and idle ones end. */
export class AnalysisPool {
  readonly #maxThreads: number
  readonly #workerFile: string
  #pool: Piscina | undefined
  #running = 0
  #idle: NodeJS.Timeout | undefined
  #closed = false
  #turn: Promise<unknown> = Promise.resolve()

  constructor({ maxThreads, workerFile = defaultWorkerFile }: AnalysisPoolOptions = {}) {
    this.#maxThreads = maxThreads ?? Math.min(4, Math.max(1, availableParallelism() - 1))
    this.#workerFile = fileURLToPath(workerFile)
  }

  /**
   * Runs one analysis in a worker; an abort ends the worker.
   *
   * @throws the reason of `signal`.
   */
  async run<Name extends keyof Analyses>(name: Name, input: Input<Name>, signal: AbortSignal): Promise<Output<Name>> {
    signal.throwIfAborted()
    const pool = this.#start()
    this.#running++
    try {
      // The file is named here and not to the pool, which would wait for ever for a worker that cannot load it.
      return await pool.run(input, { filename: this.#workerFile, name, signal })
    } catch (error) {
      signal.throwIfAborted()
      throw error
    } finally {
      this.#running--
      if (this.#running === 0) this.#idle = setTimeout(() => this.#end(), idleTimeout).unref()
    }
  }

  /**
   * Runs an analysis over many files, batch by batch, and tells of its progress. The outputs are in the files' order.
   */
  async runBatches<Name extends BatchName>(
    name: Name,
    { root, paths }: FileBatch,
    { signal, progress }: ToolContext,
  ): Promise<Output<Name>[]> {
    const failed = new AbortController()
    const either = AbortSignal.any([signal, failed.signal])
    const outputs: Output<Name>[] = []
    let next = 0
    let done = 0
    const work = async (): Promise<void> => {
      while (next < paths.length) {
        const start = next
        next += batchSize
        const batch: FileBatch = { root, paths: paths.slice(start, next) }
        outputs[start / batchSize] = await this.run(name, batch as Input<Name>, either)
        done += batch.paths.length
        progress(done / paths.length, `${done} of ${paths.length} files`)
      }
    }
    try {
      await Promise.all(Array.from({ length: this.#maxThreads }, work))
    } catch (error) {
      failed.abort()
      throw error
    }
    return outputs
  }

  /** Waits for a turn of the event loop of one's own: tools that start together must not add up to a long one. */
  async turn(): Promise<void> {
    this.#turn = this.#turn.then(() => setImmediate())
    await this.#turn
  }

  /** Ends every worker; what they were doing fails. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#end()
  }

  #start(): Piscina {
    if (this.#closed) throw new Error('The analysis pool is closed')
    clearTimeout(this.#idle)
    if (this.#pool) return this.#pool
    this.#pool = new Piscina({
      idleTimeout,
      maxThreads: this.#maxThreads,
      // With none, tasks that wait behind one that was aborted or that killed its worker would wait for ever.
      minThreads: 1,
      // Where processors are few, the event loop goes first. Only Linux knows a priority of a thread alone.
      niceIncrement: process.platform === 'linux' ? 10 : 0,
      resourceLimits: { maxOldGenerationSizeMb: maxWorkerMemory },
    })
    // A result that comes after its task was aborted. What goes wrong with a task fails the task itself.
    this.#pool.on('error', () => {})
    return this.#pool
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idle)
    const pool = this.#pool
    this.#pool = undefined
    await pool?.destroy()
  }
}
