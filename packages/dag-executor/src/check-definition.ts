import { quote } from './dag-issue.js'
import { unknownMember } from './member-names.js'
import { definitionMembers } from './member-words.js'
import { isName, maxNameBytes } from './name-limit.js'

/**
 * Checks what a task of a builder is made from, apart from its policy and whether there are such tasks as it needs, which are checked with the
 * whole DAG.
 *
 * @throws TypeError where it is not what it should be.
 */
export function checkDefinition(id: unknown, definition: unknown): void {
  if (typeof id !== 'string' || !isName(id)) {
    throw new TypeError(`Expected \`id\` to be a non-empty string of at most ${maxNameBytes} bytes, got ${quote(id)}`)
  }
  if (typeof definition !== 'object' || definition === null) {
    throw new TypeError(`Expected the definition of a task to be an object with \`run\`, got ${quote(definition)}`)
  }
  const { run, needs } = definition as { run?: unknown; needs?: unknown }
  for (const name in definition) {
    const member = definitionMembers.meantBy(name, { run })
    if (member !== undefined) throw new TypeError(unknownMember(name, member))
  }
  if (typeof run !== 'function') throw new TypeError(`Expected \`run\` to be a function, got ${quote(run)}`)
  if (needs !== undefined) checkNeeds(needs)
}

function checkNeeds(needs: unknown): void {
  if (!Array.isArray(needs)) throw new TypeError(`Expected \`needs\` to be an array of ids, got ${quote(needs)}`)
  const wrong = needs.findIndex((need) => typeof need !== 'string')
  if (wrong >= 0) throw new TypeError(`Expected \`needs\` to be an array of ids, got ${quote(needs[wrong])} in it`)
}
