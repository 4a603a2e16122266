import { lstatSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { faultOf, goesDown, isMissing, realDirectories } from './confined-path.js'
import { type Walk, walk } from './directory-walk.js'
import { type FileColumns, toColumns } from './file-columns.js'
import { directoryOf } from './path-kinds.js'
import type { Problem } from './problem.js'

/** One regular file of the scan. */
export interface InventoryFile {
  /** Relative to the scan root, `/` between segments. */
  readonly path: string
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly modified: number
}

/** What there is to scan: the input of every other tool. */
export interface Inventory {
  /** The scanned directory, relative to the scan root; `.` for the root itself. */
  readonly path: string
  /**
   * `git`: git's own list of tracked and of untracked, not ignored files. `walk`: a walk that honours .gitignore
   * files.
   */
  readonly source: 'git' | 'walk'
  /** In the order of their paths. */
  readonly files: readonly InventoryFile[]
  readonly bytes: number
  /** There are more files than the scanner's limit. */
  readonly truncated: boolean
  /** Entries that are no regular files. */
  readonly skipped: { readonly symlinks: number; readonly repositories: number; readonly special: number }
  readonly problems: readonly Problem[]
}

export interface InventoryInput {
  readonly root: string
  readonly path: string
  /** The output of `git ls-files -z` in that directory, where there is one. */
  readonly gitFiles?: Uint8Array | undefined
  readonly maxFiles: number
}

/** Stands in a name for bytes that are not UTF-8; Node cannot open such a file by its text. */
const replacement = '\ufffd'

/** An inventory as it leaves the worker. */
export type InventoryPart = Omit<Inventory, 'files'> & { readonly files: FileColumns }

/** Looks at every file of git's list, or of a walk where git has none. */
export function takeInventory({ root, path, gitFiles, maxFiles }: InventoryInput): InventoryPart {
  const fromGit = gitFiles === undefined ? undefined : namesOf(gitFiles, path)
  // A repository that ignores the whole directory (a build folder, say) has nothing to tell about it.
  const source = fromGit !== undefined && fromGit.length > 0 ? 'git' : 'walk'
  const found: Walk =
    source === 'walk'
      ? walk(root, path, maxFiles)
      : { files: fromGit!, problems: [], skipped: { symlinks: 0, repositories: 0, special: 0 }, truncated: false }
  const { problems, skipped } = found
  const isReal = realDirectories(root)
  const files: InventoryFile[] = []
  let { truncated } = found
  let bytes = 0
  // The plain order of code units: the same everywhere.
  for (const file of found.files.sort()) {
    // Git names an untracked repository inside this one as a directory.
    if (file.endsWith('/')) {
      skipped.repositories++
      continue
    }
    if (files.length === maxFiles) {
      truncated = true
      break
    }
    const stats = goesDown(file) && isReal(directoryOf(file)) ? statsOf(root, file, problems) : undefined
    if (stats === undefined) {
      if (file.includes(replacement)) problems.push({ path: file, code: 'not_utf8' })
    } else if (stats.isFile()) {
      files.push({ path: file, bytes: stats.size, modified: Math.max(0, Math.trunc(stats.mtimeMs)) })
      bytes += stats.size
    } else if (stats.isSymbolicLink()) skipped.symlinks++
    else if (stats.isDirectory()) skipped.repositories++
    else skipped.special++
  }
  return { path, source, files: toColumns(files), bytes, truncated, skipped, problems }
}

function namesOf(gitFiles: Uint8Array, path: string): string[] {
  const prefix = path === '.' ? '' : `${path}/`
  const names = new Set(new TextDecoder().decode(gitFiles).split('\0'))
  names.delete('')
  return [...names].map((name) => prefix + name)
}

/**
 * A tracked file that was deleted is no finding: git's index may be that of another place, whose names are not told.
 */
function statsOf(root: string, path: string, problems: Problem[]): Stats | undefined {
  try {
    return lstatSync(join(root, path))
  } catch (error) {
    if (!isMissing(error)) problems.push({ path, code: faultOf(root, path) })
    return undefined
  }
}
