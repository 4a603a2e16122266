import { AgeWheel } from './age-wheel.js'
import { EndedStreams } from './ended-streams.js'
import type { Append, Appended, EventLog, LogPage, OpenedStream, ReadLimits } from './event-log.js'
import { expectDuration, expectLimit, expectOptions } from './expect-option.js'
import { MemoryStream, sizeOfEntry, sizeOfStream } from './memory-stream.js'
import { createEpoch } from './random.js'
import { SseServerError } from './server-error.js'
import { startTimer, type Timer } from './timer.js'
import { WakeUps } from './wake-ups.js'

export interface MemoryEventLogOptions {
  /**
   * Events kept of one stream. Older ones are dropped, and their readers get a gap.
   * @default 10_000
   */
  readonly maxEvents?: number | undefined
  /**
   * Bytes kept of one stream: data, types, internals and 128 for each event. The process takes up to about three times as much,
   * since the encoded form is kept beside the text.
   * @default 8 * 2 ** 20
   */
  readonly maxBytes?: number | undefined
  /**
   * Bytes kept of all streams, where each stream counts 1 KiB and its id beside its events: it bounds their number too. Over it, ended
   * streams go first (the one that ended first), then the oldest events of the stream that has been silent longest.
   * @default 256 * 2 ** 20
   */
  readonly maxTotalBytes?: number | undefined
  /**
   * Milliseconds for which an event is kept; `0`, `false` or `Infinity`: any time. An older one is dropped at most a twentieth of this (or
   * 100 ms) later, and its readers get a gap. The newest event of a stream stays, so age alone never drops a stream.
   * @default Infinity
   */
  readonly maxAge?: number | false | undefined
  /**
   * Milliseconds for which an ended stream is kept. `Infinity`: until `maxTotalBytes` or `delete()`. A stream that has not ended
   * is never dropped by age.
   * @default 5 * 60_000
   */
  readonly retention?: number | undefined
}

/**
 * Streams in the memory of this process: they survive every disconnect, and nothing else. The newest event of a stream is never
 * dropped alone, so the end of a stream is never lost before the stream.
 */
export class MemoryEventLog implements EventLog {
  readonly #maxEvents: number
  readonly #maxBytes: number
  readonly #maxTotalBytes: number
  readonly #maxAge: number
  readonly #retention: number

  readonly #streams = new Map<string, MemoryStream>()
  /** All are kept equally long, so the order of ends is the order of drops. */
  readonly #ended = new EndedStreams()
  /** Streams with an event to spare, the one that was silent longest first. */
  readonly #trimmable = new Set<MemoryStream>()
  readonly #ages: AgeWheel | undefined
  readonly #wakeUps = new WakeUps()
  #lastFence = 0
  #totalBytes = 0
  #timer: Timer | undefined

  /** @throws TypeError where an option is out of range. */
  constructor(options: MemoryEventLogOptions = {}) {
    expectOptions('MemoryEventLog', options, ['maxEvents', 'maxBytes', 'maxTotalBytes', 'maxAge', 'retention'])
    this.#maxEvents = expectLimit('maxEvents', options.maxEvents, 10_000)
    this.#maxBytes = expectLimit('maxBytes', options.maxBytes, 8 * 2 ** 20)
    this.#maxTotalBytes = expectLimit('maxTotalBytes', options.maxTotalBytes, 256 * 2 ** 20)
    this.#maxAge = expectDuration('maxAge', options.maxAge, Number.POSITIVE_INFINITY) || Number.POSITIVE_INFINITY
    if (this.#maxAge !== Number.POSITIVE_INFINITY) {
      this.#ages = new AgeWheel(this.#maxAge, (stream, now) => this.#dropOld(stream, now))
    }
    this.#retention = expectDuration('retention', options.retention, 5 * 60_000)
    if (this.#retention === 0) {
      throw new TypeError('Expected `retention` to be more than 0, or no reader would see the end of a stream')
    }
  }

  /** Streams held now. */
  get streams(): number {
    return this.#streams.size
  }

  /** Bytes held now, counted as `maxTotalBytes` counts them. */
  get bytes(): number {
    return this.#totalBytes
  }

