import { connect as connectSocket, type Socket } from 'node:net'
import type { Answer, Connect, Question } from './readers.js'

/** Connections that are being opened at a time: more would wait for retransmissions where the server's queue is full. */
const maxOpening = 256
/** An address has 28,000 ports, and those that were closed lately cannot be taken again. */
const addresses = 200
/** Milliseconds without a byte before the readers give up. */
const patience = 20_000

const size = 65_536
/** One byte more than is read into: a mark there ends every search. */
const buffer = Buffer.alloc(size + 1)
/** All sockets read into the same bytes, which are looked at before the next read. */
const target = buffer.subarray(0, size)
const digitZero = '0'.charCodeAt(0)

let opened = 0
let total = 0
let lastByteAt = performance.now()
let fault: string | undefined
let isAsked = false
let connections: Connection[] = []
/** Frames that come by themselves may be more than were asked for by the time that somebody looks. */
let isExact = true
/** Is asked again after each read: where it says true, the question is answered. */
let isDone: (() => boolean) | undefined
let kept: string[] | undefined
let clock: { readonly events: number; readonly arrivals: Float64Array; readonly from: readonly number[] } | undefined

class Connection {
  readonly #mark: number
  readonly #isNumbered: boolean
  readonly #onOpen: () => void
  readonly socket: Socket
  readonly #index: number
  frames = 0
  #head: string | undefined = ''
  #lastByte = 0

  constructor(index: number, setup: Connect, onOpen: () => void) {
    this.#index = index
    this.#mark = setup.mark.charCodeAt(0)
    this.#isNumbered = setup.isNumbered
    this.#onOpen = onOpen
    opened += 1
    this.socket = connectSocket({
      port: setup.port,
      host: '127.0.0.1',
      localAddress: `127.0.0.${1 + (opened % addresses)}`,
      onread: {
        buffer: target,
        callback: (length) => {
          this.#read(length)
          return true
        },
      },
    })
    const path = setup.streams[index % setup.streams.length]!
    this.socket.write(
      `GET /${path} HTTP/${setup.version ?? '1.1'}\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`,
    )
    this.socket.on('error', (error) => fail(error.message))
    this.socket.on('end', () => fail('A connection was closed'))
  }

  close(): void {
    this.socket.removeAllListeners('end').end()
  }

  #read(length: number): void {
    let at = 0
    if (this.#head !== undefined) {
      const before = this.#head.length
      this.#head += buffer.toString('latin1', 0, length)
      const end = this.#head.indexOf('\r\n\r\n')
      if (end === -1) return
      if (!/^HTTP\/1\.1 200 /.test(this.#head)) fail(`Expected a stream, got ${this.#head.split('\r\n', 1)}`)
      at = end + 4 - before
      if (this.#index === 0) kept?.push(this.#head.slice(0, end + 4))
      this.#head = undefined
      this.#onOpen()
    }
    if (this.#index === 0) kept?.push(buffer.toString('latin1', at, length))
    this.#count(at, length)
    lastByteAt = performance.now()
    if (isDone?.()) answer(total)
  }

  #count(from: number, length: number): void {
    buffer[length] = this.#mark
    for (let at = buffer.indexOf(this.#mark, from); at < length; at = buffer.indexOf(this.#mark, at + 1)) {
      if (this.#isNumbered) {
        const digit = at > 0 ? buffer[at - 1] : this.#lastByte
        if (digit !== digitZero + (this.frames % 10)) fail(`An event is lost, doubled or out of order (${this.frames})`)
      }
      if (clock !== undefined) this.#note(clock)
      this.frames += 1
      total += 1
    }
    this.#lastByte = buffer[length - 1]!
  }

  #note({ events, arrivals, from }: NonNullable<typeof clock>): void {
    arrivals[this.#index * events + this.frames - from[this.#index]!] = Number(process.hrtime.bigint())
  }
}

process.on('message', (question: Question) => {
  lastByteAt = performance.now()
  isAsked = true
  if (fault !== undefined) {
    fail(fault)
    return
  }
  switch (question.ask) {
    case 'connect':
      isExact = question.isNumbered
      open(question, question.count, () => answer(connections.length))
      break
    case 'receive':
      isDone = () => {
        if (isExact && total > question.total) fail(`Expected ${question.total} frames, got ${total}`)
        return total >= question.total
      }
      if (isDone()) answer(total)
      break
    case 'replay':
      replay(question)
      break
    case 'keep':
      kept = []
      answer(0)
      break
    case 'text':
      answer(kept?.join('') ?? '')
      kept = undefined
      break
    case 'clock':
      clock = {
        events: question.events,
        arrivals: new Float64Array(question.events * connections.length),
        from: connections.map(({ frames }) => frames),
      }
      answer(0)
      break
    case 'delay':
      answer(delay(question.sent, question.quantile))
      break
    default:
      throw new Error(`Not a question: ${JSON.stringify(question satisfies never)}`)
  }
})

// The server's process is gone, whatever the reason.
process.on('disconnect', () => process.exit())

setInterval(() => {
  if (!isAsked || performance.now() - lastByteAt < patience) return
  fail(`Nothing came for ${patience} ms after ${total} frames`)
}, 1_000).unref()

function open(setup: Connect, count: number, onAllOpen: () => void): void {
  let started = 0
  let open = 0
  const start = (): void => {
    started += 1
    connections.push(new Connection(connections.length, setup, onOpen))
  }
  const onOpen = (): void => {
    open += 1
    if (started < count) start()
    if (open === count) onAllOpen()
  }
  while (started < Math.min(count, maxOpening)) start()
}

function replay(question: Extract<Question, { ask: 'replay' }>): void {
  connections = []
  total = 0
  const expected = question.count * question.events
  isDone = () => {
    if (total > expected) fail(`Expected ${expected} frames, got ${total}`)
    if (total < expected) return false
    for (const connection of connections) connection.close()
    return true
  }
  open(question, question.count, () => {})
}

/** The value at a quantile of all delays of all events. */
function delay(sent: readonly number[], quantile: number): number {
  if (clock === undefined) throw new Error('Expected a clock')
  const { arrivals, events } = clock
  const delays = arrivals.map((arrival, index) => arrival - sent[index % events]!).sort()
  clock = undefined
  return delays[Math.floor((delays.length - 1) * quantile)]!
}

function answer(value: string | number): void {
  reply(fault === undefined ? { answer: value } : { error: fault })
}

/** The first fault is the answer to whatever is asked now or next. */
function fail(message: string): void {
  fault ??= message
  reply({ error: fault })
}

function reply(message: Answer): void {
  // A question has one answer.
  if (!isAsked) return
  isAsked = false
  isDone = undefined
  process.send?.(message)
}
