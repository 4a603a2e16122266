import { type Dirent, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import ignore, { type Ignore } from 'ignore'
import { readText } from './confined-file.js'
import type { Problem } from './problem.js'

/** What a walk found. Paths are relative to the root. */
export interface Walk {
  readonly files: string[]
  readonly problems: Problem[]
  readonly skipped: { symlinks: number; repositories: number; special: number }
  readonly truncated: boolean
}

/** The rules of one .gitignore, which hold for what lies below `base` (empty, or ending in a slash). */
interface Rules {
  readonly base: string
  readonly rules: Ignore
}

interface Directory {
  /** Relative to the root; empty for the root itself. */
  readonly path: string
  readonly rules: readonly Rules[]
}

const skippedNames = new Set(['.git', 'node_modules'])

/**
 * The files below `start` that no .gitignore excludes, at most `maxFiles`, without node_modules and .git. Follows no
 * link.
 */
export function walk(root: string, start: string, maxFiles: number): Walk {
  const found: Walk = {
    files: [],
    problems: [],
    skipped: { symlinks: 0, repositories: 0, special: 0 },
    truncated: false,
  }
  const first = start === '.' ? '' : start
  // Inside a repository another one is a thing of its own, as it is for git. Outside, a folder of checkouts is scanned
  // whole.
  const insideRepository = holdsRepository(root, first)
  const pending: Directory[] = [{ path: first, rules: [] }]
  for (let directory = pending.pop(); directory; directory = pending.pop()) {
    const entries = entriesOf(root, directory.path, found)
    const rules = withOwnRules(root, directory, entries)
    const prefix = directory.path === '' ? '' : `${directory.path}/`
    for (const entry of entries) {
      const path = prefix + entry.name
      if (skippedNames.has(entry.name) || isIgnored(rules, entry.isDirectory() ? `${path}/` : path)) continue
      if (entry.isSymbolicLink()) found.skipped.symlinks++
      else if (entry.isDirectory()) {
        if (insideRepository && holdsRepository(root, path)) found.skipped.repositories++
        else pending.push({ path, rules })
      } else if (!entry.isFile()) found.skipped.special++
      else if (found.files.length === maxFiles) return { ...found, truncated: true }
      else found.files.push(path)
    }
  }
  return found
}

function entriesOf(root: string, path: string, found: Walk): Dirent[] {
  try {
    return readdirSync(join(root, path), { withFileTypes: true })
  } catch {
    found.problems.push({ path: path === '' ? '.' : path, code: 'unreadable' })
    return []
  }
}

function holdsRepository(root: string, path: string): boolean {
  try {
    return lstatSync(join(root, path, '.git')) !== undefined
  } catch {
    return false
  }
}

function withOwnRules(root: string, directory: Directory, entries: readonly Dirent[]): readonly Rules[] {
  if (!entries.some((entry) => entry.name === '.gitignore')) return directory.rules
  const base = directory.path === '' ? '' : `${directory.path}/`
  const file = readText(root, `${base}.gitignore`)
  if (file.kind !== 'text') return directory.rules
  return [...directory.rules, { base, rules: ignore({ ignorecase: false }).add(file.text) }]
}

/** The nearest .gitignore that says something about a path decides. */
function isIgnored(all: readonly Rules[], path: string): boolean {
  for (let index = all.length - 1; index >= 0; index--) {
    const { base, rules } = all[index]!
    const { ignored, unignored } = rules.test(path.slice(base.length))
    if (ignored || unignored) return ignored
  }
  return false
}
