import { readText } from './confined-file.js'
import { isObject } from './json-object.js'
import type { Problem } from './problem.js'
import { maskSecrets } from './secret-patterns.js'

/** A package.json, or why it cannot be had. */
export type PackageManifest =
  | { readonly kind: 'package'; readonly path: string; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: 'invalid'; readonly path: string }
  | { readonly kind: 'problem'; readonly problem: Problem }

const name = /^(?:@[a-z0-9~][\w.~-]*\/)?[a-z0-9~_][\w.~-]*$/i
const maxNameLength = 214

/** Reads a package.json below `root`. */
export function readPackage(root: string, path: string): PackageManifest {
  const file = readText(root, path)
  if (file.kind === 'problem') return file
  try {
    const fields: unknown = file.kind === 'text' ? JSON.parse(file.text) : undefined
    if (isObject(fields)) return { kind: 'package', path, fields }
  } catch {
    // Not JSON: invalid as well.
  }
  return { kind: 'invalid', path }
}

/** The value if it is the name of a package. What looks like a secret is none. */
export function packageName(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > maxNameLength || !name.test(value)) return null
  return maskSecrets(value) === value ? value : null
}

/** The names in one of the dependency fields. */
export function dependencyNames(fields: Readonly<Record<string, unknown>>, field: string): string[] {
  const dependencies = fields[field]
  return isObject(dependencies) ? Object.keys(dependencies).filter((key) => packageName(key) !== null) : []
}
