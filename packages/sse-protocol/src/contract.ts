/** A discriminated union of the events in a map of types: `{type, data}` for each of its names. */
export type EventOf<Events extends object> = {
  [Type in keyof Events & string]: { type: Type; data: Events[Type] }
}[keyof Events & string]

/** Why a run ends without its own terminal event. The text is public. */
export interface FailureReason {
  /** For programs: `stream_timeout`, `cancelled`, `producer_lost`, or one of your own. */
  readonly code: string
  /** For people; shown to readers as it is. */
  readonly message: string
}

export interface EventTypeDefinition<Data> {
  /**
   * Whether an event of this type ends the stream: always, or depending on its data (PROTOCOL.md §6.1).
   * @default false
   */
  readonly terminal?: boolean | ((data: Data) => boolean)
}

export interface EventContractDefinition<Events extends object> {
  /** Every type that may be published, by name. */
  readonly types: { readonly [Type in keyof Events]: EventTypeDefinition<Events[Type]> }
  /** The events that end a stream whose producer cannot: the last one must be terminal (PROTOCOL.md §6.5). */
  readonly failure: (reason: FailureReason) => readonly EventOf<Events>[]
  /**
   * Whether the data of every event carries a `timestamp`, which the server fills in where it is missing.
   * @default false
   */
  readonly timestamped?: boolean
}

/** The event types of a stream, which of them are terminal, and how a stream fails. Made by {@link defineEvents}. */
export interface EventContract<Events extends object = Record<string, unknown>> {
  readonly types: ReadonlySet<string>
  readonly timestamped: boolean
  /** Whether this event ends the stream. Unknown types never do. */
  isTerminal(type: string, data: unknown): boolean
  /** The events that end a stream whose producer cannot; the last one is terminal. */
  failure(reason: FailureReason): readonly EventOf<Events>[]
}

/**
 * Declares the events of a stream.
 *
 * @throws TypeError where a type is empty, holds a newline or a NUL, or no type can be terminal.
 * @example
 * const ticks = defineEvents<{ tick: { n: number }; done: { total: number } }>({
 *   types: { tick: {}, done: { terminal: true } },
 *   failure: () => [{ type: 'done', data: { total: 0 } }],
 * })
 */
export function defineEvents<Events extends object>(
  definition: EventContractDefinition<Events>,
): EventContract<Events> {
  const definitions = new Map<string, EventTypeDefinition<never>>(Object.entries(definition.types))
  for (const type of definitions.keys()) {
    if (type === '' || /[\0\r\n]/.test(type)) {
      throw new TypeError(`Expected every event type to be a non-empty single line, got ${JSON.stringify(type)}`)
    }
  }
  if (![...definitions.values()].some(({ terminal }) => terminal)) {
    throw new TypeError('Expected at least one event type with `terminal`, or the stream could never end')
  }
  return {
    types: new Set(definitions.keys()),
    timestamped: definition.timestamped ?? false,
    isTerminal(type, data) {
      const terminal = definitions.get(type)?.terminal
      return typeof terminal === 'function' ? terminal(data as never) : terminal === true
    },
    failure: definition.failure,
  }
}
