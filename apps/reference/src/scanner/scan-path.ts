import { lstat, realpath } from 'node:fs/promises'
import { isAbsolute, join, normalize, relative, resolve, sep } from 'node:path'
import { isMissing } from './confined-path.js'

/** A directory below the scan root, or why `path` names none. The texts are public. */
export type ScanPath =
  | { readonly ok: true; readonly path: string; readonly absolute: string }
  | { readonly ok: false; readonly code: ScanPathFault; readonly detail: string }

export type ScanPathFault =
  | 'invalid_path'
  | 'path_outside_root'
  | 'path_not_found'
  | 'path_not_directory'
  | 'path_unreadable'

const details: Record<ScanPathFault, string> = {
  invalid_path: 'Expected `path` to be a path of 1 to 4096 characters without NUL',
  path_outside_root: 'Expected `path` to lie below the scan root',
  path_not_found: 'Expected `path` to exist below the scan root',
  path_not_directory: 'Expected `path` to be a directory',
  path_unreadable: 'Expected `path` to be readable',
}

/**
 * Finds the directory that `path` names below `root`, which is a real path. A symbolic link may lead to another place
 * below the root. One that leads elsewhere or nowhere is `path_outside_root` alike, so that no answer tells what exists
 * outside.
 */
export async function resolveScanPath(root: string, path: string): Promise<ScanPath> {
  if (path === '' || path.length > 4_096 || path.includes('\0')) return refused('invalid_path')
  // An absolute path, or one that leaves the root and comes back, would tell by its answer where the root is.
  if (isAbsolute(path) || normalize(path).split(sep)[0] === '..') return refused('path_outside_root')
  const wanted = resolve(root, path)
  let current = root
  for (const segment of relative(root, wanted).split(sep)) {
    const next = join(current, segment)
    let stats: Awaited<ReturnType<typeof lstat>>
    try {
      stats = await lstat(next)
    } catch (error) {
      return refused(isMissing(error) || isTooLong(error) ? 'path_not_found' : 'path_unreadable')
    }
    const real = stats.isSymbolicLink() ? await realpath(next).catch(() => undefined) : next
    if (real === undefined || !isBelow(root, real)) return refused('path_outside_root')
    current = real
  }
  const isDirectory = await lstat(current).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
  if (!isDirectory) return refused('path_not_directory')
  return { ok: true, path: relative(root, current).split(sep).join('/') || '.', absolute: current }
}

function isBelow(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)
}

function isTooLong(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENAMETOOLONG'
}

function refused(code: ScanPathFault): ScanPath {
  return { ok: false, code, detail: `${details[code]}.` }
}
