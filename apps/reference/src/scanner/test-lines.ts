import { readText } from './confined-file.js'
import type { FileBatch } from './file-batch.js'
import { languageOf } from './language-list.js'
import { scanLines } from './line-scanner.js'
import { isTest } from './path-kinds.js'
import type { Problem } from './problem.js'
import type { TestLines } from './scan-outputs.js'

/** Counts lines of code in test files and in the other files of programming languages. */
export function countTestLines({ root, paths }: FileBatch): TestLines {
  const counts = { testFiles: 0, sourceFiles: 0, testLines: 0, sourceLines: 0 }
  const problems: Problem[] = []
  for (const path of paths) {
    const language = languageOf(path)
    if (language?.type !== 'programming') continue
    const file = readText(root, path)
    if (file.kind === 'problem') problems.push(file.problem)
    if (file.kind !== 'text') continue
    const { code } = scanLines(file.text, language.syntax)
    if (isTest(path)) {
      counts.testFiles++
      counts.testLines += code
    } else {
      counts.sourceFiles++
      counts.sourceLines += code
    }
  }
  return { ...counts, problems }
}
