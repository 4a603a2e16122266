import { describe, expect, it } from 'vitest'
import { cLike, hash, javaScript } from '../src/scanner/comment-syntax.js'
import { findCycles, type Graph } from '../src/scanner/find-cycles.js'
import { importsOf } from '../src/scanner/import-specifiers.js'
import { blankComments, scanLines } from '../src/scanner/line-scanner.js'
import { code, pieces, text } from '../src/scanner/markdown.js'
import { maskSecrets, matchSecrets } from '../src/scanner/secret-patterns.js'

describe('scanLines', () => {
  it.each([
    ['', { lines: 0, code: 0, comments: 0, blank: 0 }],
    ['\n', { lines: 1, code: 0, comments: 0, blank: 1 }],
    ['a', { lines: 1, code: 1, comments: 0, blank: 0 }],
    ['a\n\n', { lines: 2, code: 1, comments: 0, blank: 1 }],
    ['a\r\n\r\n// b\r\n', { lines: 3, code: 1, comments: 1, blank: 1 }],
    ['/*\n\n*/', { lines: 3, code: 0, comments: 2, blank: 1 }],
    ['/* never closed\na', { lines: 2, code: 0, comments: 2, blank: 0 }],
    ['a /* b\n*/ c', { lines: 2, code: 2, comments: 0, blank: 0 }],
    ['"a // b"\n"never closed // c\n// d', { lines: 3, code: 2, comments: 1, blank: 0 }],
    ['`a\n// b\n\\` /* c\n`', { lines: 4, code: 4, comments: 0, blank: 0 }],
    ['x = /[\'"`]/ // b\n// c', { lines: 2, code: 1, comments: 1, blank: 0 }],
    ['x = a / b // c\nreturn /[/]*/\n// d', { lines: 3, code: 2, comments: 1, blank: 0 }],
    ['f(/\\/\\*/)\n// d', { lines: 2, code: 1, comments: 1, blank: 0 }],
    ['"\\\\" // a\n"\\"//" // b', { lines: 2, code: 2, comments: 0, blank: 0 }],
  ])('%j', (source, counts) => {
    expect(scanLines(source, javaScript)).toEqual(counts)
  })

  it('takes a hash for a comment only after a blank', () => {
    expect(scanLines('echo $# a#b\n# c\n\t# d\nx # e', hash)).toEqual({ lines: 4, code: 2, comments: 2, blank: 0 })
  })

  it('is linear in what it reads', { timeout: 60_000 }, () => {
    for (const unit of ['/*', '"', '`', '/', "'", '//', '\\', '\n/', '"\\', '(/[', '[/a]']) {
      scanLines(unit.repeat(1_000_000 / unit.length), javaScript)
    }
    expect(scanLines('/'.repeat(1_000), cLike).lines).toBe(1)
  })

  it('blanks comments in their place', () => {
    expect(blankComments('a // b\n/* c\nd */ e', javaScript)).toBe('a     \n    \n     e')
  })
})

describe('findCycles', () => {
  const graph = (edges: Record<string, string[]>): Graph => new Map(Object.entries(edges))

  it('has none in a graph without', () => {
    expect(findCycles(graph({ a: ['b', 'c'], b: ['c'], c: [] }))).toEqual([])
  })

  it('finds the shortest in each group, through its first node', () => {
    expect(
      findCycles(graph({ z: ['a'], a: ['b'], b: ['c'], c: ['a', 'd'], d: ['b'], e: ['e'], f: ['g'], g: ['f'] })),
    ).toEqual([
      { path: ['a', 'b', 'c', 'a'], nodes: 4 },
      { path: ['e', 'e'], nodes: 1 },
      { path: ['f', 'g', 'f'], nodes: 2 },
    ])
  })

  it('takes a ring of 50,000 without recursion', () => {
    const ring = new Map(Array.from({ length: 50_000 }, (_, index) => [`${index}`, [`${(index + 1) % 50_000}`]]))
    expect(findCycles(ring)[0]?.path).toHaveLength(50_001)
  })

  it('agrees with reachability on random graphs', () => {
    let seed = 7
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return Math.floor((seed / 2_147_483_648) * below)
    }
    for (let round = 0; round < 200; round++) {
      const names = Array.from({ length: 1 + random(8) }, (_, index) => `n${index}`)
      const random_ = new Map(names.map((name) => [name, names.filter(() => random(4) === 0)]))
      const found = findCycles(random_)
      for (const { path } of found) {
        expect(path[0]).toBe(path.at(-1))
        for (const [index, node] of path.slice(0, -1).entries()) expect(random_.get(node)).toContain(path[index + 1])
      }
      const onCycle = names.filter((name) => reachable(random_, name).has(name))
      const groups = new Set(
        onCycle.map((name) =>
          names.filter((other) => reachable(random_, name).has(other) && reachable(random_, other).has(name)).join(),
        ),
      )
      expect(found).toHaveLength(groups.size)
    }
  })
})

