import {
  accumulate,
  EventStreamClient,
  type EventStreamClientOptions,
  type EventStreamError,
  type StreamEvent,
  type StreamGap,
  type StreamState,
  type TextStore,
  type Transport,
} from './index.js'

/** What all hooks of a stream see of it. */
export interface StreamView<Events extends object = Record<string, unknown>> {
  /** `idle` also where there is no stream yet, on the server, and until the effects of the first render have run. */
  readonly state: StreamState
  /** How events come. */
  readonly transport: Transport
  /** The last event; in a burst, the last of several. */
  readonly event: StreamEvent<Events> | undefined
  /** The text of the `agent:chunk` events so far (PROTOCOL.md §8.2). */
  readonly text: string
  /** The event that ended the stream: what `done` of the client resolves with. */
  readonly result: StreamEvent<Events> | undefined
  /** Why the stream could not be read to its end: what `done` of the client rejects with. */
  readonly error: EventStreamError | undefined
  /** The last gap: while this is there, events are missing from what was shown. */
  readonly gap: StreamGap | undefined
  /** The client that all hooks of this stream share; `undefined` while there is none. */
  readonly client: EventStreamClient<Events> | undefined
  /** Connects, where the connection was closed: for all hooks of this stream. */
  readonly open: () => void
  /** Disconnects until `open()`: for all hooks of this stream. */
  readonly close: () => void
}

export type Reduce = (value: unknown, event: StreamEvent) => unknown

/** The view of one moment, and what each reduction has made of the events until then. */
export interface StreamSnapshot {
  readonly view: StreamView
  readonly values: ReadonlyMap<Reduce, unknown>
}

/** A mounted hook, with its options of now. */
export interface StreamMember {
  readonly options: EventStreamClientOptions & { readonly onEvent?: ((event: StreamEvent) => void) | undefined }
}

/** Milliseconds between renders that events cause: a screen shows no more than that. */
const frame = 16

/** The streams that a mounted hook reads, by name. Only effects change it, so that it is always empty on a server. */
const streams = new Map<string, SharedStream>()

/** The stream of this name that is being read. */
export function findStream(name: string): SharedStream | undefined {
  return streams.get(name)
}

/** One client and all the hooks that read it. It is connected while there is one, and a pause once the turn ends without one. */
export class SharedStream {
  readonly name: string
  /** What to show; `undefined` until the turn in which the stream began is over. */
  snapshot: StreamSnapshot | undefined
  readonly #client: EventStreamClient
  readonly #text: TextStore
  readonly #members = new Map<StreamMember, () => void>()
  readonly #reductions = new Map<Reduce, { readonly initialValue: unknown; value: unknown }>()
  /** The hook that is here the longest: its functions speak for all. */
  #speaker: StreamMember
  /** Whether to connect as soon as there is a member. */
  #wanted: boolean
  #settling = false
  #begun = false
  #changed = false
  #resting = false
  #event: StreamEvent | undefined
  #result: StreamEvent | undefined
  #error: EventStreamError | undefined
  #gap: StreamGap | undefined

