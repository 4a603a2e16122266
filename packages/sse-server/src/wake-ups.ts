interface Subscription {
  readonly wake: () => void
}

/** Who is to be woken for which stream. By id and not on the stream, since a reader may outlive the stream and see the next one of that name. */
export class WakeUps {
  readonly #subscriptions = new Map<string, Set<Subscription>>()

  subscribe(streamId: string, wake: () => void): () => void {
    let subscriptions = this.#subscriptions.get(streamId)
    if (subscriptions === undefined) {
      subscriptions = new Set()
      this.#subscriptions.set(streamId, subscriptions)
    }
    const all = subscriptions
    // An object of its own, since the same function may be given twice.
    const subscription = { wake }
    all.add(subscription)
    return () => {
      all.delete(subscription)
      if (all.size === 0 && this.#subscriptions.get(streamId) === all) this.#subscriptions.delete(streamId)
    }
  }

  wake(streamId: string): void {
    const subscriptions = this.#subscriptions.get(streamId)
    if (subscriptions === undefined) return
    // Who subscribes meanwhile is at the end of the set, and would be woken for ever if it did so each time.
    let left = subscriptions.size
    for (const { wake } of subscriptions) {
      wake()
      left -= 1
      if (left === 0) break
    }
  }
}
