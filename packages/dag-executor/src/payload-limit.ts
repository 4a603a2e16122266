import type { TruncatedValue } from '@x/sse-protocol'
import { surelyFits } from './json-bound.js'
import { jsonText, startThatFits, utf8Length, wholeCharacters } from './json-size.js'

export interface PayloadLimit {
  /** Bytes of UTF-8 that the JSON text may be long; at least 128. */
  readonly maxBytes: number
  /**
   * Path where the whole value is served.
   * @default null
   */
  readonly ref?: string | null | undefined
}

/** Room for a truncated form without a `ref`. */
export const minPayloadLimit = 128
const maxPreviewUnits = 1_024

/**
 * The value itself where its JSON text fits, and otherwise the truncated form, which always fits (PROTOCOL.md §2.4). A value
 * without a JSON text (a BigInt, a function, a cycle, a `toJSON` that throws) becomes a truncated form with `bytes: 0`, a
 * preview that names its kind, and no `ref`. The preview gives way to the `ref`, which is left out only where both that and an empty
 * preview would not fit. `undefined` stays, since a member that is `undefined` is simply absent.
 *
 * @throws TypeError where `maxBytes` is not an integer of at least 128 (or `Infinity`).
 * @example limitPayload('x'.repeat(70_000), { maxBytes: 65_536, ref: '/outputs/1' }) // { truncated: true, bytes: 70002, … }
 */
export function limitPayload<Value>(value: Value, { maxBytes, ref = null }: PayloadLimit): Value | TruncatedValue {
  if (!(Number.isInteger(maxBytes) || maxBytes === Number.POSITIVE_INFINITY) || maxBytes < minPayloadLimit) {
    throw new TypeError(`Expected \`maxBytes\` to be an integer of at least ${minPayloadLimit}, got ${maxBytes}`)
  }
  if (value === undefined || surelyFits(value, maxBytes)) return value
  const text = jsonText(value)
  if (text === undefined)
    return { truncated: true, bytes: 0, preview: `[${typeof value} without a JSON text]`, ref: null }
  const bytes = utf8Length(text)
  if (bytes <= maxBytes) return value
  return truncate(text, { bytes, maxBytes, ref })
}

/** The truncated form of a value whose JSON text has so many bytes, more than `maxBytes`, and begins like this. */
export function truncate(
  start: string,
  { bytes, maxBytes, ref = null }: PayloadLimit & { readonly bytes: number },
): TruncatedValue {
  return truncated(start, bytes, maxBytes, ref) ?? truncated(start, bytes, maxBytes, null)!
}

/** Whether a value has the truncated form: what was truncated, or an output that only looks like it. */
export function isTruncated(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { truncated, preview } = value as Partial<TruncatedValue>
  return truncated === true && typeof preview === 'string'
}

function truncated(text: string, bytes: number, maxBytes: number, ref: string | null): TruncatedValue | undefined {
  const frame = { truncated: true, bytes, preview: '', ref } as const
  const room = maxBytes - utf8Length(JSON.stringify(frame)) + 2
  const preview = startThatFits(wholeCharacters(text, maxPreviewUnits), room)
  return preview === undefined ? undefined : { ...frame, preview }
}
