import { ProtocolError } from './protocol-error.js'

/**
 * The JSON text of an event's data (PROTOCOL.md §2.3).
 *
 * @throws ProtocolError `unserialisable_data` where there is none: a function, a symbol, `undefined`, a BigInt, a cycle, or a
 * `toJSON` or getter that throws, which is then the `cause`.
 */
export function serialize(data: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(data)
  } catch (cause) {
    throw new ProtocolError('unserialisable_data', 'Expected data with a JSON text', { cause })
  }
  if (text === undefined) {
    throw new ProtocolError('unserialisable_data', 'Expected data with a JSON text')
  }
  return text
}
