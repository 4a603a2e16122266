import type { EventStreamError } from './event-stream-error.js'
import type { Drop, StreamState, Transport } from './machine.js'
import type { StreamGap } from './stream-gap.js'

/** One event of a stream, told apart by `type`. */
export type StreamEvent<Events extends object = Record<string, unknown>> = {
  [Type in keyof Events & string]: {
    readonly type: Type
    readonly data: Events[Type]
    /** The cursor after this event: its own event id or, where it has none, the last one before it. */
    readonly id: string
  }
}[keyof Events & string]

/** An event of the stream, as its listeners get it. */
export class StreamMessageEvent<Type extends string = string, Data = unknown> extends Event {
  declare readonly type: Type
  /** The JSON value, as its type's schema in the contract gives it; the text itself where that is no JSON. */
  readonly data: Data
  /** The cursor after this event. */
  readonly id: string

  constructor(type: Type, data: Data, id: string) {
    super(type)
    this.data = data
    this.id = id
  }

  /** The same as `id`, by the name that EventSource gives it. */
  get lastEventId(): string {
    return this.id
  }
}

/** `*`: any event of the stream, whatever its type. */
export interface AnyMessageEvent<Events extends object = Record<string, unknown>> extends Event {
  readonly event: StreamEvent<Events>
}

/** `statechange`: where the client was and where it is. */
export interface StateChangeEvent extends Event {
  readonly previous: StreamState
  readonly state: StreamState
  /** How events come now. */
  readonly transport: Transport
  /** On `waiting`: milliseconds to the next connection; `Infinity` while the page is in the back-forward cache. */
  readonly delay: number | undefined
  /** On `waiting`: how the connection was lost. */
  readonly drop: Drop | undefined
}

/** `gap`: events are missing before the next one (PROTOCOL.md §5.3). */
export interface GapEvent extends Event {
  readonly gap: StreamGap
}

/** `end`: as `done` settles. With `error` the stream has not been read to its end. */
export interface EndEvent<Events extends object = Record<string, unknown>> extends Event {
  readonly event: StreamEvent<Events> | undefined
  readonly error: EventStreamError | undefined
}

/** The client's own events. None is called `error`: that is a name on the wire (PROTOCOL.md §8.5). */
export interface LifecycleEventMap<Events extends object> {
  open: Event
  statechange: StateChangeEvent
  gap: GapEvent
  end: EndEvent<Events>
  '*': AnyMessageEvent<Events>
}

/** What listeners of a client get, by name. A type on the wire that has one of the client's own names only arrives as `*`. */
export type EventStreamEventMap<Events extends object> = {
  [Type in Exclude<keyof Events & string, keyof LifecycleEventMap<Events>>]: StreamMessageEvent<Type, Events[Type]>
} & LifecycleEventMap<Events>

/** Whether listeners of this name wait for an event of the client's own, so that one from the wire would mislead them. */
export function isOwnName(type: string): boolean {
  return /^(open|statechange|gap|end)$/.test(type)
}
