import { reconnectDelay } from './backoff.js'
import type { EventStreamFailure } from './event-stream-error.js'
import { exhausted, refused, unresumable, unstreamable } from './failures.js'
import type { StreamEvent } from './stream-event.js'

/** Where a client is: not started or closed, asking, reading, waiting to ask again, or at the end, which is final. */
export type StreamState = 'idle' | 'connecting' | 'open' | 'waiting' | 'ended'

/** How events come: as an event stream, or as pages of JSON (PROTOCOL.md §7). */
export type Transport = 'sse' | 'poll'

/** How a connection was lost. */
export type Drop =
  /** The body ended without a terminal event (PROTOCOL.md §6.4). */
  | { readonly reason: 'end' }
  | { readonly reason: 'network'; readonly error: unknown }
  /** No answer within `connectTimeout`. */
  | { readonly reason: 'timeout' }
  /** An answer, but not one byte of its body within `connectTimeout`: something on the way holds it back. */
  | { readonly reason: 'mute' }
  /** This `fetch` gives answers without a body that can be read while it comes. */
  | { readonly reason: 'unstreamable' }
  /** No byte for two and a half heartbeats (PROTOCOL.md §5.2), or for `silenceTimeout`. */
  | { readonly reason: 'silence' }
  /** The machine slept, or the page was frozen: what the connection is worth nobody knows. */
  | { readonly reason: 'sleep' }
  /** The page went into the back-forward cache; it goes on when the page comes back. */
  | { readonly reason: 'pagehide' }
  /** An answer that asks to come back later; `retryAfter` in milliseconds. */
  | { readonly reason: 'status'; readonly status: number; readonly retryAfter?: number | undefined }

/** Everything that the next transition depends on. A state is all there is to do: what it enters, the session performs. */
export interface Machine {
  readonly state: StreamState
  readonly transport: Transport
  /** Connections that failed in a row. */
  readonly failures: number
  /** Silent answers in a row. */
  readonly mute: number
  /** Pages are asked for because of silent answers, and none has come yet. */
  readonly isGuess: boolean
  /** An event stream has brought a byte: nothing on the way holds it back. */
  readonly hasStreamed: boolean
  /** When the present connection brought its first byte, in the clock's milliseconds. */
  readonly heardAt: number
  /** The server's `retry`, or the default, in milliseconds. */
  readonly reconnectionTime: number
  /** Whether the request may be made: any number of times, once, or not again. */
  readonly request: 'repeatable' | 'unsent' | 'spent'
  /** The `Idempotency-Key` that the request was made with: one that is made anew for each attempt would be none. */
  readonly key?: string | undefined
  /** Where a stream that did not begin with GET continues. */
  readonly resumeUrl?: string | undefined
  /** In `waiting`: milliseconds to the next connection; `Infinity` where only `open` ends it. */
  readonly delay: number
  /** In `waiting`: how the connection was lost. */
  readonly drop?: Drop | undefined
  /** In `ended`: why `done` rejects, if it does. */
  readonly failure?: EventStreamFailure | undefined
  /** In `ended`: what `done` resolves with. */
  readonly event?: StreamEvent | undefined
}

export type Input =
  | { readonly type: 'open' }
  | { readonly type: 'close' }
  /** The request is on its way; with an `Idempotency-Key` it may be repeated. */
  | { readonly type: 'sent'; readonly key: string | undefined }
  /** The work was begun; its stream is elsewhere. */
  | { readonly type: 'begun'; readonly resumeUrl: string }
  | { readonly type: 'opened'; readonly transport: Transport; readonly resumeUrl: string | undefined }
  /** The first byte came, or a page. */
  | { readonly type: 'heard' }
  /** A 401: "the request has not been applied" (RFC 9110, section 15.5.2), so that it may be made after all. */
  | { readonly type: 'unsent' }
  | { readonly type: 'retry'; readonly reconnectionTime: number }
  | { readonly type: 'dropped'; readonly drop: Drop }
  | { readonly type: 'finished'; readonly event?: StreamEvent | undefined }
  | { readonly type: 'failed'; readonly failure: EventStreamFailure }

export interface Policy {
  readonly transport: Transport | 'auto'
  /** The server speaks this protocol: it speaks first, and has pages. */
  readonly hasPages: boolean
  readonly initial: number
  readonly max: number
  readonly budget: number
  readonly healthyAfter: number
}

/** What a transition takes from outside: the clock's time, and a random number from 0 up to, not including, 1. */
export interface Chance {
  readonly now: number
  readonly jitter: number
}

