import { compareText } from './compare-text.js'
import type { FileBatch } from './file-batch.js'
import { findCycles } from './find-cycles.js'
import { listed } from './listed.js'
import { dependencyNames, packageName, readPackage } from './package-manifest.js'
import { isPackageJson, manifestKind } from './path-kinds.js'
import type { Problem } from './problem.js'
import type { Manifests, PackageDependency, PackageSummary } from './scan-outputs.js'
import { maskSecrets } from './secret-patterns.js'

const dependencyFields = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'] as const
const version = /^\d+\.\d+\.\d+(?:[-+][\w.+-]{1,64})?$/

/** Reads the manifests among `paths`: every package.json in detail, the others by name. */
export function readManifests({ root, paths }: FileBatch): Manifests {
  const packages: PackageSummary[] = []
  const invalid: { path: string }[] = []
  const problems: Problem[] = []
  const fieldsOf = new Map<string, Readonly<Record<string, unknown>>>()
  const usedBy = new Map<string, number>()
  for (const path of paths) {
    if (!isPackageJson(path)) continue
    const manifest = readPackage(root, path)
    if (manifest.kind === 'problem') problems.push(manifest.problem)
    else if (manifest.kind === 'invalid') invalid.push({ path })
    else {
      const summary = summaryOf(path, manifest.fields)
      packages.push(summary)
      // The first of several packages with the same name counts.
      if (summary.name !== null && !fieldsOf.has(summary.name)) fieldsOf.set(summary.name, manifest.fields)
      for (const name of new Set(dependencyFields.flatMap((field) => dependencyNames(manifest.fields, field)))) {
        usedBy.set(name, (usedBy.get(name) ?? 0) + 1)
      }
    }
  }
  const dependencies = dependenciesAmong(fieldsOf)
  const external = [...usedBy]
    .filter(([name]) => !fieldsOf.has(name))
    .map(([name, count]) => ({ name, packages: count }))
    .sort((a, b) => b.packages - a.packages || compareText(a.name, b.name))
  const manifests = paths.flatMap((path) => {
    const kind = manifestKind(path)
    return kind === undefined ? [] : [{ path, kind }]
  })
  return {
    manifests: listed(manifests),
    packages: listed(packages),
    dependencies: listed(dependencies),
    cycles: listed(cyclesAmong([...fieldsOf.keys()], dependencies)),
    external: listed(external),
    invalid: listed(invalid),
    problems,
  }
}

function summaryOf(path: string, fields: Readonly<Record<string, unknown>>): PackageSummary {
  return {
    path,
    name: packageName(fields.name),
    version: packageVersion(fields.version),
    private: fields.private === true,
    dependencies: dependencyNames(fields, 'dependencies').length,
    devDependencies: dependencyNames(fields, 'devDependencies').length,
  }
}

function packageVersion(value: unknown): string | null {
  return typeof value === 'string' && version.test(value) && maskSecrets(value) === value ? value : null
}

function dependenciesAmong(fieldsOf: ReadonlyMap<string, Readonly<Record<string, unknown>>>): PackageDependency[] {
  return [...fieldsOf].flatMap(([from, fields]) =>
    dependencyFields.flatMap((kind) =>
      dependencyNames(fields, kind)
        .filter((to) => fieldsOf.has(to))
        .map((to) => ({ from, to, kind })),
    ),
  )
}

function cyclesAmong(
  names: readonly string[],
  dependencies: readonly PackageDependency[],
): { path: readonly string[] }[] {
  const graph = new Map<string, string[]>(names.map((name) => [name, []]))
  for (const { from, to, kind } of dependencies) if (kind !== 'devDependencies') graph.get(from)!.push(to)
  return findCycles(graph).map(({ path }) => ({ path }))
}
