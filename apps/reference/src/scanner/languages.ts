import { readText } from './confined-file.js'
import type { FileBatch } from './file-batch.js'
import { languageOf } from './language-list.js'
import { addTo, type FileLines, type LanguageLines, type LanguagesPart } from './language-totals.js'
import { scanLines } from './line-scanner.js'
import type { Problem } from './problem.js'

/** Counts lines by language. */
export function countLanguages({ root, paths }: FileBatch): LanguagesPart {
  const totals = new Map<string, LanguageLines>()
  const longest: FileLines[] = []
  const problems: Problem[] = []
  for (const path of paths) {
    const language = languageOf(path)
    if (!language) continue
    const file = readText(root, path)
    if (file.kind === 'problem') problems.push(file.problem)
    if (file.kind !== 'text') continue
    const { name, type } = language
    const counts = scanLines(file.text, language.syntax)
    addTo(totals, { name, type, files: 1, bytes: Buffer.byteLength(file.text), ...counts })
    if (type === 'programming') longest.push({ path, lines: counts.lines })
  }
  return { languages: [...totals.values()], longest, problems }
}
