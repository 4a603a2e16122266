import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { compareText } from './compare-text.js'
import { goesDown, realDirectories } from './confined-path.js'
import { type FileColumns, fromColumns } from './file-columns.js'
import { listed } from './listed.js'
import { directoryOf } from './path-kinds.js'
import type { NotableFiles } from './scan-outputs.js'

export interface NotableFilesInput {
  readonly root: string
  /** The scanned directory, which the paths in `gitLog` are relative to. */
  readonly path: string
  readonly files: FileColumns
  /** The output of `git log --format=%x01%ct --name-only -z`, where there is one. */
  readonly gitLog?: Uint8Array | undefined
}

const maxTime = 8.64e15

/** Finds the largest files and those unchanged for longest. */
export function findNotableFiles({ root, path, files: columns, gitLog }: NotableFilesInput): NotableFiles {
  const files = fromColumns(columns)
  const commits = gitLog === undefined ? new Map<string, number>() : lastCommits(gitLog, path)
  const isHere = fileFinder(root)
  // The log may be that of a repository elsewhere: it counts for what is here, and tells nothing of other names.
  const commitTime = (file: string): number | undefined => (isHere(file) ? commits.get(file) : undefined)
  const bySize = [...files].sort((a, b) => b.bytes - a.bytes || compareText(a.path, b.path))
  const byAge = files
    .map((file) => ({ path: file.path, time: commitTime(file.path) ?? file.modified }))
    .sort((a, b) => a.time - b.time || compareText(a.path, b.path))
  return {
    files: files.length,
    bytes: files.reduce((total, file) => total + file.bytes, 0),
    largest: listed(
      bySize.map((file) => ({ path: file.path, bytes: file.bytes })),
      100,
    ),
    oldest: {
      total: byAge.length,
      items: byAge.slice(0, 100).map((file) => ({ path: file.path, changed: new Date(file.time).toISOString() })),
    },
    dates: commits.size > 0 ? 'git' : 'modified',
  }
}

/** When each file was last changed: the log begins with the newest commit. */
function lastCommits(gitLog: Uint8Array, path: string): Map<string, number> {
  const prefix = path === '.' ? '' : `${path}/`
  const times = new Map<string, number>()
  let time: number | undefined
  for (const field of new TextDecoder().decode(gitLog).split('\0')) {
    if (field.startsWith('\x01')) {
      const seconds = Number(field.slice(1))
      time = Number.isFinite(seconds) && Math.abs(seconds * 1_000) <= maxTime ? seconds * 1_000 : undefined
      continue
    }
    // The first name of a commit follows an empty line.
    const name = prefix + (field.startsWith('\n') ? field.slice(1) : field)
    if (time !== undefined && name !== prefix && !times.has(name)) times.set(name, time)
  }
  return times
}

function fileFinder(root: string): (path: string) => boolean {
  const isReal = realDirectories(root)
  return (path) => {
    if (!goesDown(path) || !isReal(directoryOf(path))) return false
    try {
      return lstatSync(join(root, path)).isFile()
    } catch {
      return false
    }
  }
}
