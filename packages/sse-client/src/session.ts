import type { ParsedEvent } from '@x/sse-protocol'
import { startTimer } from './clock.js'
import { connect } from './connection.js'
import { Cursor } from './cursor.js'
import { EventStreamError, type EventStreamFailure } from './event-stream-error.js'
import { type Input, type Machine, startMachine, transition } from './machine.js'
import type { ResolvedOptions } from './options.js'
import { followPage } from './page-life.js'
import { type ReaderHooks, readEvent } from './reader.js'
import { planRequest, type RequestSettings } from './request.js'
import type { StreamEvent } from './stream-event.js'
import type { StreamGap } from './stream-gap.js'

/** What a session tells its client. Only these run foreign code, and each only once everything else is in order. */
export interface SessionHooks {
  dispatch(type: string, fields?: object): void
  deliver(event: StreamEvent): void
  settle(event: StreamEvent | undefined, error: EventStreamError | undefined): void
  room(): Promise<void> | undefined
}

/** A heartbeat may be late by more than its interval before the connection counts as dead (PROTOCOL.md §5.2). */
const silentIntervals = 2.5
/** Milliseconds: whatever a server says of its heartbeats, it is not to be asked all the time. */
const shortestSilence = 1_000
/** How often a connection may be ended because comments stay away. */
const maxGuesses = 3

/** Drives the machine: does what a state asks for, and turns what comes of it into the machine's inputs. */
export class Session implements ReaderHooks {
  readonly #options: ResolvedOptions
  readonly #hooks: SessionHooks
  readonly #cursor: Cursor
  readonly #request: RequestSettings
  /** Where the session is. */
  machine: Machine
  /** Ends what the present state runs: a connection or a wait. */
  #leave = (): void => {}
  #unfollow: (() => void) | undefined
  /** Milliseconds of silence after which a connection counts as dead; 0: never. */
  #silence = 0
  #hasHeartbeat = false
  /** Connections that were ended by what was learned from comments. */
  #guesses = 0
  #last: StreamEvent | undefined

  constructor(url: string, options: ResolvedOptions, hooks: SessionHooks) {
    this.#request = { ...options, url }
    this.#options = options
    this.#hooks = hooks
    this.#cursor = new Cursor(options.lastEventId, options.events !== undefined)
    this.machine = startMachine(options.policy, options.method)
  }

  get lastEventId(): string {
    return this.#cursor.value
  }

  /** Makes a transition and does what its state asks for. The events of the stream come before those of the client's own. */
  apply(input: Input, deliver?: () => void): void {
    const { clock, random, policy } = this.#options
    const { state: previous, transport: before } = this.machine
    const machine = transition(this.machine, input, policy, { now: clock.now(), jitter: random() })
    const { state, transport, delay, drop, event, failure } = machine
    this.machine = machine
    if (state === previous) {
      if (transport !== before) this.#hooks.dispatch('statechange', { previous, state, transport })
      return
    }
    if (state !== 'open') {
      this.#leave()
      this.#leave = () => {}
    }
    if (state === 'connecting') {
      this.#leave = this.#connect()
      this.#unfollow ??= followPage(
        () => this.apply({ type: 'dropped', drop: { reason: 'pagehide' } }),
        () => {
          // What the server asked to wait for is waited for.
          if (this.machine.drop?.reason !== 'status') this.apply({ type: 'open' })
        },
      )
    } else if (state === 'waiting') {
      this.#leave = startTimer(clock, delay, () => this.apply({ type: 'open' }))
    } else if (state !== 'open') {
      this.#unfollow?.()
      this.#unfollow = undefined
    }
    deliver?.()
    this.#hooks.dispatch('statechange', { previous, state, transport, ...(state === 'waiting' && { delay, drop }) })
    if (state === 'open' && this.machine === machine) this.#hooks.dispatch('open')
    if (state === 'ended') this.#hooks.settle(event, failure && new EventStreamError(failure))
  }

  #connect(): () => void {
    const cursor = this.#cursor
    cursor.connect()
    // What was learned from comments holds for the connection in which it was learned.
    if (!this.#hasHeartbeat) this.#silence = this.#options.silenceTimeout ?? 0
    return connect(this.#options, {
      plan: (headers, wait) => {
        const { request } = this.machine
        if (request === 'spent') return undefined
        return planRequest(this.#request, headers, { ...this.machine, cursor: cursor.value, wait })
      },
      cursor: () => cursor.value,
      silence: () => this.#silence,
      learn: (interval) => {
        // A guess must not end a stream that could not be resumed, and not be made again and again where it was wrong.
        if (!this.#hasHeartbeat && this.machine.request !== 'spent' && this.#guesses < maxGuesses) this.#learn(interval)
      },
      tell: (input) => this.#hear(input),
      read: (event) => this.#read(event),
      settle: (lastEventId) => cursor.settle(lastEventId),
      speak: () => cursor.speak(),
      seed: (lastEventId) => cursor.seed(lastEventId),
      room: this.#hooks.room,
    })
  }

  #learn(interval: number): void {
    if (this.#options.silenceTimeout === undefined)
      this.#silence = interval && Math.max(shortestSilence, interval * silentIntervals)
  }

  #hear(input: Input): void {
    const requested = this.lastEventId
    if (input.type === 'dropped' && input.drop.reason === 'silence' && !this.#hasHeartbeat) this.#guesses += 1
    if (input.type === 'finished') this.apply({ ...input, event: this.#last })
    else if (input.type === 'failed' && input.failure.status === 404 && requested) {
      // §4.5: this reader had events of a stream that is gone.
      const gap: StreamGap = { requested, oldest: null, head: null, missed: null, reason: 'gone' }
      const leave = this.#leave
      this.#hooks.dispatch('gap', { gap })
      if (this.#leave === leave) this.apply({ type: 'failed', failure: { ...input.failure, code: 'gap', gap } })
    } else this.apply(input)
  }

  #read(parsed: ParsedEvent): void {
    readEvent(parsed, this.#cursor, this.#options.events, this)
  }

  /** A heartbeat of the server's (§5.2). */
  heartbeat(interval: number): void {
    this.#hasHeartbeat = true
    this.#learn(interval)
  }

  /** An event of the stream, which the cursor has moved past. */
  event(event: StreamEvent, isTerminal: boolean): void {
    this.#last = event
    // The end comes first: a listener that calls close() on the terminal event, as many do, must not prevent it.
    if (isTerminal) this.apply({ type: 'finished', event }, () => this.#hooks.deliver(event))
    else this.#hooks.deliver(event)
  }

  /** The stream cannot be read on. */
  fail(failure: EventStreamFailure): void {
    this.apply({ type: 'failed', failure })
  }

  /** Events are missing. Returns whether to read on. */
  gap(gap: StreamGap): boolean {
    const { onGap } = this.#options
    const leave = this.#leave
    const failure: EventStreamFailure = { code: 'gap', message: `Events are missing (${gap.reason})`, gap }
    this.#hooks.dispatch('gap', { gap })
    if (this.#leave !== leave) return false
    try {
      if ((typeof onGap === 'function' ? onGap(gap) : onGap) === 'fail') this.fail(failure)
    } catch (cause) {
      this.fail({ ...failure, cause })
    }
    return this.#leave === leave
  }
}
