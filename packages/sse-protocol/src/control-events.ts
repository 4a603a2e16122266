/** PROTOCOL.md §5.2: sent when a connection opens, and then every `interval`. */
export interface Heartbeat {
  /** ISO 8601. */
  timestamp: string
  /** Milliseconds until the next heartbeat; 0 where there will be none. */
  interval: number
  /** Event id of the newest event in the log, `<epoch>-0` where there is none. */
  head: string
}

/** PROTOCOL.md §5.3: events are missing, and why. */
export interface Gap {
  /** The reader's cursor; `null` where it had none. */
  requested: string | null
  /** Event id of the next event that the reader will get. */
  oldest: string
  /** Event id of the newest event in the log. */
  head: string
  /** How many events are missing; `null` where nobody can know. */
  missed: number | null
  /** With `evicted` the reader keeps its state; with `epoch` and `ahead` it discards it. */
  reason: 'evicted' | 'epoch' | 'ahead'
}

/** Events about the connection itself: not in the log, without a sequence (PROTOCOL.md §5). */
export interface ControlEventMap {
  heartbeat: Heartbeat
  'stream:gap': Gap
}

/** Whether a type is kept for control events, so that producers may not publish it (PROTOCOL.md §2.5). */
export function isReservedType(type: string): boolean {
  return type === 'heartbeat' || type.startsWith('stream:')
}