  open(streamId: string): OpenedStream {
    let stream = this.#streams.get(streamId)
    const isNew = stream === undefined
    if (isNew) this.#makeRoom(streamId, sizeOfStream(streamId))
    this.#lastFence += 1
    if (stream === undefined) {
      stream = new MemoryStream(streamId, createEpoch(), this.#lastFence)
      this.#streams.set(streamId, stream)
      this.#totalBytes += stream.totalSize
    }
    stream.fence = this.#lastFence
    const opened = { epoch: stream.epoch, fence: stream.fence, head: stream.head, ended: stream.ended }
    // Last, since what is woken may use the log.
    if (isNew) this.#wakeUps.wake(streamId)
    return opened
  }

  append(streamId: string, append: Append): Appended {
    const stream = this.#streams.get(streamId)
    if (stream === undefined) {
      throw new SseServerError('unknown_stream', 'The log does not hold this stream', { streamId })
    }
    if (append.fence !== stream.fence) {
      throw new SseServerError('fenced', 'Another producer has taken this stream over', { streamId })
    }
    if (append.producerNumber <= stream.lastProducerNumber(append.fence)) {
      const first = stream.find(append.fence, append.producerNumber)
      if (first !== undefined) return { epoch: stream.epoch, first }
      throw new SseServerError('unknown_append', `The events of append ${append.producerNumber} are gone`, { streamId })
    }
    if (stream.ended) throw new SseServerError('stream_ended', 'This stream has ended', { streamId })
    let size = 0
    for (const entry of append.entries) size += sizeOfEntry(entry)
    this.#makeRoom(streamId, size)
    if (this.#streams.get(streamId) !== stream) {
      // Somebody who was told of what made room dropped it.
      throw new SseServerError('unknown_stream', 'The log does not hold this stream', { streamId })
    }
    const before = stream.size
    const now = this.#ages === undefined ? 0 : Math.ceil(performance.now())
    const first = stream.add(append, now)
    this.#totalBytes += stream.size - before
    while (stream.count > 1 && (stream.count > this.#maxEvents || stream.size > this.#maxBytes)) this.#drop(stream)
    // The one that was the newest may have been too old for long.
    this.#dropOld(stream, now)
    this.#trimmable.delete(stream)
    if (stream.ended) this.#retire(stream)
    else if (stream.count > 1) this.#trimmable.add(stream)
    if (stream.count > 1) this.#ages?.add(stream)
    this.#wakeUps.wake(streamId)
    return { epoch: stream.epoch, first }
  }

  read(streamId: string, after: number, limits: ReadLimits): LogPage | undefined {
    return this.#streams.get(streamId)?.read(after, limits)
  }

  subscribe(streamId: string, wake: () => void): () => void {
    return this.#wakeUps.subscribe(streamId, wake)
  }

  trim(streamId: string, oldest: number): void {
    const stream = this.#streams.get(streamId)
    if (stream === undefined) return
    while (stream.count > 1 && stream.oldest < oldest) this.#drop(stream)
  }

  delete(streamId: string): boolean {
    const stream = this.#streams.get(streamId)
    if (stream === undefined) return false
    this.#totalBytes -= stream.totalSize
    this.#streams.delete(streamId)
    this.#ended.delete(stream)
    this.#trimmable.delete(stream)
    this.#ages?.delete(stream)
    this.#wakeUps.wake(streamId)
    return true
  }

  /** Drops everything and stops the timers. */
  close(): void {
    for (const streamId of [...this.#streams.keys()]) this.delete(streamId)
    this.#timer?.stop()
    this.#timer = undefined
    this.#ages?.stop()
  }

  #makeRoom(streamId: string, size: number): void {
    while (this.#totalBytes + size > this.#maxTotalBytes) {
      const { oldest } = this.#ended
      if (oldest !== undefined && size <= this.#maxTotalBytes) {
        this.delete(oldest.stream.id)
        continue
      }
      const [silent] = this.#trimmable
      // What cannot fit at all must not cost others theirs.
      if (silent === undefined || size > this.#maxTotalBytes) {
        throw new SseServerError('log_full', `The log holds ${this.#totalBytes} bytes that it may not drop`, {
          streamId,
          bytes: size,
          maxBytes: this.#maxTotalBytes,
        })
      }
      this.#drop(silent)
    }
  }

  #drop(stream: MemoryStream): void {
    const before = stream.size
    stream.dropOldest()
    this.#totalBytes -= before - stream.size
    if (stream.count <= 1) this.#trimmable.delete(stream)
  }

  #dropOld(stream: MemoryStream, now: number): void {
    while (stream.count > 1 && stream.oldestTime + this.#maxAge <= now) this.#drop(stream)
  }

  #retire(stream: MemoryStream): void {
    this.#ended.add(stream, performance.now() + this.#retention)
    this.#timer ??= startTimer(this.#retention, () => this.#expire())
  }

  #expire(): void {
    this.#timer = undefined
    const now = performance.now()
    for (let { oldest } = this.#ended; oldest !== undefined; oldest = this.#ended.oldest) {
      if (oldest.due > now) {
        this.#timer = startTimer(oldest.due - now, () => this.#expire())
        return
      }
      this.delete(oldest.stream.id)
    }
  }
}
