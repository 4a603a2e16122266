import type { ParsedEvent } from '@x/sse-protocol'
import { startTimer } from './clock.js'
import { Connection, type Report } from './connection.js'
import { Cursor } from './cursor.js'
import { EventStreamError, type EventStreamFailure } from './event-stream-error.js'
import { type Effect, type Input, type Machine, type StreamState, startMachine, transition } from './machine.js'
import type { GapPolicy, ResolvedOptions } from './options.js'
import { readEvent } from './reader.js'
import { GapEvent, StateChangeEvent, type StreamEvent } from './stream-event.js'
import type { StreamGap } from './stream-gap.js'

/** What a session tells its client. Only these run foreign code, and each only once everything else is in order. */
export interface SessionHooks {
  readonly dispatch: (event: Event) => void
  readonly deliver: (event: StreamEvent) => void
  readonly settle: (outcome: StreamEvent | EventStreamError | undefined) => void
  readonly room: () => Promise<void> | undefined
}

/** A heartbeat may be late by more than its interval before the connection counts as dead (PROTOCOL.md §5.2). */
const silentIntervals = 2.5

/** Drives the machine: performs its effects, and turns what connections report into its inputs. */
export class Session {
  readonly #url: string
  readonly #options: ResolvedOptions
  readonly #hooks: SessionHooks
  readonly #cursor: Cursor
  #machine: Machine
  #connection: Connection | undefined
  #cancelWait: () => void = () => {}
  /** Milliseconds of silence after which a connection counts as dead; 0: never. */
  #silence = 0
  #last: StreamEvent | undefined

  constructor(url: string, options: ResolvedOptions, hooks: SessionHooks) {
    this.#url = url
    this.#options = options
    this.#hooks = hooks
    this.#cursor = new Cursor(options.lastEventId, options.events !== undefined)
    this.#machine = startMachine(options.retry, options.method)
  }

  get state(): StreamState {
    return this.#machine.state
  }

  get lastEventId(): string {
    return this.#cursor.value
  }

  open(): void {
    this.#apply({ type: 'open' })
  }

  close(): void {
    this.#apply({ type: 'close' })
  }

  abort(cause: unknown): void {
    this.#apply({ type: 'abort', cause })
  }

  #apply(input: Input, beforeEvents?: () => void): void {
    const previous = this.#machine.state
    const { machine, effects } = transition(this.#machine, input, this.#options.retry)
    this.#machine = machine
    for (const effect of effects) this.#perform(effect)
    beforeEvents?.()
    const { state } = machine
    const wait = effects.find((effect) => effect.type === 'wait')
    if (state !== previous) this.#hooks.dispatch(new StateChangeEvent(previous, state, wait))
    if (input.type === 'opened' && this.#machine === machine) this.#hooks.dispatch(new Event('open'))
    const outcome = effects.find((effect) => effect.type === 'resolve' || effect.type === 'reject')
    if (outcome) this.#hooks.settle(outcome.type === 'resolve' ? outcome.event : new EventStreamError(outcome.failure))
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'connect':
        this.#connection = this.#connect(effect.resumeUrl)
        break
      case 'disconnect':
        this.#connection?.close()
        this.#connection = undefined
        break
      case 'wait':
        this.#cancelWait = startTimer(this.#options.clock, effect.delay, () => this.#apply({ type: 'timer' }))
        break
      case 'cancelWait':
        this.#cancelWait()
        break
    }
  }

  #connect(resumeUrl: string | undefined): Connection {
    const { method, body, credentials, headers, fetch, clock, connectTimeout, events } = this.#options
    this.#cursor.connect()
    return new Connection({
      request: { url: this.#url, method, body, credentials },
      headers,
      cursor: this.#cursor.value,
      resumeUrl,
      fetch,
      clock,
      connectTimeout,
      // A server of this protocol speaks first (§4.4); another may have nothing to say for hours.
      firstByteTimeout: events ? connectTimeout : 0,
      silence: this.#silence,
      report: (report) => this.#hear(report),
      room: this.#hooks.room,
    })
  }

  #hear(report: Report): void {
    const { clock, random } = this.#options
    switch (report.type) {
      case 'event':
        this.#read(report.event)
        break
      case 'settled':
        this.#cursor.settle(report.lastEventId)
        break
      case 'opened':
        this.#apply({ ...report, at: clock.now() })
        break
      case 'ended':
        this.#apply({ type: 'finished', event: this.#last })
        break
      case 'refused':
        this.#refuse(report.failure)
        break
      case 'dropped':
        this.#apply({ ...report, at: clock.now(), jitter: random() })
        break
      default:
        this.#apply(report)
    }
  }

  #refuse(failure: EventStreamFailure): void {
    const requested = this.#cursor.value
    if (failure.status !== 404 || requested === '') {
      this.#apply({ type: 'failed', failure })
      return
    }
    // §4.5: this reader had events of a stream that is gone.
    const gap: StreamGap = { requested, oldest: null, head: null, missed: null, reason: 'gone' }
    this.#hooks.dispatch(new GapEvent(gap))
    this.#apply({ type: 'failed', failure: { ...failure, code: 'gap', gap } })
  }

  #read(parsed: ParsedEvent): void {
    const reading = readEvent(parsed, this.#cursor, this.#options.events)
    switch (reading.type) {
      case 'nothing':
        break
      case 'heartbeat':
        this.#silence = reading.interval * silentIntervals
        if (this.#connection) this.#connection.silence = this.#silence
        break
      case 'gap':
        this.#announce(reading.gap)
        break
      case 'failed':
        this.#apply({ type: 'failed', failure: reading.failure })
        break
      case 'event':
        // Where the gap is the end, the event is not delivered, and the cursor stays before it.
        if (reading.gap && !this.#announce(reading.gap)) break
        this.#cursor.move(parsed)
        this.#deliver(reading.event, reading.terminal)
        break
      default:
        reading satisfies never
    }
  }

  #deliver(event: StreamEvent, terminal: boolean): void {
    this.#last = event
    // The end comes first: a listener that calls close() on the terminal event, as many do, must not prevent it.
    if (terminal) this.#apply({ type: 'finished', event }, () => this.#hooks.deliver(event))
    else this.#hooks.deliver(event)
  }

  /** Returns whether to read on. */
  #announce(gap: StreamGap): boolean {
    const connection = this.#connection
    this.#hooks.dispatch(new GapEvent(gap))
    if (this.#connection !== connection) return false
    const failure: EventStreamFailure = { code: 'gap', message: `Events are missing (${gap.reason})`, gap }
    const { onGap } = this.#options
    let policy: GapPolicy
    try {
      policy = typeof onGap === 'function' ? onGap(gap) : onGap
    } catch (cause) {
      this.#apply({ type: 'failed', failure: { ...failure, cause } })
      return false
    }
    if (policy === 'fail') this.#apply({ type: 'failed', failure })
    return this.#connection === connection
  }
}
