import type { Append, LogEntry, LogPage, NewEntry, ReadLimits } from './event-log.js'

/** What an entry costs beside its texts, roughly. It keeps tiny events from making the byte limits meaningless. */
const overhead = 128

/** What a stream costs beside its entries, roughly. It does the same for tiny streams. */
const streamOverhead = 1_024

interface KeptEntry extends LogEntry {
  readonly size: number
  readonly fence: number
  readonly producerNumber: number
  /** Sequence of the first entry of the same append. */
  readonly first: number
  /** When it was appended. */
  readonly time: number
}

/** Stands where an entry was dropped, so that the entry itself can be collected at once. */
const dropped: KeptEntry = {
  sequence: 0,
  type: '',
  data: '',
  bytes: 0,
  size: 0,
  fence: 0,
  producerNumber: 0,
  first: 0,
  time: 0,
}

/** Bytes that an entry takes. Type and `internal` count by their length: a bound on memory needs no exact bytes. */
export function sizeOfEntry(entry: NewEntry): number {
  return overhead + entry.type.length + entry.bytes + (entry.internal?.length ?? 0)
}

/** Bytes that a stream takes without its entries. */
export function sizeOfStream(streamId: string): number {
  return streamOverhead + streamId.length
}

/** One stream in memory: a run of entries that grows at its end and is dropped from its beginning. */
export class MemoryStream {
  readonly id: string
  readonly epoch: string
  fence: number
  ended = false
  /** Where an {@link AgeWheel} keeps this stream. */
  spoke: Set<MemoryStream> | undefined

  #entries: KeptEntry[] = []
  /** Entries before this index are dropped. They are cut off in large pieces, so that dropping one costs the same at any length. */
  #start = 0
  #head = 0
  #size = 0

  /** What was read last, until the stream changes: readers at the head all ask for the same page. */
  #page: LogPage | undefined
  #asked = { after: -1, maxEvents: 0, maxBytes: 0 }

  constructor(id: string, epoch: string, fence: number) {
    this.id = id
    this.epoch = epoch
    this.fence = fence
  }

  get head(): number {
    return this.#head
  }

  get count(): number {
    return this.#entries.length - this.#start
  }

  get oldest(): number {
    return this.#head - this.count + 1
  }

  /** When the oldest kept event was appended; `Infinity` where none is kept. */
  get oldestTime(): number {
    return this.#entries[this.#start]?.time ?? Number.POSITIVE_INFINITY
  }

  /** Bytes of the kept entries. */
  get size(): number {
    return this.#size
  }

  /** Bytes of the kept entries and of the stream itself. */
  get totalSize(): number {
    return this.#size + sizeOfStream(this.id)
  }

  /** Adds the entries of an append made at a time, and returns the sequence of the first. */
  add({ entries, fence, producerNumber, end }: Append, time: number): number {
    const first = this.#head + 1
    this.#page = undefined
    for (const entry of entries) {
      const { type, data, bytes, internal } = entry
      const size = sizeOfEntry(entry)
      this.#head += 1
      this.#size += size
      const sequence = this.#head
      this.#entries.push({
        sequence,
        type,
        data,
        bytes,
        internal,
        size,
        fence,
        producerNumber,
        first,
        time,
        frame: undefined,
      })
    }
    if (end === true) this.ended = true
    return first
  }

  /** The sequence that an append got; `undefined` where it was not made or none of its events is kept. */
  find(fence: number, producerNumber: number): number | undefined {
    // From the newest on: a repeated append is nearly always the last one.
    for (let index = this.#entries.length - 1; index >= this.#start; index--) {
      const entry = this.#entries[index]!
      if (entry.fence !== fence || entry.producerNumber < producerNumber) return undefined
      if (entry.producerNumber === producerNumber) return entry.first
    }
    return undefined
  }

  /** The number of the newest append under a fence; 0 where there was none. */
  lastProducerNumber(fence: number): number {
    const last = this.#entries.at(-1)
    return last?.fence === fence ? last.producerNumber : 0
  }

  read(after: number, { maxEvents, maxBytes }: ReadLimits): LogPage {
    const asked = this.#asked
    if (this.#page && asked.after === after && asked.maxEvents === maxEvents && asked.maxBytes === maxBytes) {
      return this.#page
    }
    const oldest = this.oldest
    const from = this.#start + Math.max(0, after + 1 - oldest)
    let until = from
    let bytes = 0
    while (until < this.#entries.length && until - from < maxEvents) {
      bytes += this.#entries[until]!.bytes
      if (bytes > maxBytes && until > from) break
      until += 1
    }
    this.#asked = { after, maxEvents, maxBytes }
    const entries = this.#entries.slice(from, until)
    this.#page = { epoch: this.epoch, entries, oldest, head: this.#head, ended: this.ended }
    return this.#page
  }

  dropOldest(): void {
    this.#page = undefined
    this.#size -= this.#entries[this.#start]?.size ?? 0
    this.#entries[this.#start] = dropped
    this.#start += 1
    if (this.#start > 64 && this.#start * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#start)
      this.#start = 0
    }
  }
}
