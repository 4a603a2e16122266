import type { Admission } from './admission.js'
import type { Counters } from './counters.js'
import type { EventLog } from './event-log.js'
import type { Heartbeats } from './heartbeats.js'
import type { Readers } from './readers.js'
import type { SseServerEventMap } from './server-events.js'
import type { Settings } from './server-options.js'

/** How a reader keeps up. */
export interface LiveState {
  /** Events between it and the newest event that any reader of its stream has seen. */
  readonly lag: number
  /** Bytes that were written to it and have not left this process. */
  readonly bytesPending: number
}

/** An answer under way that ends when the server does. */
export interface Live {
  /** Of one that reads event by event. */
  readonly state?: LiveState
  /** Ends the answer in good order. */
  drain(): void
  /** Ends it now. */
  destroy(): void
}

/** What the parts of one server share. */
export interface ServerCore {
  readonly settings: Settings
  readonly log: EventLog
  readonly admission: Admission
  readonly readers: Readers
  readonly heartbeats: Heartbeats
  readonly counters: Counters
  readonly live: Set<Live>
  isClosing: boolean
  /** Called when the last answer under way is over. */
  onIdle: (() => void) | undefined
  /** An error that no caller of ours can be given. */
  readonly report: (error: unknown, streamId?: string) => void
  /** Tells the server's listeners. */
  readonly dispatch: <Type extends keyof SseServerEventMap>(type: Type, event: SseServerEventMap[Type]) => void
}

/** Takes an answer off the list of those under way. */
export function finishLive(core: ServerCore, live: Live): void {
  core.live.delete(live)
  if (core.live.size === 0) core.onIdle?.()
}