export function startMachine(policy: Policy, method: string): Machine {
  return {
    state: 'idle',
    transport: policy.transport === 'poll' ? 'poll' : 'sse',
    failures: 0,
    mute: 0,
    isGuess: false,
    hasStreamed: false,
    heardAt: Infinity,
    reconnectionTime: policy.initial,
    request: method === 'GET' ? 'repeatable' : 'unsent',
    delay: 0,
  }
}

/** The machine after an input. One that means nothing in a state changes nothing. */
export function transition(machine: Machine, input: Input, policy: Policy, chance: Chance): Machine {
  const { state, request, transport } = machine
  const isConnected = state === 'connecting' || state === 'open'
  if (state === 'ended') return machine
  switch (input.type) {
    case 'open':
      if (isConnected) return machine
      if (request === 'spent') return fail(machine, unresumable(undefined))
      return { ...machine, state: 'connecting', failures: state === 'idle' ? 0 : machine.failures }
    case 'close':
      return { ...machine, state: 'idle' }
    case 'failed': {
      const { code, status } = input.failure
      // A server that has no pages may still have the stream.
      const isUnknown = machine.isGuess && code === 'rejected' && (status === 200 || status === 406)
      return isUnknown && isConnected
        ? drop(machine, { reason: 'status', status }, policy, chance)
        : fail(machine, input.failure)
    }
    case 'finished':
      return { ...machine, state: 'ended', event: input.event }
    case 'sent':
      if (request !== 'unsent') return machine
      return { ...machine, request: input.key ? 'repeatable' : 'spent', key: input.key }
    case 'begun':
      return { ...machine, request: 'repeatable', resumeUrl: input.resumeUrl }
    case 'opened':
      return {
        ...machine,
        state: 'open',
        transport: policy.transport === 'auto' ? input.transport : machine.transport,
        heardAt: state === 'open' ? machine.heardAt : Infinity,
        ...(input.resumeUrl && { request: 'repeatable', resumeUrl: input.resumeUrl }),
      }
    case 'heard':
      return {
        ...machine,
        isGuess: false,
        hasStreamed: machine.hasStreamed || transport === 'sse',
        heardAt: Math.min(machine.heardAt, chance.now),
      }
    case 'unsent':
      return { ...machine, request: request === 'spent' ? 'unsent' : request }
    case 'retry':
      return { ...machine, reconnectionTime: input.reconnectionTime }
    case 'dropped':
      return isConnected ? drop(machine, input.drop, policy, chance) : machine
    default:
      return input satisfies never
  }
}

function drop(machine: Machine, drop: Drop, policy: Policy, { now, jitter }: Chance): Machine {
  const { state, request, reconnectionTime, transport } = machine
  const { reason } = drop
  // A mere 200 proves nothing: a server that accepts and closes at once, or says nothing, would be asked for ever.
  const isHealthy = state === 'open' && now - machine.heardAt >= policy.healthyAfter
  const before = isHealthy ? 0 : machine.failures
  const waiting = { ...machine, state: 'waiting', drop } as const
  if (reason === 'pagehide' || reason === 'sleep') {
    // The connection may be alive: one that could not be resumed goes on for as long as it can.
    if (request === 'spent') return machine
    return { ...waiting, failures: before, mute: 0, delay: reason === 'sleep' ? 0 : Infinity }
  }
  const isRefusal = reason === 'status'
  if (request === 'spent') return fail(machine, isRefusal ? refused(drop) : unresumable(drop))
  if (reason === 'unstreamable' && policy.transport === 'sse') return fail(machine, unstreamable)
  // Some proxies hold even the head of an answer back. Where a stream once came through there is none of them.
  const isHeldBack = reason === 'timeout' && policy.hasPages && !machine.hasStreamed
  const isMute = transport === 'sse' && (reason === 'mute' || isHeldBack)
  const mute = isMute ? machine.mute + 1 : 0
  const isGuess = mute > 1
  const goesToPages = isGuess || reason === 'unstreamable'
  // A guess that brings no page was wrong.
  const next = goesToPages ? 'poll' : machine.isGuess ? 'sse' : transport
  const failures = before + 1
  if (failures > policy.budget) return fail(machine, exhausted(failures, drop))
  return {
    ...waiting,
    failures,
    mute,
    isGuess,
    transport: policy.transport === 'auto' ? next : transport,
    delay: reconnectDelay({
      failures,
      reconnectionTime,
      max: policy.max,
      retryAfter: isRefusal ? drop.retryAfter : undefined,
      jitter,
    }),
  }
}

function fail(machine: Machine, failure: EventStreamFailure): Machine {
  return { ...machine, state: 'ended', failure }
}
