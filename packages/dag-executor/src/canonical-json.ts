import { JsonBytes } from './json-bytes.js'
import { jsonText } from './json-size.js'
import { isContainer } from './references.js'

/** JSON with sorted keys. What has no JSON text, which only arguments made in this process can hold, becomes its type. */
export function canonicalJson(value: unknown): string {
  const json = new JsonBytes()
  writeCanonical(value, json)
  return new TextDecoder().decode(json.bytes)
}

/** Writes the {@link canonicalJson} of a value. */
export function writeCanonical(value: unknown, json: JsonBytes): void {
  if (typeof value === 'string') json.string(value)
  else if (typeof value === 'number') json.ascii(Number.isFinite(value) ? `${value}` : 'null')
  else if (!isContainer(value)) json.text(jsonText(value) ?? `"${typeof value}"`)
  else if (Array.isArray(value)) writeItems(value, json)
  else writeMembers(value, json)
}

function writeItems(items: readonly unknown[], json: JsonBytes): void {
  json.ascii('[')
  for (let index = 0; index < items.length; index += 1) {
    if (index > 0) json.ascii(',')
    // Holes are left empty.
    if (items[index] !== undefined || index in items) writeCanonical(items[index], json)
  }
  json.ascii(']')
}

function writeMembers(value: object, json: JsonBytes): void {
  const keys = Object.keys(value)
  if (keys.length > 1) keys.sort()
  let comma = ''
  json.ascii('{')
  for (const key of keys) {
    const member: unknown = value[key as never]
    if (member === undefined) continue
    json.ascii(comma)
    json.string(key)
    json.ascii(':')
    writeCanonical(member, json)
    comma = ','
  }
  json.ascii('}')
}
