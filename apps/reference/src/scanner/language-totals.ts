import { compareText } from './compare-text.js'
import { type Listed, listed } from './listed.js'
import type { Problem } from './problem.js'

/** The lines of the files of one language. */
export interface LanguageLines {
  readonly name: string
  readonly type: 'programming' | 'markup' | 'data' | 'prose'
  readonly files: number
  readonly bytes: number
  readonly lines: number
  readonly code: number
  readonly comments: number
  readonly blank: number
}

/** A file and how many lines it has. */
export interface FileLines {
  readonly path: string
  readonly lines: number
}

/** Languages, the one with most code first. Generated files and lock files are not counted. */
export interface Languages {
  readonly files: number
  readonly lines: number
  readonly code: number
  readonly comments: number
  readonly blank: number
  readonly languages: readonly LanguageLines[]
  /** Files in programming languages, the longest first. */
  readonly longest: Listed<FileLines>
  readonly problems: readonly Problem[]
}

/** What a worker says of some of the files. */
export interface LanguagesPart {
  readonly languages: readonly LanguageLines[]
  readonly longest: readonly FileLines[]
  readonly problems: readonly Problem[]
}

/** Puts together what the workers said. */
export function mergeLanguages(parts: readonly LanguagesPart[]): Languages {
  const totals = new Map<string, LanguageLines>()
  for (const part of parts) for (const language of part.languages) addTo(totals, language)
  const languages = [...totals.values()].sort((a, b) => b.code - a.code || compareText(a.name, b.name))
  const sum = (count: (language: LanguageLines) => number): number =>
    languages.reduce((total, language) => total + count(language), 0)
  return {
    files: sum(({ files }) => files),
    lines: sum(({ lines }) => lines),
    code: sum(({ code }) => code),
    comments: sum(({ comments }) => comments),
    blank: sum(({ blank }) => blank),
    languages,
    longest: listed(longestFirst(parts.flatMap((part) => part.longest))),
    problems: parts.flatMap((part) => part.problems),
  }
}

/** Adds the lines of a language to what is known of it. */
export function addTo(totals: Map<string, LanguageLines>, added: LanguageLines): void {
  const known = totals.get(added.name)
  if (!known) {
    totals.set(added.name, added)
    return
  }
  totals.set(added.name, {
    ...known,
    files: known.files + added.files,
    bytes: known.bytes + added.bytes,
    lines: known.lines + added.lines,
    code: known.code + added.code,
    comments: known.comments + added.comments,
    blank: known.blank + added.blank,
  })
}

function longestFirst(files: readonly FileLines[]): FileLines[] {
  return [...files].sort((a, b) => b.lines - a.lines || compareText(a.path, b.path))
}
