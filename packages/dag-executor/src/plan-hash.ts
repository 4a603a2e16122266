import { writeCanonical } from './canonical-json.js'
import { JsonBytes } from './json-bytes.js'
import type { Plan, PlannedTask } from './plan.js'

/**
 * Names what a plan computes: SHA-256, in hexadecimal, over the canonical JSON of its tasks' ids, tools, arguments and
 * dependencies, and what their failures leave to their dependents, in order. How patiently tasks are run (retry, timeout, priority) is not part of it.
 */
export async function planHash({ tasks }: Plan): Promise<string> {
  const json = new JsonBytes()
  writeTasks(tasks, json)
  const digest = await crypto.subtle.digest('SHA-256', json.bytes)
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** By hand, since the members of a task are known, in their order. */
function writeTasks(tasks: readonly PlannedTask[], json: JsonBytes): void {
  json.ascii('[')
  for (const { index, id, tool, arguments: args, dependencies, policy } of tasks) {
    json.ascii(index === 0 ? '{"arguments":' : ',{"arguments":')
    writeCanonical(args, json)
    json.ascii(',"dependsOn":[')
    writeIds(tasks, dependencies, json)
    json.ascii('],"id":')
    json.string(id)
    // Left out where there is none, so that such plans keep their names.
    if (policy.onError !== undefined) {
      json.ascii(',"onError":')
      writeCanonical(policy.onError, json)
    }
    json.ascii(',"tool":')
    json.string(tool)
    json.ascii('}')
  }
  json.ascii(']')
}

function writeIds(tasks: readonly PlannedTask[], indexes: readonly number[], json: JsonBytes): void {
  if (indexes.length === 1) {
    json.string(tasks[indexes[0]!]!.id)
  } else if (indexes.length > 1) {
    let comma = ''
    for (const id of sortIds(indexes.map((index) => tasks[index]!.id))) {
      json.ascii(comma)
      json.string(id)
      comma = ','
    }
  }
}

/** By UTF-16 units. For a few of them, `sort` takes several times as long. */
function sortIds(ids: string[]): string[] {
  if (ids.length > 8) return ids.sort()
  for (let end = 1; end < ids.length; end += 1) {
    const id = ids[end]!
    let place = end
    for (; place > 0 && ids[place - 1]! > id; place -= 1) ids[place] = ids[place - 1]!
    ids[place] = id
  }
  return ids
}
