import type { Governance } from './governance.js'
import type { Inventory } from './inventory.js'
import type { Languages } from './language-totals.js'
import type { Listed } from './listed.js'
import { code, count, counted, size, table, text } from './markdown.js'
import { maxRows, more, section } from './report-frame.js'
import type { Imports, Licences, Manifests, NotableFiles, Secrets, Tests, Todos } from './scan-outputs.js'
import type { ScanOutputs } from './scan-plan.js'

type Sections = { readonly [Name in keyof ScanOutputs]: (output: ScanOutputs[Name]) => string }

const maxSteps = 8

/** The report's sections: each the Markdown of one task's output, and of nothing else. */
export const sections: Sections = {
  inventory: inventorySection,
  languages: languagesSection,
  files: filesSection,
  manifests: manifestsSection,
  imports: importsSection,
  licences: licencesSection,
  todos: todosSection,
  secrets: secretsSection,
  tests: testsSection,
  governance: governanceSection,
}

function inventorySection({ source, files, bytes, truncated, skipped }: Inventory): string {
  const from = source === 'git' ? 'listed by git' : 'found by a walk that honours .gitignore files'
  const left = [
    skipped.symlinks > 0 ? counted(skipped.symlinks, 'symbolic link') : '',
    skipped.repositories > 0 ? counted(skipped.repositories, 'inner repository', 'inner repositories') : '',
    skipped.special > 0 ? counted(skipped.special, 'special file') : '',
  ].filter((part) => part !== '')
  const without = left.length > 0 ? ` Left out: ${left.join(', ')}.` : ''
  const limit = truncated ? ' There are more: the inventory was cut at its limit.' : ''
  return section('inventory', `${counted(files.length, 'file')}, ${size(bytes)}, ${from}.${without}${limit}\n\n`)
}

function languagesSection({ files, lines, languages, longest }: Languages): string {
  const rows = languages
    .slice(0, maxRows)
    .map((row) => [text(row.name), count(row.files), count(row.code), count(row.comments), count(row.blank)])
  const files10 = longest.items.slice(0, maxRows).map((file) => [code(file.path), count(file.lines)])
  return section(
    'languages',
    `${counted(lines, 'line')} in ${counted(files, 'file')} of ${counted(languages.length, 'language')}.\n\n`,
    rows.length > 0 ? table(['language', 'files', 'code', 'comments', 'blank'], rows) + more(languages.length) : '',
    files10.length > 0 ? table(['longest source files', 'lines'], files10) : '',
  )
}

function filesSection({ files, largest, oldest, dates }: NotableFiles): string {
  if (files === 0) return section('files', 'There are no files.\n\n')
  const from = dates === 'git' ? 'by their last commit' : 'by the time in the file system'
  return section(
    'files',
    table(
      ['largest', 'size'],
      largest.items.slice(0, maxRows).map((file) => [code(file.path), size(file.bytes)]),
    ),
    table(
      [`oldest, ${from}`, 'changed'],
      oldest.items.slice(0, maxRows).map((file) => [code(file.path), file.changed.slice(0, 10)]),
    ),
  )
}

function manifestsSection({ manifests, packages, dependencies, cycles, external, invalid }: Manifests): string {
  const rows = packages.items
    .slice(0, maxRows)
    .map((row) => [row.name === null ? '–' : code(row.name), code(row.version ?? '–'), code(row.path)])
  const edges = dependencies.items.slice(0, 2 * maxRows).map((edge) => [code(edge.from), code(edge.to), edge.kind])
  const used = external.items.slice(0, maxRows).map((row) => [code(row.name), count(row.packages)])
  return section(
    'manifests',
    `${counted(manifests.total, 'manifest')}, ${counted(packages.total, 'npm package')}.\n\n`,
    rows.length > 0 ? table(['package', 'version', 'manifest'], rows) + more(packages.total) : '',
    edges.length > 0 ? table(['package', 'depends on', 'as'], edges) + more(dependencies.total, 2 * maxRows) : '',
    paths('package cycle', cycles),
    used.length > 0 ? table(['from elsewhere', 'used by packages'], used) + more(external.total) : '',
    bullets(`${counted(invalid.total, 'package.json')} without a JSON object`, invalid, ({ path }) => code(path)),
  )
}

