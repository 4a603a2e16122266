import type { Listed } from './listed.js'
import type { Problem } from './problem.js'

/** The largest files, and those that were not changed for the longest time. */
export interface NotableFiles {
  readonly files: number
  readonly bytes: number
  readonly largest: Listed<{ readonly path: string; readonly bytes: number }>
  /** `changed` is an ISO 8601 time. */
  readonly oldest: Listed<{ readonly path: string; readonly changed: string }>
  /**
   * Where `changed` comes from: the history of the repository, or the file system, where a fresh checkout is all new.
   */
  readonly dates: 'git' | 'modified'
}

/** A comment that says TODO or FIXME. */
export interface TodoComment {
  readonly path: string
  readonly line: number
  readonly kind: 'TODO' | 'FIXME'
  /** The comment from that word on, shortened; without its text where the line holds a likely secret. */
  readonly text: string
}

export interface Todos {
  readonly todo: number
  readonly fixme: number
  readonly comments: Listed<TodoComment>
  readonly problems: readonly Problem[]
}

export interface TodosPart {
  readonly comments: readonly TodoComment[]
  readonly problems: readonly Problem[]
}

/** A likely secret: where it is and what it looks like, never its value. */
export interface Secret {
  readonly path: string
  readonly line: number
  readonly kind: string
}

export interface Secrets {
  readonly secrets: Listed<Secret>
  readonly problems: readonly Problem[]
}

export interface SecretsPart {
  readonly secrets: readonly Secret[]
  readonly problems: readonly Problem[]
}

/** Lines of code in tests and elsewhere. */
export interface TestLines {
  readonly testFiles: number
  readonly sourceFiles: number
  readonly testLines: number
  readonly sourceLines: number
  readonly problems: readonly Problem[]
}

export interface Tests extends TestLines {
  /** Lines of test code per line of source code, to three places; `null` where there is no source. */
  readonly ratio: number | null
}

/** A package.json, reduced to what is safe to show. */
export interface PackageSummary {
  readonly path: string
  readonly name: string | null
  readonly version: string | null
  readonly private: boolean
  readonly dependencies: number
  readonly devDependencies: number
}

/** A package of the scan that depends on another one of the scan. */
export interface PackageDependency {
  readonly from: string
  readonly to: string
  readonly kind: 'dependencies' | 'devDependencies' | 'peerDependencies' | 'optionalDependencies'
}

export interface Manifests {
  /** Every manifest by its path, of whatever ecosystem. */
  readonly manifests: Listed<{ readonly path: string; readonly kind: string }>
  readonly packages: Listed<PackageSummary>
  readonly dependencies: Listed<PackageDependency>
  /** Cycles among packages, development dependencies left out; the first name is also the last. */
  readonly cycles: Listed<{ readonly path: readonly string[] }>
  /** Packages from elsewhere by how many packages of the scan depend on them. */
  readonly external: Listed<{ readonly name: string; readonly packages: number }>
  /** A package.json that is no JSON object. */
  readonly invalid: Listed<{ readonly path: string }>
  readonly problems: readonly Problem[]
}

export type LicenceStatus =
  /** An SPDX expression. */
  | 'valid'
  /** `UNLICENSED`: all rights reserved. */
  | 'unlicensed'
  /** `SEE LICENSE IN …`. */
  | 'file'
  /** Something else, which no tool understands. */
  | 'invalid'
  | 'missing'

export interface PackageLicence {
  readonly path: string
  readonly name: string | null
  readonly private: boolean
  readonly status: LicenceStatus
  readonly licence: string | null
  /** The licence text in the package's own directory. */
  readonly file: string | null
}

export interface Licences {
  readonly packages: Listed<PackageLicence>
  /** How many packages have each licence. */
  readonly licences: Listed<{ readonly licence: string; readonly packages: number }>
  readonly files: Listed<{ readonly path: string }>
  /** Packages without a usable licence: `invalid` or `missing`. */
  readonly without: Listed<{ readonly path: string; readonly status: LicenceStatus; readonly private: boolean }>
  readonly problems: readonly Problem[]
}

export interface ImportEdge {
  readonly from: string
  readonly to: string
}

export interface Imports {
  readonly modules: number
  /**
   * Imports between modules of the scan, each pair once and as the strongest kind. Only `static` ones can form a
   * cycle.
   */
  readonly imports: { readonly static: number; readonly typeOnly: number; readonly dynamic: number }
  readonly edges: Listed<ImportEdge>
  /** One cycle, the shortest, for each group of modules that import each other; the first module is also the last. */
  readonly cycles: Listed<{ readonly path: readonly string[]; readonly modules: number }>
  readonly mostImported: Listed<{ readonly path: string; readonly importedBy: number }>
  /** Packages from elsewhere by how many modules import them. */
  readonly external: Listed<{ readonly name: string; readonly modules: number }>
  /** Relative imports of what the scan does not hold. */
  readonly unresolved: Listed<{ readonly path: string; readonly specifier: string }>
  readonly problems: readonly Problem[]
}
