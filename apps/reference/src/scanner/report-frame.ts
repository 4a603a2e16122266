import type { Governance } from './governance.js'
import type { Listed } from './listed.js'
import { code, count, counted, table, text } from './markdown.js'
import type { Problem } from './problem.js'
import type { ScanOutputs } from './scan-plan.js'

/** How many rows a table of the report shows. */
export const maxRows = 10

/** The headings, also of a section that a failure took the place of. */
export const headings: { readonly [Name in keyof ScanOutputs]: string } = {
  inventory: 'Inventory',
  languages: 'Languages',
  files: 'Largest and oldest files',
  manifests: 'Packages',
  imports: 'Imports',
  licences: 'Licences',
  todos: 'TODO and FIXME',
  secrets: 'Likely secrets',
  tests: 'Tests',
  governance: 'Governance',
}

/** In the place of the section of a task that failed; `message` is public. */
export function failedSection(name: keyof ScanOutputs, message: string): string {
  return section(name, `This part of the scan failed: ${text(message)}\n\n`)
}

export function titleSection(path: string): string {
  return `# Scan of ${path === '.' ? 'the whole directory' : code(path)}\n\n`
}

/** The files that could not be used; empty where there is none. */
export function problemsSection({ total, items }: Listed<Problem>): string {
  if (total === 0) return ''
  const rows = items.slice(0, maxRows).map((problem) => [code(problem.path), problem.code])
  return `## Problems\n\n${counted(total, 'file')} could not be used.\n\n${table(['file', 'problem'], rows)}${more(total)}`
}

/** The last lines: what became of the rules. */
export function summarySection({ passed, failed, unknown, rules }: Governance): string {
  const open = unknown > 0 ? `, ${unknown} unknown` : ''
  const verdict = `${counted(rules.length, 'rule')}: ${passed} passed, ${failed} failed${open}.`
  return `## Summary\n\n${verdict}\n`
}

/** A section under its heading. */
export function section(name: keyof ScanOutputs, ...parts: readonly string[]): string {
  return `## ${headings[name]}\n\n${parts.join('')}`
}

/** What to say where a table shows only the first rows. */
export function more(total: number, shown = maxRows): string {
  return total > shown ? `… and ${count(total - shown)} more.\n\n` : ''
}
