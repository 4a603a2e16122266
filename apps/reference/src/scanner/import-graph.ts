import { isBuiltin } from 'node:module'
import { compareText } from './compare-text.js'
import { type Cycle, findCycles } from './find-cycles.js'
import { ImportResolver, type LocalPackage } from './import-resolution.js'
import type { ImportKind, ModuleImports } from './import-specifiers.js'
import { listed } from './listed.js'
import { packageName, readPackage } from './package-manifest.js'
import { directoryOf, isPackageJson } from './path-kinds.js'
import type { ImportEdge, Imports } from './scan-outputs.js'
import { maskSecrets } from './secret-patterns.js'

export interface ImportGraphInput {
  readonly root: string
  /** Every file of the scan, separated by NUL: one text is passed to a worker at no cost, 50,000 are not. */
  readonly files: string
  /** What `readImports` gave, part by part. */
  readonly modules: readonly string[]
}

const strength: Record<ImportKind, number> = { static: 2, dynamic: 1, type: 0 }
const maxEdges = 1_000
const maxSpecifierLength = 200

/** Joins what modules import to a graph and finds its cycles. */
export function buildImportGraph({ root, files, modules }: ImportGraphInput): Omit<Imports, 'problems'> {
  const paths = files === '' ? [] : files.split('\0')
  const resolver = new ImportResolver(new Set(paths), localPackages(root, paths))
  const graph = new Map<string, Map<string, ImportKind>>()
  const external = new Map<string, number>()
  const unresolved: { path: string; specifier: string }[] = []
  const all = modules.flatMap((part): readonly ModuleImports[] => JSON.parse(part))
  for (const { path } of all) graph.set(path, new Map())
  for (const { path, imports } of all) {
    const targets = graph.get(path)!
    const packages = new Set<string>()
    for (const { specifier, kind } of imports) {
      const found = resolver.resolve(path, specifier)
      if (found.kind === 'module') {
        const known = targets.get(found.path)
        if (known === undefined || strength[kind] > strength[known]) targets.set(found.path, kind)
      } else if (found.kind === 'external' && !isBuiltin(specifier)) packages.add(found.name)
      else if (found.kind === 'unresolved') unresolved.push({ path, specifier: shown(specifier) })
    }
    for (const name of packages) external.set(name, (external.get(name) ?? 0) + 1)
  }
  return { modules: all.length, ...summaryOf(graph), external: byCount(external), unresolved: listed(unresolved) }
}

function summaryOf(
  graph: ReadonlyMap<string, ReadonlyMap<string, ImportKind>>,
): Pick<Imports, 'imports' | 'edges' | 'cycles' | 'mostImported'> {
  const counts: Record<ImportKind, number> = { static: 0, type: 0, dynamic: 0 }
  const importedBy = new Map<string, number>()
  const edges: ImportEdge[] = []
  for (const [from, targets] of graph) {
    for (const [to, kind] of targets) {
      counts[kind]++
      importedBy.set(to, (importedBy.get(to) ?? 0) + 1)
      edges.push({ from, to })
    }
  }
  // What types import is gone when the program runs, and a dynamic import waits until both modules are there.
  const loaded = new Map(
    [...graph].map(([from, targets]) => [
      from,
      [...targets].filter(([to, kind]) => kind === 'static' && graph.has(to)).map(([to]) => to),
    ]),
  )
  return {
    imports: { static: counts.static, typeOnly: counts.type, dynamic: counts.dynamic },
    edges: listed(edges, maxEdges),
    cycles: listed(findCycles(loaded).map(({ path, nodes }: Cycle) => ({ path: path.slice(0, 100), modules: nodes }))),
    mostImported: listed(
      [...importedBy]
        .map(([path, count]) => ({ path, importedBy: count }))
        .sort((a, b) => b.importedBy - a.importedBy || compareText(a.path, b.path)),
      50,
    ),
  }
}

function localPackages(root: string, paths: readonly string[]): Map<string, LocalPackage> {
  const packages = new Map<string, LocalPackage>()
  for (const path of paths) {
    if (!isPackageJson(path)) continue
    const manifest = readPackage(root, path)
    if (manifest.kind !== 'package') continue
    const name = packageName(manifest.fields.name)
    const directory = directoryOf(path)
    if (name !== null && !packages.has(name)) packages.set(name, { directory, fields: manifest.fields })
  }
  return packages
}

function byCount(external: ReadonlyMap<string, number>): Imports['external'] {
  return listed(
    [...external]
      .map(([name, modules]) => ({ name, modules }))
      .sort((a, b) => b.modules - a.modules || compareText(a.name, b.name)),
  )
}

function shown(specifier: string): string {
  const masked = maskSecrets(specifier)
  return masked.length > maxSpecifierLength ? `${masked.slice(0, maxSpecifierLength - 1)}…` : masked
}