  /** @throws TypeError or RangeError for a URL or an option that cannot work. */
  constructor(name: string, url: string | URL, member: StreamMember) {
    this.name = name
    this.#speaker = member
    this.#wanted = member.options.autoOpen ?? true
    this.#client = new EventStreamClient(url, {
      ...member.options,
      autoOpen: false,
      // Those of the last render: what a function of the first one has closed over grows old.
      headers: async () => {
        const { headers } = this.#speaker.options
        return (typeof headers === 'function' ? await headers() : headers) ?? {}
      },
      onGap: (gap) => {
        const { onGap } = this.#speaker.options
        return typeof onGap === 'function' ? onGap(gap) : (onGap ?? 'continue')
      },
    })
    this.#text = accumulate(this.#client)
    this.#client.addEventListener('*', ({ event }) => {
      this.#begun = true
      this.#event = event
      this.#showInTime()
    })
    this.#client.addEventListener('gap', ({ gap }) => {
      this.#gap = gap
      if (gap.reason === 'epoch' || gap.reason === 'ahead') this.#discard()
      this.#showSoon()
    })
    this.#client.addEventListener('statechange', () => this.#showSoon())
    this.#client.addEventListener('end', ({ event, error }) => {
      this.#result = event
      this.#error = error
      this.#showSoon()
    })
  }

  /** Whether this function's value can still be that of all events. */
  takes(reduce: Reduce | undefined): boolean {
    return reduce === undefined || !this.#begun || this.#reductions.has(reduce)
  }

  /**
   * Adds a hook; its listener hears of every change of `snapshot`. Returns what takes it away again.
   *
   * @throws TypeError where a `reduce` has missed events.
   */
  join(member: StreamMember, listener: () => void, reduce: Reduce | undefined, initialValue: unknown): () => void {
    if (!this.takes(reduce)) {
      throw new TypeError(
        'Expected `reduce` to be there before the first event of the stream, or its value would lack some; ' +
          'is it a new function at each render, or does a component that comes later bring another one?',
      )
    }
    if (reduce && !this.#reductions.has(reduce)) this.#reduce(reduce, initialValue)
    const hear = ({ event }: { readonly event: StreamEvent }): void => member.options.onEvent?.(event)
    this.#client.addEventListener('*', hear)
    this.#members.set(member, listener)
    this.#settleSoon()
    return () => {
      this.#client.removeEventListener('*', hear)
      this.#members.delete(member)
      this.#settleSoon()
    }
  }

  #reduce(reduce: Reduce, initialValue: unknown): void {
    const reduction = { initialValue, value: initialValue }
    this.#reductions.set(reduce, reduction)
    // A listener of its own: one that throws is reported, and hurts no other.
    this.#client.addEventListener('*', ({ event }) => {
      reduction.value = reduce(reduction.value, event)
    })
  }

  #discard(): void {
    for (const reduction of this.#reductions.values()) reduction.value = reduction.initialValue
  }

  /** Once all that mounts and unmounts together has done so: StrictMode takes every hook away and brings it back. */
  #settleSoon(): void {
    if (this.#members.size > 0 && !streams.has(this.name)) streams.set(this.name, this)
    if (this.#settling) return
    this.#settling = true
    queueMicrotask(() => {
      this.#settling = false
      if (this.#members.size > 0) this.#resume()
      else this.#pause()
    })
  }

  #resume(): void {
    this.#speaker = this.#members.keys().next().value ?? this.#speaker
    if (this.#wanted) {
      this.#wanted = false
      this.#client.open()
    }
    if (!this.snapshot) this.#showSoon()
  }

  /** The cursor stays, for a component that is hidden and shown again: that must repeat nothing, least of all a POST. */
  #pause(): void {
    if (streams.get(this.name) === this) streams.delete(this.name)
    this.#wanted ||= this.#client.state !== 'idle'
    this.#client.close()
  }

  /** Not at once: a component that is gone, or hidden, may call it too. */
  readonly #open = (): void => {
    this.#wanted = true
    this.#settleSoon()
  }

  readonly #close = (): void => {
    this.#wanted = false
    this.#client.close()
  }

  #showInTime(): void {
    this.#changed = true
    if (this.#resting) return
    this.#resting = true
    this.#showSoon()
    setTimeout(() => {
      this.#resting = false
      if (this.#changed) this.#showInTime()
    }, frame)
  }

  /** All that one turn brings is one change: the events of a chunk, or the last event with the end after it. */
  #showSoon(): void {
    this.#changed = true
    queueMicrotask(() => {
      if (this.#changed) this.#show()
    })
  }

  #show(): void {
    this.#changed = false
    this.snapshot = {
      view: {
        state: this.#client.state,
        transport: this.#client.transport,
        text: this.#text.getSnapshot(),
        event: this.#event,
        result: this.#result,
        error: this.#error,
        gap: this.#gap,
        client: this.#client,
        open: this.#open,
        close: this.#close,
      },
      values: new Map([...this.#reductions].map(([reduce, { value }]) => [reduce, value])),
    }
    for (const listener of this.#members.values()) listener()
  }
}
