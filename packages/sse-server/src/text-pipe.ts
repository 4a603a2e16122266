import { afterThisTurn } from './after-this-turn.js'
import { Interruption } from './interruption.js'

/** A piece of a text and its place in it (PROTOCOL.md §8.2). Lengths are in UTF-16 units. */
export interface TextChunk {
  readonly text: string
  /** Counts the chunks from 0. */
  readonly index: number
  /** Length of the text before this piece. */
  readonly offset: number
}

/** A text that comes bit by bit: the `textStream` of a model, an async generator, a ReadableStream of text; or one that is there already. */
export type TextSource = AsyncIterable<string> | Iterable<string>

type PublishChunk = (chunk: TextChunk) => Promise<unknown>

/** Longer pieces would keep a reader waiting for its first words. */
const maxChunkUnits = 8_192

/** Units that may wait for the log before the source is made to wait too. */
const maxWaitingUnits = 65_536

/**
 * Makes chunks of texts, one after the other. While a chunk is on its way into the log, what the source gives meanwhile becomes the next
 * one, so that a log that takes a while is asked less often. No chunk begins or ends within a surrogate pair.
 */
export class TextPipe {
  readonly #maxUnits: number
  #index: number
  #offset: number
  #waiting = ''
  #writing = Promise.resolve()
  #isWriting = false
  #last: Promise<unknown> = Promise.resolve()
  /** Of the pipe that is open. */
  #interruption = new Interruption()
  #stopped: { readonly reason: unknown } | undefined

  /** @param maxPayloadBytes The limit of one event's data, in bytes of UTF-8. */
  constructor(maxPayloadBytes: number, { index, offset }: Pick<TextChunk, 'index' | 'offset'>) {
    // A JSON escape takes up to six bytes for one unit, the other members up to 256 together.
    this.#maxUnits = Math.min(maxChunkUnits, Math.max(2, Math.floor((maxPayloadBytes - 256) / 6)))
    this.#index = index
    this.#offset = offset
  }

  /**
   * Resolves with the whole text of the source when the log holds it. Calls go one after the other.
   *
   * @throws What the source or the log throws; the signal's reason, once it aborts, unless the text is there already; TypeError where the
   * source gives no text.
   */
  pipe(source: TextSource, signal: AbortSignal, publish: PublishChunk): Promise<string> {
    const whole = this.#last.then(() =>
      typeof source === 'string' ? this.#pipe([source], signal, publish) : this.#pipe(source, signal, publish),
    )
    this.#last = whole.catch(() => {})
    return whole
  }

  /** Ends the pipe that is open, and those that wait for it. */
  stop(reason: unknown): void {
    this.#stopped = { reason }
    this.#interruption.interrupt(reason)
  }

  async #pipe(source: TextSource, signal: AbortSignal, publish: PublishChunk): Promise<string> {
    if (this.#stopped) throw this.#stopped.reason
    const interruption = new Interruption()
    this.#interruption = interruption
    const abort = (): void => interruption.interrupt(signal.reason)
    if (comesLater(source)) {
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort)
    }
    let whole = ''
    try {
      for await (const text of untilInterrupted(source, interruption)) {
        if (typeof text !== 'string') throw new TypeError(`Expected the source to give texts, got ${typeof text}`)
        whole += text
        this.#waiting += text
        const writing = this.#write(publish)
        if (this.#waiting.length > maxWaitingUnits) await writing
      }
    } finally {
      signal.removeEventListener('abort', abort)
      // Also what came before the source failed.
      if (!interruption.isInterrupted) await this.#writing
      if (!interruption.isInterrupted) await this.#write(publish, true)
      this.#waiting = ''
    }
    interruption.check()
    return whole
  }

  /** What is being written; begins, where nothing is. A failure interrupts the pipe. */
  #write(publish: PublishChunk, isLast = false): Promise<void> {
    if (!this.#isWriting && !this.#interruption.isInterrupted) {
      this.#writing = this.#writeAll(publish, isLast).catch(this.#interruption.interrupt)
    }
    return this.#writing
  }

  async #writeAll(publish: PublishChunk, isLast: boolean): Promise<void> {
    this.#isWriting = true
    try {
      // What comes in one turn, as several pieces of a model often do, is one chunk.
      if (!isLast) await new Promise<void>(afterThisTurn)
      for (let text = this.#take(isLast); text !== ''; text = this.#take(isLast)) {
        await publish({ text, index: this.#index, offset: this.#offset })
        this.#index += 1
        this.#offset += text.length
      }
    } finally {
      this.#isWriting = false
    }
  }

  /** The next piece of what waits. The first half of a pair stays, unless nothing can follow. */
  #take(isLast: boolean): string {
    const waiting = this.#waiting
    let end = Math.min(waiting.length, this.#maxUnits)
    const isAll = end === waiting.length
    if (isHighSurrogate(waiting.charCodeAt(end - 1)) && !(isLast && isAll)) end -= 1
    this.#waiting = waiting.slice(end)
    return waiting.slice(0, end)
  }
}

/** The values of a source, until it ends or the interruption, which throws. */
async function* untilInterrupted(source: TextSource, interruption: Interruption): AsyncGenerator<unknown, void> {
  const iterator = open(source)
  let isOver = false
  try {
    for (;;) {
      const next = await interruption.wait(iterator.next()).catch((error: unknown) => {
        // What throws by itself is over.
        isOver = !interruption.isInterrupted
        throw error
      })
      isOver = next.done === true
      if (isOver) return
      yield next.value
    }
  } finally {
    // A source that does not answer is not waited for.
    if (!isOver) close(iterator)
  }
}

function close(iterator: AsyncIterator<unknown> | Iterator<unknown>): void {
  try {
    Promise.resolve(iterator.return?.()).catch(() => {})
  } catch {
    // It is given up in any case.
  }
}

function open(source: TextSource): AsyncIterator<unknown> | Iterator<unknown> {
  if (comesLater(source)) return source[Symbol.asyncIterator]()
  if (typeof source === 'object' && source !== null && Symbol.iterator in source) return source[Symbol.iterator]()
  throw new TypeError(`Expected \`source\` to be an async iterable of texts, got ${typeof source}`)
}

function comesLater(source: TextSource): source is AsyncIterable<string> {
  return typeof source === 'object' && source !== null && Symbol.asyncIterator in source
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
