import { jsonText } from './json-size.js'
import type { Plan } from './plan.js'
import { isContainer } from './references.js'

/**
 * Names what a plan computes: SHA-256, in hexadecimal, over the canonical JSON of its tasks' ids, tools, arguments and
 * dependencies, and what their failures leave to their dependents, in order. How patiently tasks are run (retry, timeout, priority) is not part of it.
 */
export async function planHash({ tasks }: Plan): Promise<string> {
  const named = tasks.map(({ id, tool, arguments: args, dependencies, policy }) => ({
    id,
    tool,
    arguments: args,
    dependsOn: dependencies.map((index) => tasks[index]!.id).sort(),
    // Left out where there is none, so that such plans keep their names.
    onError: policy.onError,
  }))
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(canonical(named)))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** JSON with sorted keys. What has no JSON text, which only arguments made in this process can hold, becomes its type. */
function canonical(value: unknown): string {
  if (!isContainer(value)) return jsonText(value) ?? `"${typeof value}"`
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  members.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`
}
