import type { Gap } from './control-events.js'

/** A page of a stream as JSON (PROTOCOL.md §7.2). */
export interface EventPage {
  events: { id: string; type: string; data: unknown }[]
  /** The cursor for the next page. */
  lastEventId: string
  /** The stream has ended and this page reaches its end. */
  done: boolean
  /** Lies before the events of this page. */
  gap?: Gap
  /** With `done`: the data of the terminal event. */
  result?: unknown
}
