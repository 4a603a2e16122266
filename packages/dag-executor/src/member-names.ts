/** For each member that a kind of object has, the other words for it. */
type Words<Member extends string> = Readonly<Record<Member, readonly string[]>>

/** Finds the member that was probably meant by one that does not exist. */
export class MemberNames<Member extends string> {
  readonly #members: readonly Member[]
  /** Words and members alike, in their plain form. */
  readonly #byPlainName = new Map<string, Member>()
  /** No name that is longer, in any way of writing it, is one of the words or close to it. */
  #maxLength = 0

  constructor(words: Words<Member>) {
    this.#members = Object.keys(words) as Member[]
    for (const member of this.#members) {
      for (const word of [member, ...words[member]]) {
        this.#byPlainName.set(plain(word), member)
        this.#maxLength = Math.max(this.#maxLength, 2 * word.length)
      }
    }
  }

  /**
   * The same as a member, or as another word for it, but for case and punctuation; or one letter off a member. Other unknown members are
   * none of the executor's business, nor are members that exist.
   */
  meantBy(name: string): Member | undefined {
    if (name.length > this.#maxLength || this.#members.includes(name as Member)) return undefined
    const given = plain(name)
    const same = this.#byPlainName.get(given)
    if (same !== undefined) return same
    // Too many short words are one letter from `id`.
    return this.#members.find((member) => member.length > 3 && isOneLetterOff(given, plain(member)))
  }
}

/** The end of a message about a member that has its unit in its name, which the right one has not. */
export function unitHint(name: string, member: string): string {
  return /sec|minute/i.test(name) && /timeout|ms$/i.test(member) ? ', in milliseconds' : ''
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
