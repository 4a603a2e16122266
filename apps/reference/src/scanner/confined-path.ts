import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { directoryOf } from './path-kinds.js'
import type { ProblemCode } from './problem.js'

const maxPathLength = 4_096
const separator = process.platform === 'win32' ? /[/\\]/ : /\//

/** Whether `path` is a relative path that goes straight down: no `..`, no `.`, no empty segment, no NUL. */
export function goesDown(path: string): boolean {
  if (path === '' || path.length > maxPathLength || path.includes('\0')) return false
  if (process.platform === 'win32' && path.includes(':')) return false
  return path.split(separator).every((segment) => segment !== '' && segment !== '.' && segment !== '..')
}

/**
 * Why `path` below `root` cannot be read as a regular file. The answer about a path that leads over a symbolic link is
 * `outside` wherever the link points and whether or not its target exists: nothing is said about what lies elsewhere.
 */
export function faultOf(root: string, path: string): ProblemCode {
  if (!goesDown(path)) return 'outside'
  let current = root
  for (const segment of path.split(separator)) {
    current = join(current, segment)
    try {
      if (lstatSync(current).isSymbolicLink()) return 'outside'
    } catch (error) {
      return isMissing(error) ? 'vanished' : 'unreadable'
    }
  }
  return 'unreadable'
}

/** Whether a file system call failed because there is nothing of that name. */
export function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/**
 * Tells of directories below `root` whether they are there and no link leads to them. It remembers its answers, for a
 * list of many files in few directories.
 */
export function realDirectories(root: string): (path: string) => boolean {
  const known = new Map<string, boolean>([['', true]])
  const isReal = (path: string): boolean => {
    const answer = known.get(path)
    if (answer !== undefined) return answer
    const isDirectory = isReal(directoryOf(path)) && lstatIsDirectory(join(root, path))
    known.set(path, isDirectory)
    return isDirectory
  }
  return isReal
}

function lstatIsDirectory(absolute: string): boolean {
  try {
    return lstatSync(absolute).isDirectory()
  } catch {
    return false
  }
}
