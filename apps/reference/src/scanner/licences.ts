import parseExpression from 'spdx-expression-parse'
import { compareText } from './compare-text.js'
import type { FileBatch } from './file-batch.js'
import { isObject } from './json-object.js'
import { listed } from './listed.js'
import { packageName, readPackage } from './package-manifest.js'
import { directoryOf, isLicenceText, isPackageJson } from './path-kinds.js'
import type { Problem } from './problem.js'
import type { LicenceStatus, Licences, PackageLicence } from './scan-outputs.js'
import { maskSecrets } from './secret-patterns.js'

const maxLicenceLength = 120

/** Says under which licence each package is. */
export function readLicences({ root, paths }: FileBatch): Licences {
  const files = paths.filter(isLicenceText)
  const fileIn = new Map(files.map((path) => [directoryOf(path), path]))
  const packages: PackageLicence[] = []
  const problems: Problem[] = []
  for (const path of paths) {
    if (!isPackageJson(path)) continue
    const manifest = readPackage(root, path)
    if (manifest.kind === 'problem') problems.push(manifest.problem)
    if (manifest.kind !== 'package') continue
    const { fields } = manifest
    const name = packageName(fields.name)
    // A package.json that only says `{"type": "commonjs"}` marks a folder and is no package.
    if (name === null && fields.license === undefined && fields.version === undefined) continue
    const file = fileIn.get(directoryOf(path)) ?? null
    packages.push({ path, name, private: fields.private === true, ...licenceOf(fields), file })
  }
  const without = packages.filter(({ status }) => status === 'invalid' || status === 'missing')
  const counts = new Map<string, number>()
  for (const { licence } of packages) if (licence !== null) counts.set(licence, (counts.get(licence) ?? 0) + 1)
  return {
    packages: listed(packages),
    licences: listed(
      [...counts]
        .map(([licence, count]) => ({ licence, packages: count }))
        .sort((a, b) => b.packages - a.packages || compareText(a.licence, b.licence)),
    ),
    files: listed(files.map((path) => ({ path }))),
    without: listed(without.map(({ path, status, private: isPrivate }) => ({ path, status, private: isPrivate }))),
    problems,
  }
}

function licenceOf(fields: Readonly<Record<string, unknown>>): { status: LicenceStatus; licence: string | null } {
  const text = licenceText(fields.license) ?? licenceText(fields.licenses)
  if (text === undefined || text === '') return { status: 'missing', licence: null }
  if (text.length > maxLicenceLength || maskSecrets(text) !== text) return { status: 'invalid', licence: null }
  if (text === 'UNLICENSED') return { status: 'unlicensed', licence: text }
  if (/^SEE LICEN[CS]E IN /.test(text)) return { status: 'file', licence: text }
  try {
    parseExpression(text)
    return { status: 'valid', licence: text }
  } catch {
    return { status: 'invalid', licence: text }
  }
}

/** Also the old forms `{"type": "MIT"}` and `[{"type": "MIT"}, …]`. */
function licenceText(value: unknown): string | undefined {
  if (!Array.isArray(value)) return namedLicence(value)
  const all = value.map(namedLicence).filter((text) => text !== undefined)
  return all.length > 1 ? `(${all.join(' OR ')})` : all[0]
}

function namedLicence(value: unknown): string | undefined {
  const text = isObject(value) ? value.type : value
  return typeof text === 'string' ? text.trim() : undefined
}
