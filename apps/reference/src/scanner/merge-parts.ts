import { listed } from './listed.js'
import type { Secrets, SecretsPart, TestLines, Tests, Todos, TodosPart } from './scan-outputs.js'

/** Puts together what the workers said of their parts of the files. */
export function mergeTodos(parts: readonly TodosPart[]): Todos {
  const comments = parts.flatMap((part) => part.comments)
  const todo = comments.filter(({ kind }) => kind === 'TODO').length
  return {
    todo,
    fixme: comments.length - todo,
    comments: listed(comments),
    problems: parts.flatMap(({ problems }) => problems),
  }
}

export function mergeSecrets(parts: readonly SecretsPart[]): Secrets {
  return {
    secrets: listed(parts.flatMap((part) => part.secrets)),
    problems: parts.flatMap(({ problems }) => problems),
  }
}

export function mergeTests(parts: readonly TestLines[]): Tests {
  const sum = (count: (part: TestLines) => number): number => parts.reduce((total, part) => total + count(part), 0)
  const testLines = sum((part) => part.testLines)
  const sourceLines = sum((part) => part.sourceLines)
  return {
    testFiles: sum((part) => part.testFiles),
    sourceFiles: sum((part) => part.sourceFiles),
    testLines,
    sourceLines,
    ratio: sourceLines === 0 ? null : Math.round((testLines / sourceLines) * 1_000) / 1_000,
    problems: parts.flatMap(({ problems }) => problems),
  }
}
