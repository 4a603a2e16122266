import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { packages, root } from './packages.js'

/** Which of our packages each one may import, and whether it may use Node, or in which folder. `sse-protocol` is the ground. */
const rules: Record<string, { imports: string[]; typesOnly?: boolean; node: boolean | string }> = {
  'sse-protocol': { imports: [], node: false },
  'dag-executor': { imports: ['@x/sse-protocol'], typesOnly: true, node: false },
  'sse-server': { imports: ['@x/sse-protocol'], node: true },
  'sse-client': { imports: ['@x/sse-protocol'], node: 'command/' },
}

function sources(name: string): { file: string; text: string }[] {
  const folder = new URL(`packages/${name}/src/`, root)
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => ({ file, text: readFileSync(new URL(file, folder), 'utf8') }))
}

/** Every `import … from 'x'`, `export … from 'x'`, `import('x')`, and whether only types come in by it. */
function imports(text: string): { specifier: string; typesOnly: boolean }[] {
  const statements = text.matchAll(
    /(?:^|\n)\s*(import|export)\s+(type\s)?[^'"`;]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/g,
  )
  return [...statements].map(([, , type, from, dynamic]) => ({
    specifier: from ?? dynamic ?? '',
    typesOnly: type !== undefined,
  }))
}

it('has rules for every package there is', () => {
  expect(Object.keys(rules).sort()).toEqual(packages.map(({ folder }) => folder).sort())
})

describe.each(packages)('$name', ({ folder, manifest }) => {
  const rule = rules[folder]!

  it('declares no dependency on a package of ours that it may not import', () => {
    const ours = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter((name) =>
      name.startsWith('@x/'),
    )
    expect(ours.filter((name) => !rule.imports.includes(name))).toEqual([])
  })

  it('imports only what it may, and only what it declares', () => {
    const allowed = new Set([
      manifest.name,
      ...rule.imports,
      ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(
        (name) => !name.startsWith('@x/'),
      ),
    ])
    const faults: string[] = []
    for (const { file, text } of sources(folder)) {
      for (const { specifier, typesOnly } of imports(text)) {
        if (specifier.startsWith('.')) continue
        if (specifier.startsWith('node:')) {
          const mayUse = typeof rule.node === 'string' ? file.startsWith(rule.node) : rule.node
          if (!mayUse) faults.push(`${file} needs Node: ${specifier}`)
          continue
        }
        const name = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/')
        if (!allowed.has(name)) faults.push(`${file} imports ${specifier}`)
        if (rule.typesOnly && name.startsWith('@x/') && !typesOnly)
          faults.push(`${file} takes more than types from ${name}`)
      }
    }
    expect(faults).toEqual([])
  })
})

it('the ground package has no dependency at all', () => {
  const ground = packages.find(({ folder }) => folder === 'sse-protocol')!.manifest
  expect(ground.dependencies ?? {}).toEqual({})
  expect(ground.peerDependencies ?? {}).toEqual({})
})
