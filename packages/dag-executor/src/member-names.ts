import { quote } from './dag-issue.js'

/** For each member, the other words for it, with spaces between them. */
type Words<Member extends string> = Readonly<Record<Member, string>>

interface Meaning<Member extends string> {
  readonly member: Member
  /** Whether it may as well be somebody's own where the member itself is there. */
  readonly isVague: boolean
}

/** Whoever adds members adds them to every task. */
const maxRemembered = 1_000

/** Finds the member that was probably meant by one that does not exist. */
export class MemberNames<Member extends string> {
  readonly #members: readonly Member[]
  /** Too many short words are one letter from `id`: those are left out. */
  readonly #longMembers: readonly (readonly [plainName: string, member: Member])[]
  readonly #byPlainName = new Map<string, Meaning<Member>>()
  readonly #remembered = new Map<string, Meaning<Member> | undefined>()
  /** No name that is longer, in any way of writing it, is one of the words or close to it. */
  #maxLength = 0

  constructor(words: Words<Member>, vagueWords: Partial<Words<Member>> = {}) {
    this.#members = Object.keys(words) as Member[]
    this.#longMembers = this.#members.filter(({ length }) => length > 3).map((member) => [plain(member), member])
    for (const member of this.#members) {
      this.#add(`${member} ${words[member]}`, { member, isVague: false })
      this.#add(vagueWords[member] ?? '', { member, isVague: true })
    }
  }

  /**
   * The same as a member, or as another word for it, but for case and punctuation; or one letter off a member. Other unknown members are
   * none of the executor's business, nor are members that exist, nor vague words for one that is `given`.
   */
  meantBy(name: string, given: { readonly [Name in Member]?: unknown }): Member | undefined {
    if (name.length > this.#maxLength || this.#members.includes(name as Member)) return undefined
    const meaning = this.#remembered.has(name) ? this.#remembered.get(name) : this.#remember(name)
    return meaning && (!meaning.isVague || given[meaning.member] === undefined) ? meaning.member : undefined
  }

  #remember(name: string): Meaning<Member> | undefined {
    const plainName = plain(name)
    const near = this.#longMembers.find(([expected]) => isOneLetterOff(plainName, expected))?.[1]
    const meaning = this.#byPlainName.get(plainName) ?? (near && { member: near, isVague: false })
    if (this.#remembered.size === maxRemembered) this.#remembered.clear()
    this.#remembered.set(name, meaning)
    return meaning
  }

  #add(words: string, meaning: Meaning<Member>): void {
    for (const word of words.split(/\s+/).filter(Boolean)) {
      this.#byPlainName.set(plain(word), meaning)
      this.#maxLength = Math.max(this.#maxLength, 2 * word.length)
    }
  }
}

/** The message about a member that does not exist. */
export function unknownMember(name: string, member: string): string {
  // Put under the right name as it is, seconds would become milliseconds.
  const unit = /sec|minute/i.test(name) && /timeout|ms$/i.test(member) ? ', in milliseconds' : ''
  return `Expected \`${member}\`${unit}, got ${quote(name)}`
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
