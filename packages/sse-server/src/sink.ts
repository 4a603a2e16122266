/** Where a connection writes to. */
export interface Sink {
  /** Bytes that were handed over and have not left this process, as far as its host tells. */
  readonly pending: number
  /** Hands bytes over. False: that is enough for now, and `ready` follows when there is room again. */
  write(bytes: Uint8Array): boolean
  /** Sends what was written and ends the body. `closed` follows. */
  end(bytes?: Uint8Array): void
  /** Gives up, whatever was not sent yet. */
  destroy(): void
}

/** What a sink tells its connection. */
export interface SinkEvents {
  /** There is room again. It may come without need. */
  ready(): void
  /** The body is over, sent or not. It may come twice. */
  closed(): void
}
