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
    return new Place(this, clientKey)
  }

  /** Of a place that was acquired; called once for it. */
  giveBack(clientKey: string | undefined): void {
    this.#connections -= 1
    if (clientKey === undefined) return
    const left = (this.#byClient.get(clientKey) ?? 1) - 1
    if (left === 0) this.#byClient.delete(clientKey)
    else this.#byClient.set(clientKey, left)
  }
}

/** An object of two members and no function of its own, since there is one for every connection. */
class Place implements Slot {
  #admission: Admission | undefined
  readonly #clientKey: string | undefined

  constructor(admission: Admission, clientKey: string | undefined) {
    this.#admission = admission
    this.#clientKey = clientKey
  }

  release(): void {
    this.#admission?.giveBack(this.#clientKey)
    this.#admission = undefined
  }
}
