import { fileURLToPath } from 'node:url'
import { createEngine } from '@secretlint/node'
import { compareText } from './compare-text.js'
import { readText } from './confined-file.js'
import type { FileBatch } from './file-batch.js'
import type { Problem } from './problem.js'
import type { Secret, SecretsPart } from './scan-outputs.js'
import { matchSecrets } from './secret-patterns.js'

interface SecretlintFile {
  readonly messages: readonly { readonly ruleId: string; readonly loc: { readonly start: { readonly line: number } } }[]
}

type Engine = Awaited<ReturnType<typeof createEngine>>

let engine: Promise<Engine> | undefined

/** Looks for likely secrets: their file, line and kind. */
export async function findSecrets({ root, paths }: FileBatch): Promise<SecretsPart> {
  const secrets: Secret[] = []
  const problems: Problem[] = []
  for (const path of paths) {
    const file = readText(root, path)
    if (file.kind === 'problem') problems.push(file.problem)
    if (file.kind === 'text') secrets.push(...(await secretsIn(path, file.text)))
  }
  return { secrets, problems }
}

/** The likely secrets of one text, at most one of a kind in a line. */
export async function secretsIn(path: string, text: string): Promise<Secret[]> {
  const kinds = new Map<number, Set<string>>()
  const add = (line: number, kind: string): void => {
    const known = kinds.get(line)
    if (known) known.add(kind)
    else kinds.set(line, new Set([kind]))
  }
  const lineOf = lineFinder(text)
  for (const { kind, start } of matchSecrets(text)) add(lineOf(start), kind)
  for (const { ruleId, loc } of await secretlint(path, text)) {
    add(loc.start.line, ruleId.slice(ruleId.lastIndexOf('/') + 1).replace('secretlint-rule-', ''))
  }
  return [...kinds]
    .flatMap(([line, found]) => {
      // Something was assigned that is also known by its form: the form says more.
      if (found.size > 1) found.delete('assignment')
      return [...found].map((kind) => ({ path, line, kind }))
    })
    .sort((a, b) => a.line - b.line || compareText(a.kind, b.kind))
}

async function secretlint(path: string, text: string): Promise<SecretlintFile['messages']> {
  engine ??= createEngine({
    color: false,
    formatter: 'json',
    maskSecrets: true,
    // By its path: by its name secretlint would look for it beside itself, where it need not be.
    configFileJSON: {
      rules: [{ id: fileURLToPath(import.meta.resolve('@secretlint/secretlint-rule-preset-recommend')) }],
    },
  })
  const { ok, output } = await (await engine).executeOnContent({ content: text, filePath: path })
  if (ok) return []
  const files: readonly SecretlintFile[] = JSON.parse(output)
  return files.flatMap(({ messages }) => messages)
}

/** For places in any order. */
function lineFinder(text: string): (place: number) => number {
  const starts: number[] = [0]
  for (let newline = text.indexOf('\n'); newline !== -1; newline = text.indexOf('\n', newline + 1)) {
    starts.push(newline + 1)
  }
  return (place) => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (starts[middle]! <= place) low = middle
      else high = middle
    }
    return low + 1
  }
}
