import { quote } from './dag-issue.js'
import { isName } from './name-limit.js'

/** Units of work that one finder does in all, most of them steps of a comparison: some tens of milliseconds. */
const maxWork = 3_000_000
/** What looking at one name costs at least, in these units. */
const workOfOneName = 2

interface Candidate {
  readonly name: string
  readonly plain: string
  /** A bit for each character that occurs, shared by several: names with few bits in common need no comparison. */
  readonly letters: number
}

/**
 * Finds the name that was probably meant by one that does not exist: the same but for case, spaces and Unicode form, or few edits away. The
 * work of all searches together is bounded; once it is done, only the former are found.
 */
export class NearestName {
  readonly #names: Iterable<string>
  #candidates: readonly Candidate[] | undefined
  readonly #twins = new Map<string, string[]>()
  #workLeft = maxWork

  /** The names are not read before one is searched for. */
  constructor(names: Iterable<string>) {
    this.#names = names
  }

  /** Where several are as near, the first of them. `except` is never the answer. */
  find(wanted: string, except?: string): string | undefined {
    if (!isName(wanted)) return undefined
    this.#candidates ??= this.#read()
    const plain = plainForm(wanted)
    const twin = this.#twins.get(plain)?.find((name) => name !== except)
    return twin ?? this.#search(plain, except)
  }

  #search(wanted: string, except: string | undefined): string | undefined {
    const letters = lettersOf(wanted)
    let limit = Math.max(1, Math.floor(wanted.length / 3))
    let nearest: string | undefined
    for (const { name, plain, letters: others } of this.#candidates!) {
      this.#workLeft -= workOfOneName
      if (this.#workLeft < 0 || limit === 0) break
      if (name === except || Math.abs(plain.length - wanted.length) > limit) continue
      // Each edit brings or takes at most one character.
      if (countBits(letters & ~others) > limit || countBits(others & ~letters) > limit) continue
      this.#workLeft -= Math.min(wanted.length, plain.length) * (2 * limit + 1)
      if (this.#workLeft < 0) break
      const distance = editDistance(wanted, plain, limit)
      // One edit makes any letter of any other.
      if (distance > limit || distance >= Math.max(wanted.length, plain.length)) continue
      nearest = name
      limit = distance - 1
    }
    return nearest
  }

  #read(): Candidate[] {
    return Array.from(this.#names, (name) => {
      const plain = plainForm(name)
      const twins = this.#twins.get(plain)
      if (twins) twins.push(name)
      else this.#twins.set(plain, [name])
      return { name, plain, letters: lettersOf(plain) }
    })
  }
}

/** The end of a message about a name that does not exist. */
export function nearestHint(wanted: string, nearest: string): string {
  const looksTheSame = wanted.normalize('NFC') === nearest.normalize('NFC')
  return `; the nearest is ${quote(nearest)}${looksTheSame ? ', the same in another Unicode form' : ''}`
}

function plainForm(name: string): string {
  return name.normalize('NFKC').toLowerCase().trim()
}

function lettersOf(text: string): number {
  let letters = 0
  for (let index = 0; index < text.length; index += 1) letters |= 1 << (text.charCodeAt(index) & 31)
  return letters
}

function countBits(bits: number): number {
  let count = 0
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1
  return count
}

/**
 * How many characters have to be put in, taken out, replaced or swapped with the next one to make one text of the other; above `limit`,
 * any number above it. Looks only at the cells so near to the diagonal that they can matter.
 */
export function editDistance(a: string, b: string, limit: number): number {
  const beyond = limit + 1
  if (Math.abs(a.length - b.length) > limit) return beyond
  // Of each row only the cells near the diagonal are written, and one on either side, which no way leads through.
  let beforeLast = new Uint16Array(b.length + 2)
  let last = Uint16Array.from(beforeLast, (_, column) => column)
  let current = new Uint16Array(b.length + 2)
  for (let row = 1; row <= a.length; row += 1) {
    const from = Math.max(1, row - limit)
    const to = Math.min(b.length, row + limit)
    current[from - 1] = from === 1 ? row : beyond
    current[to + 1] = beyond
    let least = current[from - 1]!
    const unit = a.charCodeAt(row - 1)
    // Not a number where there is none, which is equal to nothing.
    const unitBefore = a.charCodeAt(row - 2)
    for (let column = from; column <= to; column += 1) {
      const replaced = last[column - 1]! + (unit === b.charCodeAt(column - 1) ? 0 : 1)
      let distance = Math.min(replaced, last[column]! + 1, current[column - 1]! + 1)
      const isSwap = unit === b.charCodeAt(column - 2) && unitBefore === b.charCodeAt(column - 1)
      if (isSwap) distance = Math.min(distance, beforeLast[column - 2]! + 1)
      current[column] = distance
      least = Math.min(least, distance)
    }
    if (least > limit) return beyond
    ;[beforeLast, last, current] = [last, current, beforeLast]
  }
  return last[b.length]!
}
