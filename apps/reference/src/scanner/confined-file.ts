import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { faultOf, goesDown } from './confined-path.js'
import type { Problem } from './problem.js'

/** A file's text, or that it is binary, or why there is none. */
export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'binary' }
  | { readonly kind: 'problem'; readonly problem: Problem }

/** Files over this many bytes are not read as text: 1 MiB. */
export const maxTextBytes = 1_048_576

// O_NONBLOCK: a FIFO that took the file's place must not hold the scan. Both flags are absent on Windows.
const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
const decoder = new TextDecoder('utf-8', { fatal: true })
/** As far as git looks for a NUL before it calls a file binary. */
const sniffedBytes = 8_000

/**
 * Reads a regular file below `root`, which is a real path. The path is confined when it is read, whatever was checked
 * before: only straight down, over no symbolic link, into nothing but a regular file.
 */
export function readText(root: string, path: string, maxBytes = maxTextBytes): FileText {
  if (!goesDown(path)) return problem(path, 'outside')
  const absolute = join(root, path)
  let file: number | undefined
  try {
    // Before the open, because opening a device can do something.
    if (!lstatSync(absolute).isFile()) return problem(path, faultOf(root, path))
    file = openSync(absolute, flags)
    const { size } = regularFile(file)
    if (openedPath(file, absolute) !== absolute) return problem(path, faultOf(root, path))
    const bytes = read(file, size > maxBytes ? sniffedBytes : size)
    if (isUtf16(bytes)) return problem(path, 'not_utf8')
    if (bytes.subarray(0, sniffedBytes).includes(0)) return { kind: 'binary' }
    return size > maxBytes ? problem(path, 'too_large') : decode(path, bytes)
  } catch {
    return problem(path, faultOf(root, path))
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function regularFile(file: number): { readonly size: number } {
  const stats = fstatSync(file)
  if (!stats.isFile()) throw new Error('Not a regular file')
  return stats
}

/** The real path of what was opened: on Linux of the open file itself, so that no later rename can make it a lie. */
function openedPath(file: number, absolute: string): string {
  if (process.platform === 'linux') {
    try {
      return readlinkSync(`/proc/self/fd/${file}`)
    } catch {
      // A system without /proc.
    }
  }
  return realpathSync.native(absolute)
}

function read(file: number, length: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const count = readSync(file, bytes, filled, length - filled, filled)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}

function isUtf16(bytes: Uint8Array): boolean {
  return (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
}

function decode(path: string, bytes: Uint8Array): FileText {
  try {
    return { kind: 'text', text: decoder.decode(bytes) }
  } catch {
    return problem(path, 'not_utf8')
  }
}

function problem(path: string, code: Problem['code']): FileText {
  return { kind: 'problem', problem: { path, code } }
}
