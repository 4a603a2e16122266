import type { Tick } from './event.js'

/** A contender behind one shape: a server of event streams, each read under its own path. */
export interface Broadcaster {
  readonly port: number
  /** Responses that have begun and are not over. */
  readonly readers: number
  /** Sends one event to all readers of a stream. A promise resolves once the event is taken. */
  publish(stream: string, data: Tick): unknown
  close(): void
}

/** Starts one with these streams. */
export type StartBroadcaster = (streams: readonly string[]) => Promise<Broadcaster>