function importsSection({ modules, imports, cycles, mostImported, external, unresolved }: Imports): string {
  const kinds = `${count(imports.static)} static, ${count(imports.typeOnly)} of types only, ${count(imports.dynamic)} dynamic`
  const rows = mostImported.items.slice(0, maxRows).map((row) => [code(row.path), count(row.importedBy)])
  return section(
    'imports',
    `${counted(modules, 'module')}; imports among them: ${kinds}. ${counted(external.total, 'package')} from elsewhere.\n\n`,
    paths('import cycle', cycles),
    rows.length > 0 ? table(['most imported', 'by modules'], rows) : '',
    bullets(
      `${counted(unresolved.total, 'import')} of files that are not here`,
      unresolved,
      (item) => `${code(item.path)}: ${code(item.specifier)}`,
    ),
  )
}

function licencesSection({ packages, licences, files, without }: Licences): string {
  const rows = licences.items.slice(0, maxRows).map((row) => [text(row.licence), count(row.packages)])
  const found = `${counted(packages.total, 'package')}, ${counted(files.total, 'licence text')}.\n\n`
  return section(
    'licences',
    found,
    rows.length > 0 ? table(['licence', 'packages'], rows) + more(licences.total) : '',
    bullets(
      `${counted(without.total, 'package')} without a usable licence`,
      without,
      (item) => `${code(item.path)}: ${item.status}${item.private ? ' (private)' : ''}`,
    ),
  )
}

function todosSection({ todo, fixme, comments }: Todos): string {
  const rows = comments.items
    .slice(0, 2 * maxRows)
    .map((comment) => [`${code(comment.path)}:${comment.line}`, text(comment.text)])
  return section(
    'todos',
    `${counted(todo, 'TODO', 'TODOs')}, ${counted(fixme, 'FIXME', 'FIXMEs')}.\n\n`,
    rows.length > 0 ? table(['place', 'comment'], rows) + more(comments.total, 2 * maxRows) : '',
  )
}

function secretsSection({ secrets }: Secrets): string {
  if (secrets.total === 0) return section('secrets', 'None found.\n\n')
  const rows = secrets.items
    .slice(0, 2 * maxRows)
    .map((secret) => [`${code(secret.path)}:${secret.line}`, text(secret.kind)])
  const shown = table(['place', 'kind'], rows) + more(secrets.total, 2 * maxRows)
  return section('secrets', `${counted(secrets.total, 'place')}. The values are not shown.\n\n`, shown)
}

function testsSection({ testFiles, sourceFiles, testLines, sourceLines, ratio }: Tests): string {
  const lines = `${counted(testLines, 'line')} of code in ${counted(testFiles, 'test file')}, `
  const source = `${counted(sourceLines, 'line')} in ${counted(sourceFiles, 'source file')}`
  return section('tests', `${lines}${source}${ratio === null ? '' : `: a ratio of ${ratio}`}.\n\n`)
}

function governanceSection({ rules }: Governance): string {
  if (rules.length === 0) return section('governance', 'There are no rules.\n\n')
  const rows = rules.map((rule) => [rule.status, text(rule.description), text(rule.evidence)])
  return section('governance', table(['result', 'rule', 'evidence'], rows))
}

function bullets<T>(title: string, { total, items }: Listed<T>, line: (item: T) => string): string {
  if (total === 0) return ''
  const lines = items.slice(0, maxRows).map((item) => `- ${line(item)}\n`)
  return `${title}:\n\n${lines.join('')}\n${more(total)}`
}

function paths(name: string, cycles: Listed<{ readonly path: readonly string[] }>): string {
  if (cycles.total === 0) return `No ${name}.\n\n`
  const step = (path: readonly string[]): string => {
    const long = path.length > maxSteps
    const shown = long ? [...path.slice(0, maxSteps - 1).map(code), '…', code(path[path.length - 1]!)] : path.map(code)
    return shown.join(' → ')
  }
  return bullets(counted(cycles.total, name), cycles, ({ path }) => step(path))
}
