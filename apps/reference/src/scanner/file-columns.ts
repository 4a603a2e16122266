import type { InventoryFile } from './inventory.js'

/**
 * The files of an inventory as they go between threads. A text and two arrays of numbers cost a fraction of what
 * thousands of objects cost to copy, which is paid on the main thread too.
 */
export interface FileColumns {
  /** Separated by NUL, which no path holds. */
  readonly paths: string
  readonly bytes: Float64Array
  readonly modified: Float64Array
}

export function toColumns(files: readonly InventoryFile[]): FileColumns {
  const bytes = new Float64Array(files.length)
  const modified = new Float64Array(files.length)
  for (const [index, file] of files.entries()) {
    bytes[index] = file.bytes
    modified[index] = file.modified
  }
  return { paths: files.map(({ path }) => path).join('\0'), bytes, modified }
}

export function fromColumns({ paths, bytes, modified }: FileColumns): InventoryFile[] {
  if (bytes.length === 0) return []
  return paths.split('\0').map((path, index) => ({ path, bytes: bytes[index] ?? 0, modified: modified[index] ?? 0 }))
}