function reachable(graph: Graph, from: string): Set<string> {
  const seen = new Set<string>()
  const pending = [...graph.get(from)!]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (seen.has(node)) continue
    seen.add(node)
    pending.push(...graph.get(node)!)
  }
  return seen
}

describe('importsOf', () => {
  const inTsx = (source: string) => importsOf('a.tsx', source).map(({ specifier, kind }) => `${kind} ${specifier}`)

  it.each([
    ["import a from './a'", ['static ./a']],
    ["import a, { b } from './a'", ['static ./a']],
    ["import * as a from './a'", ['static ./a']],
    ["import {\n  a,\n  b,\n} from './a'", ['static ./a']],
    ["import './a'", ['static ./a']],
    ["import type { A } from './a'", ['type ./a']],
    ["export type { A } from './a'", ['type ./a']],
    ["import type from './a'", ['static ./a']],
    ["export * from './a'", ['static ./a']],
    ["const a = await import('./a')", ['dynamic ./a']],
    ["const a = require('./a')", ['static ./a']],
    ["// import './a'\n/* import './b' */", []],
    ["const a = <p>import a from './a'</p>", []],
    ["const a = 'x'; export { a }\nimport b from './b'", ['static ./b']],
  ])('a file with JSX: %j', (source, expected) => {
    expect(inTsx(source)).toEqual(expected)
  })

  it('costs a hostile file no more than its length', { timeout: 60_000 }, () => {
    for (const unit of ["from '", 'import ', "from 'x' ", '\n     ', 'import{', 'require(', 'import   from']) {
      inTsx(unit.repeat(300_000 / unit.length))
    }
  })
})

describe('secrets', () => {
  it('cost a hostile text no more than its length', { timeout: 60_000 }, () => {
    for (const unit of ['eyJ', 'eyJ-', 'a:', 'https://a:', 'token=', 'sk-', 'secret = "', '-----BEGIN ', 'a+']) {
      matchSecrets(unit.repeat(300_000 / unit.length))
    }
  })

  it('are hidden where they stand', () => {
    const token = ['npm', 'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6'].join('_')
    expect(maskSecrets(`TODO remove ${token} soon`)).toBe('TODO remove [hidden] soon')
  })
})

describe('Markdown', () => {
  it.each([
    ['src/a b.ts', '`src/a b.ts`'],
    ['a|b', 'a\\|b'],
    ['a`b', 'a\\`b'],
    ['<b>&amp;', '&lt;b>&amp;amp;'],
    ['a\nb', 'a\ufffdb'],
    [' a', ' a'],
  ])('shows the name %j as %j', (name, shown) => {
    expect(code(name)).toBe(shown)
  })

  it('shortens a long name in its middle', () => {
    expect(code(`${'a'.repeat(100)}${'b'.repeat(100)}`)).toBe(text(`${'a'.repeat(49)}…${'b'.repeat(49)}`))
  })

  it('is cut between lines, inside only a longer line, and never inside a surrogate pair', () => {
    expect(pieces('ab\ncd\nef\n', 6)).toEqual(['ab\ncd\n', 'ef\n'])
    expect(pieces('abcdef\ngh', 4)).toEqual(['abcd', 'ef\n', 'gh'])
    expect(pieces('abc😀d', 4)).toEqual(['abc', '😀d'])
    expect(pieces('')).toEqual([])
  })
})
