import { encodeEvent } from './encoder.js'
import { ProtocolError } from './protocol-error.js'
import type { StandardSchemaV1 } from './standard-schema.js'

/** A discriminated union of the events in a map of types: `{type, data}` for each of its names. */
export type EventOf<Events extends object> = {
  [Type in keyof Events & string]: { type: Type; data: Events[Type] }
}[keyof Events & string]

/** Why a run ends without its own terminal event. The text is public. */
export interface FailureReason {
  /** For programs: `stream_timeout`, `cancelled`, `producer_lost`, `internal_error`, or one of your own. */
  readonly code: string
  /** For people; shown to readers as it is. */
  readonly message: string
}

export interface EventTypeDefinition<Published, Received = Published> {
  /**
   * Checks the data: of every event that is published, as it is given, and of every event that a reader gets. It has to be synchronous.
   * Readers are given its output; published is what it was given. So its input has to survive JSON: a Date is a string to the reader.
   * @default anything goes
   */
  readonly schema?: StandardSchemaV1<Published, Received> | undefined
  /**
   * Whether an event of this type ends the stream: always, or depending on its data (PROTOCOL.md §6.1). A function is given the data
   * as it was published, by a server and by a reader alike, and never the schema's output.
   * @default false
   */
  readonly terminal?: boolean | ((data: Published) => boolean)
}

export interface EventContractDefinition<Published extends object, Received extends object = Published> {
  /** Every type that may be published, by name. */
  // Two maps and not one, or TypeScript could not infer both from the schemas.
  readonly types: { readonly [Type in keyof Published]: EventTypeDefinition<Published[Type], unknown> } & {
    readonly [Type in keyof Received]: Pick<EventTypeDefinition<unknown, Received[Type]>, 'schema'>
  }
  /** The events that end a stream whose producer cannot: the last one must be terminal (PROTOCOL.md §6.5). */
  readonly failure: (reason: FailureReason) => readonly EventOf<Published>[]
  /**
   * Whether the data of every event carries a `timestamp`, which the server fills in where it is missing.
   * @default false
   */
  readonly timestamped?: boolean
}

/**
 * The event types of a stream, which of them are terminal, and how a stream fails. Made by {@link defineEvents}. `Published` is what
 * producers give, `Received` what readers get: the two differ where a schema transforms.
 */
export interface EventContract<
  Published extends object = Record<string, unknown>,
  Received extends object = Published,
> {
  readonly types: ReadonlySet<string>
  readonly timestamped: boolean
  /** Never there at run time: it holds the type of what readers get, as `types` of a Standard Schema does. */
  readonly '~received'?: Received | undefined
  /** Whether this event ends the stream, by its data as it was published. Unknown types never do. */
  isTerminal(type: string, data: unknown): boolean
  /**
   * Returns what the type's schema makes of this data; of a type without one, the data itself.
   *
   * @throws ProtocolError `invalid_data`, with `type` and `issues`; where the schema throws, with its `cause`. TypeError where the schema
   * returns a promise, as some libraries' do when a check is asynchronous or throws.
   */
  validate(type: string, data: unknown): unknown
  /** The events that end a stream whose producer cannot; the last one is terminal. */
  failure(reason: FailureReason): readonly EventOf<Published>[]
}

/**
 * Declares the events of a stream. Their types come from the schemas, or are given as a map; or as two, where readers get others than
 * producers give.
 *
 * @throws ProtocolError `invalid_field` where a type is empty or holds a newline or a NUL.
 * @throws TypeError where no type can be terminal, or a schema is no Standard Schema.
 * @example
 * const ticks = defineEvents<{ tick: { n: number }; done: { total: number } }>({
 *   types: { tick: {}, done: { terminal: true } },
 *   failure: () => [{ type: 'done', data: { total: 0 } }],
 * })
 * @example
 * const ticks = defineEvents({
 *   types: { tick: { schema: z.object({ n: z.number() }) }, done: { schema: z.object({ total: z.number() }), terminal: true } },
 *   failure: () => [{ type: 'done', data: { total: 0 } }],
 * })
 */
export function defineEvents<Published extends object, Received extends object = Published>(
  definition: EventContractDefinition<Published, Received>,
): EventContract<Published, Received> {
  const definitions = new Map<string, EventTypeDefinition<never, unknown>>(Object.entries(definition.types))
  for (const [type, { schema }] of definitions) {
    // Throws where no frame could carry the type.
    encodeEvent({ type, data: '' })
    if (schema !== undefined && typeof schema?.['~standard']?.validate !== 'function') {
      throw new TypeError(`Expected the schema of ${type} to be a Standard Schema`)
    }
  }
  if (![...definitions.values()].some(({ terminal }) => terminal)) {
    throw new TypeError('Expected a type with `terminal`: nothing could end')
  }
  return {
    types: new Set(definitions.keys()),
    timestamped: definition.timestamped ?? false,
    isTerminal(type, data) {
      const terminal = definitions.get(type)?.terminal
      return typeof terminal === 'function' ? terminal(data as never) : terminal === true
    },
    validate(type, data) {
      const schema = definitions.get(type)?.schema
      return schema === undefined ? data : validateData(schema, type, data)
    },
    failure: definition.failure,
  }
}

function validateData(schema: StandardSchemaV1, type: string, data: unknown): unknown {
  let result: ReturnType<StandardSchemaV1['~standard']['validate']>
  try {
    result = schema['~standard'].validate(data)
  } catch (cause) {
    throw new ProtocolError('invalid_data', `The data of ${type} is invalid: its schema threw`, {
      type,
      issues: [],
      cause,
    })
  }
  if ('then' in result) {
    // Nobody waits for it: its rejection must not become an unhandled one.
    result.then(undefined, () => {})
    throw new TypeError(`The schema of ${type} is asynchronous, or threw`)
  }
  if (!result.issues) return result.value
  const issues = result.issues.map(({ message, path = [] }) => ({ message, pointer: path.map(toPointer).join('') }))
  throw new ProtocolError('invalid_data', `The data of ${type} is invalid: ${issues[0]?.message}`, { type, issues })
}

/** One step of a JSON Pointer (RFC 6901). */
function toPointer(step: PropertyKey | { readonly key: PropertyKey }): string {
  const key = String(typeof step === 'object' ? step.key : step)
  return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
