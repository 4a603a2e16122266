/** A place for one connection. */
export interface Slot {
  /** Gives the place back; only the first call counts. */
  release(): void
}

/** Why there is no place. */
export type Refusal = 'full' | 'client_full'

/** Counts connections, in all and by client. */
export class Admission {
  readonly #maxConnections: number
  readonly #maxConnectionsPerClient: number
  readonly #byClient = new Map<string, number>()
  #connections = 0

  constructor(maxConnections: number, maxConnectionsPerClient: number) {
    this.#maxConnections = maxConnections
    this.#maxConnectionsPerClient = maxConnectionsPerClient
  }

  /** Places taken now. */
  get connections(): number {
    return this.#connections
  }

  acquire(clientKey: string | undefined): Slot | Refusal {
    if (this.#connections >= this.#maxConnections) return 'full'
    const ofClient = clientKey === undefined ? 0 : (this.#byClient.get(clientKey) ?? 0)
    if (ofClient >= this.#maxConnectionsPerClient) return 'client_full'
    this.#connections += 1
    if (clientKey !== undefined) this.#byClient.set(clientKey, ofClient + 1)
    return new Place(() => this.#giveBack(clientKey))
  }

  #giveBack(clientKey: string | undefined): void {
    this.#connections -= 1
    if (clientKey === undefined) return
    const left = (this.#byClient.get(clientKey) ?? 1) - 1
    if (left === 0) this.#byClient.delete(clientKey)
    else this.#byClient.set(clientKey, left)
  }
}

class Place implements Slot {
  #giveBack: (() => void) | undefined

  constructor(giveBack: () => void) {
    this.#giveBack = giveBack
  }

  release(): void {
    this.#giveBack?.()
    this.#giveBack = undefined
  }
}
