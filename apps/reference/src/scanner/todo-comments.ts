import { readText } from './confined-file.js'
import type { FileBatch } from './file-batch.js'
import { languageOf } from './language-list.js'
import { scanLines } from './line-scanner.js'
import type { Problem } from './problem.js'
import type { TodoComment, TodosPart } from './scan-outputs.js'
import { maskSecrets } from './secret-patterns.js'
import { secretsIn } from './secrets.js'

const word = /\b(?:TODO|FIXME)\b/
/** At the start of the comment's text, or as `TODO:` and `TODO(name)`. A sentence about such comments is none. */
const mark = /^[\s/*#!<;%{@-]*(TODO|FIXME)\b|\b(TODO|FIXME)(?=[:(])/
const maxTextLength = 160

/** Collects TODO and FIXME comments. The words elsewhere, in a string or in prose, are none. */
export async function findTodos({ root, paths }: FileBatch): Promise<TodosPart> {
  const comments: TodoComment[] = []
  const problems: Problem[] = []
  for (const path of paths) {
    const language = languageOf(path)
    if (!language) continue
    const file = readText(root, path)
    if (file.kind === 'problem') problems.push(file.problem)
    if (file.kind !== 'text' || !word.test(file.text)) continue
    const { text } = file
    const found: TodoComment[] = []
    scanLines(text, language.syntax, (line, start, end) => {
      const comment = text.slice(start, end)
      const match = mark.exec(comment)
      if (!match) return
      const kind = match[1] === 'FIXME' || match[2] === 'FIXME' ? 'FIXME' : 'TODO'
      found.push({ path, line, kind, text: comment.slice(comment.indexOf(kind, match.index)) })
    })
    if (found.length === 0) continue
    const secretLines = new Set((await secretsIn(path, text)).map(({ line }) => line))
    comments.push(
      ...found.map((todo) => ({ ...todo, text: secretLines.has(todo.line) ? todo.kind : shown(todo.text) })),
    )
  }
  return { comments, problems }
}

/** Masked before it is cut, or half a secret would no longer look like one. */
function shown(text: string): string {
  const line = maskSecrets(text.replace(/(?:\*\/|-->|#\}|\]\])\s*$/, '')).trim()
  return line.length > maxTextLength ? `${cut(line, maxTextLength - 1)}…` : line
}

function cut(text: string, length: number): string {
  const end = /[\ud800-\udbff]/.test(text[length - 1] ?? '') ? length - 1 : length
  return text.slice(0, end)
}
