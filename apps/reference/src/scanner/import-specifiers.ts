import { init, parse } from 'es-module-lexer'
import { javaScript } from './comment-syntax.js'
import { readText } from './confined-file.js'
import type { FileBatch } from './file-batch.js'
import { blankComments } from './line-scanner.js'
import type { Problem } from './problem.js'

/** When an import takes effect: at load, never (types only), or when the program gets there. */
export type ImportKind = 'static' | 'type' | 'dynamic'

export interface ImportSpecifier {
  readonly specifier: string
  readonly kind: ImportKind
}

export interface ModuleImports {
  readonly path: string
  readonly imports: readonly ImportSpecifier[]
}

export interface ImportsPart {
  /**
   * `ModuleImports[]` as JSON: the main thread only passes it on to another worker, and a text is passed at no cost.
   */
  readonly modules: string
  readonly problems: readonly Problem[]
}

const declarationFile = /\.d\.[cm]?ts$/
const fromClause = /\bfrom\s{0,20}(["'])([^"'\n]{1,1000})\1/g
const statementStart = /(?:^|[;\n}])[ \t]{0,200}(?=(?:import|export)\b)/g
const statement = /^(?:import|export)\s+(?<type>type\b(?!\s*(?:,|$)))?[\w*\s{},$]*$/
const bareImport = /(?:^|[;\n}])[ \t]{0,200}import\s{0,20}(["'])([^"'\n]{1,1000})\1/g
const dynamicImport = /\bimport\s{0,20}\(\s{0,200}(["'])([^"'\n]{1,1000})\1\s{0,200}[,)]/g
const requireCall = /(?<![.\w$])require\s{0,20}\(\s{0,200}(["'])([^"'\n]{1,1000})\1\s{0,200}\)/g
const maxStatementLength = 4_000

/** Reads what the modules among `paths` import, as it is written there. */
export async function readImports({ root, paths }: FileBatch): Promise<ImportsPart> {
  await init()
  const modules: ModuleImports[] = []
  const problems: Problem[] = []
  for (const path of paths) {
    const file = readText(root, path)
    if (file.kind === 'problem') problems.push(file.problem)
    if (file.kind === 'text') modules.push({ path, imports: importsOf(path, file.text) })
  }
  return { modules: JSON.stringify(modules), problems }
}

/** The imports of one module. What a declaration file imports has no effect when the program runs. */
export function importsOf(path: string, text: string): ImportSpecifier[] {
  const imports = parsedImports(path, text) ?? searchedImports(text)
  return declarationFile.test(path) ? imports.map(({ specifier }) => ({ specifier, kind: 'type' })) : imports
}

/** `undefined` where the lexer cannot read the file: it knows no JSX. */
function parsedImports(path: string, text: string): ImportSpecifier[] | undefined {
  if (/\.[jt]sx$/.test(path)) return undefined
  try {
    const [imports, , , isEsModule] = parse(text)
    const found = imports.flatMap((entry): ImportSpecifier[] => {
      if (entry.type === 'import-meta' || entry.specifier === undefined) return []
      if (entry.type !== 'dynamic') return [{ specifier: entry.specifier, kind: entry.typeOnly ? 'type' : 'static' }]
      if (entry.glob) return []
      return [{ specifier: entry.specifier, kind: entry.probablyTypeOnly ? 'type' : 'dynamic' }]
    })
    return isEsModule || !text.includes('require') ? found : [...found, ...requires(blankComments(text, javaScript))]
  } catch {
    return undefined
  }
}

function searchedImports(text: string): ImportSpecifier[] {
  const code = blankComments(text, javaScript)
  const found: ImportSpecifier[] = []
  for (const match of code.matchAll(fromClause)) {
    const head = code.slice(Math.max(0, match.index - maxStatementLength), match.index)
    const start = lastMatch(statementStart, head)
    const isStatement = start === undefined ? undefined : statement.exec(head.slice(start))
    if (isStatement) found.push({ specifier: match[2]!, kind: isStatement.groups?.type ? 'type' : 'static' })
  }
  for (const match of code.matchAll(bareImport)) found.push({ specifier: match[2]!, kind: 'static' })
  for (const match of code.matchAll(dynamicImport)) found.push({ specifier: match[2]!, kind: 'dynamic' })
  return [...found, ...requires(code)]
}

function requires(code: string): ImportSpecifier[] {
  return Array.from(code.matchAll(requireCall), (match) => ({ specifier: match[2]!, kind: 'static' }))
}

/** Where the last match ends. */
function lastMatch(pattern: RegExp, text: string): number | undefined {
  let last: number | undefined
  for (const match of text.matchAll(pattern)) last = match.index + match[0].length
  return last
}
