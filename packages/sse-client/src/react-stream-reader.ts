import {
  findStream,
  type Reduce,
  SharedStream,
  type StreamMember,
  type StreamSnapshot,
  type StreamView,
} from './react-shared-stream.js'

export interface StreamReaderOptions {
  readonly reduce?: Reduce | undefined
  readonly initialValue?: unknown
}

type Options = StreamMember['options'] & StreamReaderOptions

/** What a hook shows where there is no stream. */
const nothing: StreamView = {
  state: 'idle',
  transport: 'sse',
  text: '',
  event: undefined,
  result: undefined,
  error: undefined,
  gap: undefined,
  client: undefined,
  open: () => {},
  close: () => {},
}

/** One hook: a store for `useSyncExternalStore` over the streams that it reads in turn. */
export class StreamReader implements StreamMember {
  options: Options = {}
  url: string | URL = ''
  #stream: SharedStream | undefined
  /** The function that this hook came to its stream with; a later render may bring another for the same. */
  #reduce: Reduce | undefined
  readonly #results = new WeakMap<StreamSnapshot, object>()
  #idle: { readonly initialValue: unknown; readonly result: object } | undefined

  /**
   * Starts to read a stream, alone or with others; `undefined`: nothing. Returns what ends it.
   *
   * @throws TypeError or RangeError for a URL or an option that cannot work, and for a `reduce` that has missed events.
   */
  join(name: string | undefined, listener: () => void): () => void {
    if (name === undefined) {
      // Where the stream comes back after that, it begins anew.
      this.#stream = undefined
      return () => {}
    }
    // The client that all share asks a function for them, and so would not find this before it connects.
    const { headers } = this.options
    if (typeof headers !== 'function') new Headers(headers ?? {})
    // A hook that was hidden comes back with all that it had.
    const own = this.#stream?.name === name ? this.#stream : undefined
    const reduce = own ? this.#reduce : this.options.reduce
    const found = findStream(name)
    const stream = (found?.takes(reduce) && found) || own || found || new SharedStream(name, this.url, this)
    const leave = stream.join(this, listener, reduce, this.options.initialValue)
    this.#stream = stream
    this.#reduce = reduce
    return leave
  }

  /** What to render: the same object for the same moment. It only looks: there may be a render that is thrown away. */
  peek(name: string | undefined, options: StreamReaderOptions): object {
    const own = this.#stream?.name === name ? this.#stream : undefined
    const stream = own ?? (name === undefined ? undefined : findStream(name))
    const snapshot = stream?.snapshot
    if (!snapshot) {
      const { initialValue } = options
      if (!this.#idle || !Object.is(this.#idle.initialValue, initialValue)) {
        this.#idle = { initialValue, result: { ...nothing, value: initialValue } }
      }
      return this.#idle.result
    }
    let result = this.#results.get(snapshot)
    if (!result) {
      const reduce = own ? this.#reduce : options.reduce
      const value = reduce && snapshot.values.has(reduce) ? snapshot.values.get(reduce) : options.initialValue
      result = { ...snapshot.view, value }
      this.#results.set(snapshot, result)
    }
    return result
  }
}
