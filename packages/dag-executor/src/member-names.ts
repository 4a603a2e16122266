const known = [
  'id',
  'tool',
  'arguments',
  'dependsOn',
  'retry',
  'timeout',
  'totalTimeout',
  'idleTimeout',
  'onError',
  'priority',
]
const byPlainName = new Map(known.map((name) => [plain(name), name]))
/** No name that is this much longer than any known one is close to it. */
const maxLength = 20

/** Whether a member of a task has a meaning. Compared one by one: names of members are single objects, so that it is a few comparisons. */
export function isMember(name: string): boolean {
  switch (name) {
    case 'id':
    case 'tool':
    case 'dependsOn':
    case 'arguments':
    case 'retry':
    case 'timeout':
    case 'totalTimeout':
    case 'idleTimeout':
    case 'onError':
    case 'priority':
      return true
    default:
      return false
  }
}

/**
 * The member that an unknown one was probably meant to be: the same but for case and punctuation, or for one letter. Other unknown
 * members are none of the executor's business.
 */
export function misspelt(name: string): string | undefined {
  if (name.length > maxLength || isMember(name)) return undefined
  const given = plain(name)
  const same = byPlainName.get(given)
  if (same !== undefined) return same
  // Too many short words are one letter from `id`.
  for (const [expected, member] of byPlainName)
    if (expected.length > 3 && isOneLetterOff(given, expected)) return member
  return undefined
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z]/g, '')
}

function isOneLetterOff(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false
  let start = 0
  while (start < a.length && a[start] === b[start]) start += 1
  const rest = (text: string, skip: number) => text.slice(start + skip)
  return rest(a, 1) === rest(b, 1) || rest(a, 1) === rest(b, 0) || rest(a, 0) === rest(b, 1)
}
