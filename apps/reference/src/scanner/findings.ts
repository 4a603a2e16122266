import type { Governance } from './governance.js'
import type { Inventory } from './inventory.js'
import type { LanguageLines, Languages } from './language-totals.js'
import { type Listed, listed, shortened } from './listed.js'
import type { Problem } from './problem.js'
import type { Imports } from './scan-outputs.js'
import type { AnalysisOutputs, ScanOutputs } from './scan-plan.js'

type WithoutProblems<T> = Omit<T, 'problems'>

/** What a scan found, tool by tool; `null` where the tool failed. Lists hold their first entries and the true total. */
export interface ScanFindings {
  readonly totals: ScanTotals
  readonly inventory: Omit<Inventory, 'files' | 'problems'> & { readonly files: number }
  readonly languages:
    | (WithoutProblems<Omit<Languages, 'languages'>> & { readonly languages: Listed<LanguageLines> })
    | null
  readonly files: AnalysisOutputs['files'] | null
  readonly manifests: WithoutProblems<AnalysisOutputs['manifests']> | null
  readonly imports: WithoutProblems<Omit<Imports, 'edges'>> | null
  readonly licences: WithoutProblems<AnalysisOutputs['licences']> | null
  readonly todos: WithoutProblems<AnalysisOutputs['todos']> | null
  readonly secrets: WithoutProblems<AnalysisOutputs['secrets']> | null
  readonly tests: WithoutProblems<AnalysisOutputs['tests']> | null
  readonly governance: Governance
  /** Files that could not be used, each once for each reason. */
  readonly problems: Listed<Problem>
  /** Tools that failed. The messages are public. */
  readonly failures: readonly ScanFailure[]
  readonly notes: readonly ScanNote[]
}

/** The numbers of a scan at a glance; `null` where the tool failed. */
export interface ScanTotals {
  readonly files: number
  readonly bytes: number
  readonly lines: number | null
  readonly packages: number | null
  readonly modules: number | null
  readonly importCycles: number | null
  readonly todos: number | null
  readonly secrets: number | null
  readonly testRatio: number | null
  readonly problems: number
}

export interface ScanFailure {
  readonly tool: string
  readonly message: string
}

/** Something about the scan itself. */
export interface ScanNote {
  readonly code: 'inventory_truncated'
  readonly message: string
}

export interface ScanFacts {
  readonly inventory: Inventory
  readonly outputs: Partial<ScanOutputs>
  readonly governance: Governance
  readonly problems: readonly Problem[]
  readonly failures: readonly ScanFailure[]
}

/** Puts the findings together, with at most `maxItems` entries of each list. */
export function collectFindings(facts: ScanFacts, maxItems: number): ScanFindings {
  const { inventory, outputs, governance, problems, failures } = facts
  const { languages, files, manifests, imports, licences, todos, secrets, tests } = outputs
  const { files: inventoryFiles, problems: _, ...inventoryRest } = inventory
  return {
    totals: totalsOf(facts),
    inventory: { ...inventoryRest, files: inventoryFiles.length },
    languages: languages ? shorten({ ...languages, languages: listed(languages.languages) }, maxItems) : null,
    files: files ? shorten(files, maxItems) : null,
    manifests: manifests ? shorten(manifests, maxItems) : null,
    imports: imports ? withoutEdges(shorten(imports, maxItems)) : null,
    licences: licences ? shorten(licences, maxItems) : null,
    todos: todos ? shorten(todos, maxItems) : null,
    secrets: secrets ? shorten(secrets, maxItems) : null,
    tests: tests ? shorten(tests, maxItems) : null,
    governance,
    problems: listed(problems, maxItems),
    failures,
    notes: inventory.truncated
      ? [{ code: 'inventory_truncated', message: `Only the first ${inventoryFiles.length} files were scanned.` }]
      : [],
  }
}

function totalsOf({ inventory, outputs, problems }: ScanFacts): ScanTotals {
  const { languages, manifests, imports, todos, secrets, tests } = outputs
  return {
    files: inventory.files.length,
    bytes: inventory.bytes,
    lines: languages?.lines ?? null,
    packages: manifests?.packages.total ?? null,
    modules: imports?.modules ?? null,
    importCycles: imports?.cycles.total ?? null,
    todos: todos?.comments.total ?? null,
    secrets: secrets?.secrets.total ?? null,
    testRatio: tests?.ratio ?? null,
    problems: problems.length,
  }
}

/**
 * A copy whose lists have at most `maxItems` entries, without `problems`, which the findings hold once for all tools.
 */
function shorten<T extends object>(output: T, maxItems: number): Omit<T, 'problems'> {
  const entries = Object.entries(output)
    .filter(([key]) => key !== 'problems')
    .map(([key, value]: [string, unknown]) => [key, isListed(value) ? shortened(value, maxItems) : value])
  return Object.fromEntries(entries)
}

function isListed(value: unknown): value is Listed<unknown> {
  return typeof value === 'object' && value !== null && 'items' in value && Array.isArray(value.items)
}

function withoutEdges<T extends { readonly edges: unknown }>({ edges: _, ...rest }: T): Omit<T, 'edges'> {
  return rest
}
