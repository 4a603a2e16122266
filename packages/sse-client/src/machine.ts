import { reconnectDelay } from './backoff.js'
import type { EventStreamFailure } from './event-stream-error.js'
import type { StreamEvent } from './stream-event.js'

/**
 * Where a client is: not started or closed, asking, reading, waiting to ask again, or at the end, which is final.
 */
export type StreamState = 'idle' | 'connecting' | 'open' | 'waiting' | 'ended'

/** How a connection was lost. */
export type Drop =
  /** The body ended without a terminal event (PROTOCOL.md §6.4). */
  | { readonly reason: 'end' }
  | { readonly reason: 'network'; readonly error: unknown }
  /** No answer within `connectTimeout`. */
  | { readonly reason: 'timeout' }
  /** No byte for two and a half heartbeats (PROTOCOL.md §5.2). */
  | { readonly reason: 'silence' }
  /** An answer that asks to come back later; `retryAfter` in milliseconds. */
  | { readonly reason: 'status'; readonly status: number; readonly retryAfter?: number | undefined }

/** Everything that the next transition depends on. */
export interface Machine {
  readonly state: StreamState
  /** Connections that failed in a row. */
  readonly failures: number
  /** When the present connection opened, in the clock's milliseconds. */
  readonly openedAt: number
  /** The server's `retry`, or the default, in milliseconds. */
  readonly reconnectionTime: number
  /** Whether the request may be made: any number of times, once, or not again. */
  readonly request: 'repeatable' | 'unsent' | 'spent'
  /** Where a stream that did not begin with GET continues. */
  readonly resumeUrl: string | undefined
}

export type Input =
  | { readonly type: 'open' }
  | { readonly type: 'close' }
  | { readonly type: 'abort'; readonly cause: unknown }
  | { readonly type: 'sent' }
  | { readonly type: 'opened'; readonly at: number; readonly resumeUrl: string | undefined }
  | { readonly type: 'retry'; readonly reconnectionTime: number }
  | { readonly type: 'dropped'; readonly at: number; readonly drop: Drop; readonly jitter: number }
  | { readonly type: 'timer' }
  | { readonly type: 'finished'; readonly event: StreamEvent | undefined }
  | { readonly type: 'failed'; readonly failure: EventStreamFailure }

export type Effect =
  | { readonly type: 'connect'; readonly resumeUrl: string | undefined }
  | { readonly type: 'disconnect' }
  | { readonly type: 'wait'; readonly delay: number; readonly drop: Drop }
  | { readonly type: 'cancelWait' }
  | { readonly type: 'resolve'; readonly event: StreamEvent | undefined }
  | { readonly type: 'reject'; readonly failure: EventStreamFailure }

export interface RetryPolicy {
  readonly initial: number
  readonly max: number
  readonly budget: number
  readonly healthyAfter: number
}

export interface Transition {
  readonly machine: Machine
  readonly effects: readonly Effect[]
}

export function startMachine(policy: RetryPolicy, method: string): Machine {
  return {
    state: 'idle',
    failures: 0,
    openedAt: 0,
    reconnectionTime: policy.initial,
    request: method === 'GET' ? 'repeatable' : 'unsent',
    resumeUrl: undefined,
  }
}

/** The next state and what has to be done for it. An input that means nothing in a state changes nothing. */
export function transition(machine: Machine, input: Input, policy: RetryPolicy): Transition {
  const { state } = machine
  const connected = state === 'connecting' || state === 'open'
  if (state === 'ended') return stay(machine)
  switch (input.type) {
    case 'open':
      if (connected) return stay(machine)
      if (machine.request === 'spent') return end(machine, { type: 'reject', failure: unresumable(undefined) })
      return connect({ ...machine, failures: state === 'idle' ? 0 : machine.failures }, stop(state))
    case 'close':
      return { machine: { ...machine, state: 'idle' }, effects: stop(state) }
    case 'abort':
      return end(machine, {
        type: 'reject',
        failure: { code: 'aborted', message: 'The reading was aborted', cause: input.cause },
      })
    case 'sent':
      return stay(machine.request === 'unsent' ? { ...machine, request: 'spent' } : machine)
    case 'opened': {
      if (state !== 'connecting') return stay(machine)
      const opened: Machine = { ...machine, state: 'open', openedAt: input.at }
      if (machine.request !== 'spent' || input.resumeUrl === undefined) return stay(opened)
      return stay({ ...opened, request: 'repeatable', resumeUrl: input.resumeUrl })
    }
    case 'retry':
      return stay({ ...machine, reconnectionTime: input.reconnectionTime })
    case 'dropped':
      return connected ? drop(machine, input, policy) : stay(machine)
    case 'timer':
      return state === 'waiting' ? connect(machine, []) : stay(machine)
    case 'finished':
      return connected ? end(machine, { type: 'resolve', event: input.event }) : stay(machine)
    case 'failed':
      return connected ? end(machine, { type: 'reject', failure: input.failure }) : stay(machine)
    default:
      return input satisfies never
  }
}

function drop(machine: Machine, input: Input & { type: 'dropped' }, policy: RetryPolicy): Transition {
  const { drop } = input
  if (machine.request === 'spent') {
    return end(machine, { type: 'reject', failure: drop.reason === 'status' ? refused(drop) : unresumable(drop) })
  }
  // A mere 200 proves nothing: a server that accepts and closes at once would be asked for ever.
  const healthy = machine.state === 'open' && input.at - machine.openedAt >= policy.healthyAfter
  const failures = healthy ? 1 : machine.failures + 1
  if (failures > policy.budget) return end(machine, { type: 'reject', failure: exhausted(failures, drop) })
  const delay = reconnectDelay({
    failures,
    reconnectionTime: machine.reconnectionTime,
    max: policy.max,
    retryAfter: drop.reason === 'status' ? drop.retryAfter : undefined,
    jitter: input.jitter,
  })
  return {
    machine: { ...machine, state: 'waiting', failures },
    effects: [{ type: 'disconnect' }, { type: 'wait', delay, drop }],
  }
}

function stay(machine: Machine): Transition {
  return { machine, effects: [] }
}

function connect(machine: Machine, before: readonly Effect[]): Transition {
  return {
    machine: { ...machine, state: 'connecting' },
    effects: [...before, { type: 'connect', resumeUrl: machine.resumeUrl }],
  }
}

function end(machine: Machine, outcome: Effect): Transition {
  return { machine: { ...machine, state: 'ended' }, effects: [...stop(machine.state), outcome] }
}

function stop(state: StreamState): readonly Effect[] {
  if (state === 'waiting') return [{ type: 'cancelWait' }]
  return state === 'connecting' || state === 'open' ? [{ type: 'disconnect' }] : []
}

function refused({ status, retryAfter }: Drop & { reason: 'status' }): EventStreamFailure {
  return { code: 'rejected', message: `The server answered ${status}`, status, retryAfter }
}

function unresumable(drop: Drop | undefined): EventStreamFailure {
  const message = 'The connection was lost, and its request must not be repeated'
  return { code: 'unresumable', message, drop, ...causeOf(drop) }
}

function exhausted(attempts: number, drop: Drop): EventStreamFailure {
  const message = `Gave up: connections that failed in a row: ${attempts}`
  return { code: 'exhausted', message, attempts, drop, ...causeOf(drop) }
}

function causeOf(drop: Drop | undefined): { cause?: unknown } {
  return drop?.reason === 'network' ? { cause: drop.error } : {}
}
