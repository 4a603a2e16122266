import { isObject } from './json-object.js'
import { packageName } from './package-manifest.js'
import { directoryOf, isModule } from './path-kinds.js'

/** A package of the scan, as far as finding its modules needs it. */
export interface LocalPackage {
  /** Relative to the scan root; empty for the root. */
  readonly directory: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** What an import means. */
export type Resolution =
  | { readonly kind: 'module'; readonly path: string }
  | { readonly kind: 'external'; readonly name: string }
  /** A file of the scan that is no module, or a module of the runtime. */
  | { readonly kind: 'other' }
  | { readonly kind: 'unresolved' }

const sourceExtensions = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.d.ts', '.d.mts', '.d.cts']
/** TypeScript names what a file is compiled to; the source is what lies there. */
const writtenAs: readonly (readonly [RegExp, readonly string[]])[] = [
  [/\.js$/, ['.ts', '.tsx', '.jsx', '.d.ts']],
  [/\.jsx$/, ['.tsx']],
  [/\.mjs$/, ['.mts', '.d.mts']],
  [/\.cjs$/, ['.cts', '.d.cts']],
]
const builtDirectory = /^(?:dist|lib|build|out|esm|cjs)\//
const conditions = ['import', 'module', 'node', 'browser', 'default', 'require']

/** Finds what imports mean among the files of a scan. Nothing is read: only names are compared. */
export class ImportResolver {
  readonly #files: ReadonlySet<string>
  readonly #packages: ReadonlyMap<string, LocalPackage>

  constructor(files: ReadonlySet<string>, packages: ReadonlyMap<string, LocalPackage>) {
    this.#files = files
    this.#packages = packages
  }

  resolve(from: string, specifier: string): Resolution {
    if (specifier.startsWith('node:') || specifier.startsWith('data:')) return { kind: 'other' }
    if (/^\.{1,2}(?:\/|$)/.test(specifier)) return this.#resolveRelative(from, specifier)
    const [scope, ...rest] = specifier.split('/')
    const isScoped = specifier.startsWith('@')
    const name = packageName(isScoped ? `${scope}/${rest.shift() ?? ''}` : scope)
    if (name === null) return { kind: 'unresolved' }
    const local = this.#packages.get(name)
    if (!local) return { kind: 'external', name }
    const path = this.#entryOf(local, rest.join('/'))
    // A package of the scan whose built files are not here and whose sources lie elsewhere.
    return path === undefined ? { kind: 'external', name } : { kind: 'module', path }
  }

  #resolveRelative(from: string, specifier: string): Resolution {
    const path = joined(directoryOf(from), specifier.replace(/[?#].*$/, ''))
    const module = path === undefined ? undefined : this.#moduleAt(path)
    if (module !== undefined) return { kind: 'module', path: module }
    return { kind: path !== undefined && this.#files.has(path) ? 'other' : 'unresolved' }
  }

  /** The module that a path names, the way TypeScript and bundlers look for it. */
  #moduleAt(path: string): string | undefined {
    if (this.#files.has(path) && isModule(path)) return path
    for (const [written, extensions] of writtenAs) {
      if (!written.test(path)) continue
      const source = extensions
        .map((extension) => path.replace(written, extension))
        .find((file) => this.#files.has(file))
      if (source !== undefined) return source
    }
    return (
      sourceExtensions.map((extension) => path + extension).find((file) => this.#files.has(file)) ??
      sourceExtensions.map((extension) => below(path, `index${extension}`)).find((file) => this.#files.has(file))
    )
  }

  #entryOf({ directory, fields }: LocalPackage, subpath: string): string | undefined {
    const exported = exportTarget(fields.exports, subpath === '' ? '.' : `./${subpath}`)
    const named = subpath === '' ? [exported, fields.module, fields.main, 'src/index', 'index'] : [exported, subpath]
    for (const candidate of named) {
      if (typeof candidate !== 'string') continue
      const target = joined('', candidate)
      if (target === undefined) continue
      // Where the built file is not part of the scan, its source has the same name.
      const sources = [target, target.replace(builtDirectory, 'src/'), `src/${target}`]
      for (const source of sources) {
        const module = this.#moduleAt(below(directory, source))
        if (module !== undefined) return module
      }
    }
    return undefined
  }
}

function exportTarget(exports: unknown, subpath: string): string | undefined {
  let target: unknown = exports
  if (isObject(exports) && Object.keys(exports).some((key) => key.startsWith('.'))) {
    target = Object.hasOwn(exports, subpath) ? exports[subpath] : undefined
  } else if (subpath !== '.') target = undefined
  // Conditions nest; a plan of packages has no use for more than a few.
  for (let depth = 0; depth < 5 && isObject(target); depth++) {
    const known: Readonly<Record<string, unknown>> = target
    target = conditions
      .map((condition) => (Object.hasOwn(known, condition) ? known[condition] : undefined))
      .find(Boolean)
  }
  return typeof target === 'string' ? target : undefined
}

/** `path` as seen from `directory`; `undefined` where it leads out of the scan root. */
function joined(directory: string, path: string): string | undefined {
  const segments = directory === '' ? [] : directory.split('/')
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment !== '..') segments.push(segment)
    else if (segments.pop() === undefined) return undefined
  }
  return segments.join('/')
}

function below(directory: string, path: string): string {
  return directory === '' ? path : `${directory}/${path}`
}
