import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { EventStreamParser, type Gap, type ParsedEvent, parseEventId } from '@x/sse-protocol'
import type { SseServer } from '../../src/index.js'
import type { TickEvents } from '../harness.js'
import type { Dial, Line } from './lines.js'
import type { LogModel } from './log-model.js'

/** A reader, and the law that it holds against all that it is sent: the log from its cursor, or a gap before anything newer. */
export class ReaderView {
  /** The last event id, with which it comes back. */
  cursor = ''
  events = 0
  gaps = 0
  readonly #model: LogModel
  readonly #dial: Dial
  #line: Line | undefined
  #parser = new EventStreamParser()
  /** Where the connection stands; the next event is the one after it. `undefined`: it has not opened. */
  #place: { epoch: string; sequence: number } | undefined
  /** It came with a cursor, or was given one by an event or a gap. */
  #hasCursor = false
  #isAtEnd = false
  /** States of the log before the connection. */
  #before = 0
  #excuses = 0
  #wasAbsent = false
  /** A law that was broken while nobody could be told. */
  #failure: unknown

  constructor(model: LogModel, dial: Dial) {
    this.#model = model
    this.#dial = dial
  }

  get isConnected(): boolean {
    return this.#line !== undefined
  }

  /** The event after which the connection stands. */
  get place(): string {
    return this.#place === undefined ? '' : `${this.#place.epoch}-${this.#place.sequence}`
  }

  connect(sse: SseServer<TickEvents>, cursor = this.cursor): void {
    this.cut()
    this.cursor = cursor
    this.#parser = new EventStreamParser()
    this.#place = undefined
    this.#hasCursor = cursor !== ''
    this.#isAtEnd = false
    this.#before = Math.max(0, this.#model.states.length - 1)
    this.#excuses = this.#model.excuses
    this.#wasAbsent = !this.#model.exists
    this.#line = this.#dial(sse, cursor, (bytes) => {
      try {
        for (const event of this.#parser.push(bytes)) this.#take(event)
      } catch (error) {
        this.#failure ??= error
      }
    })
  }

  cut(): void {
    this.#line?.cut()
    this.#line = undefined
  }

  stall(): void {
    this.#line?.stall()
  }

  resume(): void {
    this.#line?.resume()
  }

  /** Looks at the connection. True: it is over, in a way in which it may be. */
  check(): boolean {
    if (this.#failure !== undefined) throw this.#failure
    const line = this.#line
    if (line === undefined || !(line.isOver || line.isLost)) return false
    const isExcused = this.#model.excuses > this.#excuses
    if (line.isLost) ok(isExcused, 'a connection was lost for no reason')
    else if (line.status === 200) {
      // A cursor that was ahead may have become the end meanwhile, without anything to send.
      const isDone = this.#isAtEnd || this.#wasEndSince(this.place)
      ok(isDone || isExcused, 'a body ended without the terminal event')
    } else if (line.status === 204) ok(this.#wasEndSince(this.cursor), '204 before the end of the stream')
    else if (line.status === 404) ok(isExcused || this.#wasAbsent, '404 for a stream that is there')
    else if (line.status === 503) ok(isExcused, '503 of a server that is open')
    else ok(false, `status ${line.status}`)
    this.#line = undefined
    return true
  }

  /** The status of the answer, where it has come. */
  get status(): number | undefined {
    return this.#line?.status
  }

  #take(event: ParsedEvent): void {
    ok(!this.#isAtEnd, 'something follows the terminal event')
    if (this.#place === undefined) this.#open(event)
    else if (event.type === 'stream:gap') this.#skip(event.id, JSON.parse(event.data))
    else this.#step(event)
  }

  #open(event: ParsedEvent): void {
    strictEqual(event.type, 'heartbeat')
    if (this.#hasCursor) strictEqual(event.id, this.cursor)
    this.#place = parseEventId(event.id!)!
    if (!this.#hasCursor) strictEqual(this.#place.sequence, 0)
    const { head } = JSON.parse(event.data)
    ok(
      this.#statesSince().some((state) => `${state.epoch}-${state.head}` === head),
      'a head that never was',
    )
  }

  #skip(id: string | undefined, gap: Gap): void {
    const place = this.#place!
    const { epoch, sequence: oldest } = parseEventId(gap.oldest)!
    strictEqual(id, undefined)
    strictEqual(gap.requested, this.#hasCursor ? this.place : null)
    const state = this.#statesSince().find(
      (each) => each.epoch === epoch && `${epoch}-${each.head}` === gap.head && each.oldest === oldest,
    )
    ok(state, `a gap ${JSON.stringify(gap)} that never was`)
    const expected =
      place.epoch !== epoch
        ? { reason: 'epoch', missed: null }
        : place.sequence > state.head
          ? { reason: 'ahead', missed: null }
          : { reason: 'evicted', missed: oldest - 1 - place.sequence }
    deepStrictEqual({ reason: gap.reason, missed: gap.missed }, expected)
    if (gap.missed !== null) ok(gap.missed > 0, 'a gap in which nothing is missing')
    this.gaps += 1
    this.#place = { epoch, sequence: oldest - 1 }
    this.#hasCursor = true
  }

  #step({ id, type, data }: ParsedEvent): void {
    const { epoch, sequence } = this.#place!
    strictEqual(id, `${epoch}-${sequence + 1}`)
    const expected = this.#model.event(epoch, sequence + 1)
    deepStrictEqual({ type, data }, expected)
    this.events += 1
    this.cursor = id!
    this.#place = { epoch, sequence: sequence + 1 }
    this.#hasCursor = true
    this.#isAtEnd = type === 'done'
  }

  #statesSince() {
    return this.#model.states.slice(this.#before)
  }

  #wasEndSince(cursor: string): boolean {
    return this.#statesSince().some(({ epoch, head, ended }) => ended && `${epoch}-${head}` === cursor)
  }
}
