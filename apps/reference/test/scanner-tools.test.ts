import { readFileSync, symlinkSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { ToolRegistry } from '@x/dag-executor'
import { describe, expect, it } from 'vitest'
import type { Governance } from '../src/scanner/governance.js'
import type { Inventory } from '../src/scanner/inventory.js'
import type { Languages } from '../src/scanner/language-totals.js'
import type { Imports, Licences, Manifests, NotableFiles, Secrets, Tests, Todos } from '../src/scanner/scan-outputs.js'
import { scannerTools } from '../src/scanner/tools.js'
import { analyse, call, fakeSecret, fixture, forged, itWithGit, useScanner } from './scanner-fixture.js'

const { open, openIn } = useScanner()

const pathsOf = ({ files }: Inventory): string[] => files.map(({ path }) => path)

describe('languages', () => {
  it('counts code, comments and blank lines by language', async () => {
    const { tools } = open({
      'a.ts': '// one\nconst a = "/* no comment"\n\n/* two\n\nthree */ const b = 1 // four\n',
      'b.ts': 'x',
      'c.py': '# one\nx = """\n# not a comment\n"""\n',
      'd.yaml': 'a: b # c\n',
      'package-lock.json': '{\n}\n',
      'picture.png': new Uint8Array([0, 1, 2]),
    })
    const { languages, longest, problems, ...totals } = await analyse<Languages>(tools, 'languages')
    expect(totals).toEqual({ files: 4, lines: 12, code: 7, comments: 3, blank: 2 })
    expect(languages).toMatchObject([
      { name: 'Python', files: 1, lines: 4, code: 3, comments: 1, blank: 0, bytes: 34 },
      { name: 'TypeScript', files: 2, lines: 7, code: 3, comments: 2, blank: 2 },
      { name: 'YAML', type: 'data', files: 1, lines: 1, code: 1 },
    ])
    expect(longest).toEqual({
      total: 3,
      items: [
        { path: 'a.ts', lines: 6 },
        { path: 'c.py', lines: 4 },
        { path: 'b.ts', lines: 1 },
      ],
    })
    expect(problems).toEqual([])
  })
})

describe('files', () => {
  itWithGit('finds the largest, and the oldest by the last commit that changed them', async () => {
    const { tools, git, write } = open({ 'old.ts': '1', 'big.ts': '12345' })
    git('init', '-q')
    git('add', '.')
    git('commit', '-qm', 'x', '--date=2001-02-03T04:05:06Z')
    git('-c', 'core.commentChar=#', 'commit', '--amend', '-qm', 'x')
    write({ 'big.ts': '123456' })
    git('add', '.')
    git('commit', '-qm', 'y')
    const { largest, oldest, dates, files, bytes } = await analyse<NotableFiles>(tools, 'files')
    expect({ dates, files, bytes }).toEqual({ dates: 'git', files: 2, bytes: 7 })
    expect(largest.items).toEqual([
      { path: 'big.ts', bytes: 6 },
      { path: 'old.ts', bytes: 1 },
    ])
    const committed = (path: string) => `${new Date(git('log', '-1', '--format=%cI', '--', path).trim()).toISOString()}`
    expect(oldest.items).toContainEqual({ path: 'old.ts', changed: committed('old.ts') })
    expect(oldest.items).toContainEqual({ path: 'big.ts', changed: committed('big.ts') })
  })

  it('takes the time in the file system where there is no history', async () => {
    const { tools, root } = open({ 'p/a': '', 'p/b': '' })
    utimesSync(join(root, 'p/b'), 0, 86_400)
    const { oldest, dates } = await analyse<NotableFiles>(tools, 'files', 'p')
    expect(dates).toBe('modified')
    expect(oldest.items[0]).toEqual({ path: 'p/b', changed: '1970-01-02T00:00:00.000Z' })
  })
})

describe('manifests', () => {
  it('reads packages, their dependencies on each other with cycles, and those on others', async () => {
    const { tools } = open({
      'package.json': '{"name":"root","private":true,"devDependencies":{"a":"*"}}',
      'a/package.json': '{"name":"a","version":"1.2.3","dependencies":{"@s/b":"*","lodash":"*"}}',
      'b/package.json': '{"name":"@s/b","peerDependencies":{"a":"*"},"dependencies":{"lodash":"1"}}',
      'c/package.json': 'not json',
      'd/package.json': '[1]',
      'crate/Cargo.toml': '',
    })
    const manifests = await analyse<Manifests>(tools, 'manifests')
    expect(manifests.manifests.total).toBe(6)
    expect(manifests.manifests.items).toContainEqual({ path: 'crate/Cargo.toml', kind: 'cargo' })
    expect(manifests.packages.items).toEqual([
      { path: 'a/package.json', name: 'a', version: '1.2.3', private: false, dependencies: 2, devDependencies: 0 },
      { path: 'b/package.json', name: '@s/b', version: null, private: false, dependencies: 1, devDependencies: 0 },
      { path: 'package.json', name: 'root', version: null, private: true, dependencies: 0, devDependencies: 1 },
    ])
    expect(manifests.dependencies.items).toEqual([
      { from: 'a', to: '@s/b', kind: 'dependencies' },
      { from: '@s/b', to: 'a', kind: 'peerDependencies' },
      { from: 'root', to: 'a', kind: 'devDependencies' },
    ])
    expect(manifests.cycles).toEqual({ total: 1, items: [{ path: ['a', '@s/b', 'a'] }] })
    expect(manifests.external.items).toEqual([{ name: 'lodash', packages: 2 }])
    expect(manifests.invalid.items).toEqual([{ path: 'c/package.json' }, { path: 'd/package.json' }])
  })
})

describe('imports', () => {
  it('builds the graph with the source of what TypeScript names, and finds the cycles that exist at load', async () => {
    const { tools } = open({
      'src/a.ts': "import { b } from './b.js'\nimport type { T } from './t.js'\nimport('./lazy.js')\nimport 'react'\n",
      'src/b.ts': "export * from './c'\n",
      'src/c.tsx':
        "import { a } from './a.js'\n// import './none.js'\nexport const C = () => <p>import x from './none'</p>\n",
      'src/t.ts': "import './a.js'\nimport fs from 'node:fs'\nimport path from 'path'\n",
      'src/lazy.ts': "import './a.js'\nimport './data.json'\nimport './missing.js'\n",
      'src/data.json': '{}',
      'old.cjs': "const x = require('./src') // require('./none')\n",
      'src/index.js': '',
      'types.d.ts': "import { a } from './src/a.js'\n",
    })
    const { edges, ...imports } = await analyse<Imports>(tools, 'imports')
    expect(imports.modules).toBe(8)
    expect(edges.items.map(({ from, to }) => `${from} → ${to}`).sort()).toEqual([
      'old.cjs → src/index.js',
      'src/a.ts → src/b.ts',
      'src/a.ts → src/lazy.ts',
      'src/a.ts → src/t.ts',
      'src/b.ts → src/c.tsx',
      'src/c.tsx → src/a.ts',
      'src/lazy.ts → src/a.ts',
      'src/t.ts → src/a.ts',
      'types.d.ts → src/a.ts',
    ])
    expect(imports.imports).toEqual({ static: 6, typeOnly: 2, dynamic: 1 })
    expect(imports.cycles).toEqual({
      total: 1,
      items: [{ path: ['src/a.ts', 'src/b.ts', 'src/c.tsx', 'src/a.ts'], modules: 3 }],
    })
    expect(imports.mostImported.items[0]).toEqual({ path: 'src/a.ts', importedBy: 4 })
    expect(imports.external.items).toEqual([{ name: 'react', modules: 1 }])
    expect(imports.unresolved.items).toEqual([{ path: 'src/lazy.ts', specifier: './missing.js' }])
  })

  it('finds the source of a workspace package behind its name and its subpaths', async () => {
    const { tools } = open({
      'packages/lib/package.json':
        '{"name":"@x/lib","exports":{".":{"import":{"types":"./dist/index.d.ts","default":"./dist/index.js"}},"./testing":"./dist/testing.js"}}',
      'packages/lib/src/index.ts': '',
      'packages/lib/src/testing.ts': '',
      'packages/app/package.json': '{"name":"app","main":"main.js"}',
      'packages/app/main.ts': "import '@x/lib'\nimport '@x/lib/testing'\nimport '@x/other/sub'\nimport 'app'\n",
    })
    const { edges, external, cycles } = await analyse<Imports>(tools, 'imports')
    expect(edges.items.map(({ to }) => to)).toEqual([
      'packages/lib/src/index.ts',
      'packages/lib/src/testing.ts',
      'packages/app/main.ts',
    ])
    expect(external.items).toEqual([{ name: '@x/other', modules: 1 }])
    expect(cycles.items).toEqual([{ path: ['packages/app/main.ts', 'packages/app/main.ts'], modules: 1 }])
  })
})

describe('licences', () => {
  it('tells valid from missing, unlicensed, named in a file, and not understood', async () => {
    const { tools } = open({
      'package.json': '{"name":"a","license":"MIT"}',
      LICENSE: '',
      'b/package.json': '{"name":"b","license":"(MIT OR Apache-2.0)"}',
      'c/package.json': '{"name":"c"}',
      'd/package.json': '{"name":"d","private":true,"license":"BSD"}',
      'e/package.json': '{"name":"e","license":"UNLICENSED"}',
      'f/package.json': '{"name":"f","license":"SEE LICENSE IN x.md"}',
      'g/package.json': '{"name":"g","licenses":[{"type":"MIT"},{"type":"ISC"}]}',
      'h/package.json': '{"name":"h","license":""}',
      'i/package.json': '{"type":"commonjs"}',
    })
    const { packages, without, licences, files } = await analyse<Licences>(tools, 'licences')
    expect(packages.items.map(({ name, status, licence, file }) => [name, status, licence, file])).toEqual([
      ['b', 'valid', '(MIT OR Apache-2.0)', null],
      ['c', 'missing', null, null],
      ['d', 'invalid', 'BSD', null],
      ['e', 'unlicensed', 'UNLICENSED', null],
      ['f', 'file', 'SEE LICENSE IN x.md', null],
      ['g', 'valid', '(MIT OR ISC)', null],
      ['h', 'missing', null, null],
      ['a', 'valid', 'MIT', 'LICENSE'],
    ])
    expect(without.items).toEqual([
      { path: 'c/package.json', status: 'missing', private: false },
      { path: 'd/package.json', status: 'invalid', private: true },
      { path: 'h/package.json', status: 'missing', private: false },
    ])
    expect(licences.total).toBe(6)
    expect(files.items).toEqual([{ path: 'LICENSE' }])
  })
})

describe('todos', () => {
  it('finds TODO and FIXME in comments with their lines, and nowhere else', async () => {
    const { tools } = open({
      'a.ts':
        '// TODO: one\nconst t = "TODO not"\n/*\n * FIXME(me) two */\nconst TODO = 1\nconst r = /[/*]TODO/ // TODO three\n',
      'b.py': 's = "# TODO not"\n# TODO four\n',
      'c.md': 'TODO not\n<!-- TODO five -->\n',
      'd.ts': '// A sentence about TODO and FIXME comments\n/** Perhaps. TODO(me): six */\n',
    })
    const { comments, todo, fixme } = await analyse<Todos>(tools, 'todos')
    expect({ todo, fixme }).toEqual({ todo: 5, fixme: 1 })
    expect(comments.items).toEqual([
      { path: 'a.ts', line: 1, kind: 'TODO', text: 'TODO: one' },
      { path: 'a.ts', line: 4, kind: 'FIXME', text: 'FIXME(me) two' },
      { path: 'a.ts', line: 6, kind: 'TODO', text: 'TODO three' },
      { path: 'b.py', line: 2, kind: 'TODO', text: 'TODO four' },
      { path: 'c.md', line: 2, kind: 'TODO', text: 'TODO five' },
      { path: 'd.ts', line: 2, kind: 'TODO', text: 'TODO(me): six' },
    ])
  })
})

describe('secrets', () => {
  const stripe = ['sk', 'live', '4eC39HqLyjWDarjtT1zdp7dc'].join('_')
  const password = ['hunter2', 'Xq9'].join('-')

  it('finds file, line and kind, and the value is nowhere in any output', async () => {
    const { tools } = open({
      'a.ts': `const a = 1\nconst token = '${fakeSecret}' // TODO rotate ${fakeSecret}\n`,
      'b.env': `STRIPE=${stripe}\nURL=https://user:${password}@db.internal/x\nOTHER=https://user:\${PASSWORD}@db/x\n`,
      'package.json': `{"name":"${fakeSecret}","version":"${fakeSecret}","license":"${fakeSecret}","dependencies":{"${fakeSecret}":"1"}}`,
      'c.ts': `import './${fakeSecret}.js'\n// TODO a token ${stripe.slice(0, -2)}\n`,
    })
    const secrets = await analyse<Secrets>(tools, 'secrets')
    expect(secrets.secrets.items.filter(({ path }) => path !== 'package.json')).toEqual([
      { path: 'a.ts', line: 2, kind: 'github' },
      { path: 'b.env', line: 1, kind: 'stripe' },
      { path: 'b.env', line: 2, kind: 'basicauth' },
      { path: 'c.ts', line: 1, kind: 'github' },
      { path: 'c.ts', line: 2, kind: 'stripe' },
    ])
    const everything = JSON.stringify(
      await Promise.all(
        ['manifests', 'imports', 'licences', 'todos', 'languages', 'files', 'tests']
          .map((name) => analyse(tools, name))
          .concat(Promise.resolve(secrets)),
      ),
    )
    expect(everything).not.toContain(fakeSecret.slice(4, 20))
    expect(everything).not.toContain(stripe.slice(8, 20))
    expect(everything).not.toContain(password)
    expect((await analyse<Todos>(tools, 'todos')).comments.items.map(({ text }) => text)).toEqual(['TODO', 'TODO'])
  })

  it('knows the kinds that only secretlint knows', async () => {
    const key = ['SG', 'aB3dE6gH9jK2mN5pQ8sT1v', 'W4yZ7bC0eF3hI6kL9nO2qR5tU8wX1zA4cD7fG0iJ3lM'].join('.')
    const { tools } = open({ 'mail.ts': `\n\nsend("${key}")\n` })
    expect((await analyse<Secrets>(tools, 'secrets')).secrets.items).toEqual([
      { path: 'mail.ts', line: 3, kind: 'sendgrid' },
    ])
  })

  it('takes words and placeholders for none', async () => {
    const { tools } = open({
      'a.ts': 'const password = "correct horse battery"\nconst token = "your-token-goes-here"\n',
    })
    expect((await analyse<Secrets>(tools, 'secrets')).secrets).toEqual({ total: 0, items: [] })
  })
})

describe('tests', () => {
  it('compares lines of code in test files with those in source files', async () => {
    const { tools } = open({
      'src/a.ts': 'a\nb\n// c\nd\n',
      'src/a.test.ts': 'a\n',
      'test/b.ts': 'a\n\n',
      'readme.md': 'prose\n',
    })
    expect(await analyse<Tests>(tools, 'tests')).toEqual({
      testFiles: 2,
      sourceFiles: 1,
      testLines: 2,
      sourceLines: 3,
      ratio: 0.667,
      problems: [],
    })
  })

  it('has no ratio without source', async () => {
    const { tools } = open({ 'readme.md': '' })
    expect(await analyse<Tests>(tools, 'tests')).toMatchObject({ ratio: null })
  })
})

describe('governance', () => {
  const rules = [
    { id: 'cycle', rule: 'no-import-cycle' },
    { id: 'licence', rule: 'licence-in-every-package', includePrivate: false },
    { id: 'lines', rule: 'max-file-lines', max: 3 },
    { id: 'bytes', rule: 'max-file-bytes', max: 5 },
    { id: 'secrets', rule: 'no-secrets' },
    { id: 'todos', rule: 'max-todos', max: 0, description: 'Nothing is left to do' },
    { id: 'ratio', rule: 'min-test-ratio', min: 0.5 },
    { id: 'packages', rule: 'no-package-cycle' },
  ]
  const none = { total: 0, items: [] }

  it('fails every broken rule with its evidence', async () => {
    const { tools } = open({})
    const governance = await call<Governance>(tools, 'governance', {
      rules,
      imports: { cycles: { total: 1, items: [{ path: ['a', 'b', 'a'] }] } },
      licences: {
        without: {
          total: 2,
          items: [
            { path: 'p/package.json', status: 'missing', private: true },
            { path: 'q/package.json', status: 'invalid', private: false },
          ],
        },
      },
      languages: {
        longest: {
          total: 2,
          items: [
            { path: 'x.ts', lines: 4 },
            { path: 'y.ts', lines: 3 },
          ],
        },
      },
      files: { largest: { total: 9, items: [{ path: 'x.ts', bytes: 6 }] } },
      secrets: { secrets: { total: 5, items: [1, 2, 3, 4].map((line) => ({ path: 's', line, kind: 'npm' })) } },
      todos: { comments: { total: 1, items: [] } },
      tests: { ratio: 0.25, testLines: 1, sourceLines: 4 },
      manifests: { cycles: { total: 1, items: [{ path: ['p', 'p'] }] } },
    })
    expect(governance).toMatchObject({ passed: 0, failed: 8, unknown: 0 })
    expect(Object.fromEntries(governance.rules.map(({ id, evidence }) => [id, evidence]))).toEqual({
      cycle: '1 cycle: a → b → a',
      licence: '1 package without a licence: q/package.json (invalid)',
      lines: '1 over 3 lines: x.ts (4)',
      bytes: 'At least 1 over 5 bytes: x.ts (6)',
      secrets: '5 likely secrets: s:1 (npm), s:2 (npm), s:3 (npm), …',
      todos: '1 found, 0 allowed',
      ratio: '0.25 (1 test lines to 4 source lines), wanted 0.5',
      packages: '1 cycle: p → p',
    })
    expect(governance.rules[5]).toMatchObject({ description: 'Nothing is left to do', status: 'failed', passed: false })
  })

  it('passes every rule that is kept, at its limit too', async () => {
    const { tools } = open({})
    const governance = await call<Governance>(tools, 'governance', {
      rules,
      imports: { cycles: none },
      manifests: { cycles: none },
      licences: { without: { total: 1, items: [{ path: 'p', status: 'missing', private: true }] } },
      languages: { longest: { total: 1, items: [{ path: 'x.ts', lines: 3 }] } },
      files: { largest: { total: 1, items: [{ path: 'x.ts', bytes: 5 }] } },
      secrets: { secrets: none },
      todos: { comments: none },
      tests: { ratio: 0.5, testLines: 1, sourceLines: 2 },
    })
    expect(governance).toMatchObject({ passed: 8, failed: 0, unknown: 0 })
  })

  it('knows nothing of a rule whose analysis is missing, and has rules of its own where none are given', async () => {
    const { tools } = open({})
    const { rules: results } = await call<Governance>(tools, 'governance', {})
    expect(results.length).toBeGreaterThanOrEqual(6)
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['unknown']))
  })
})

describe('every tool', () => {
  const names = [
    'inventory',
    'languages',
    'files',
    'manifests',
    'imports',
    'licences',
    'todos',
    'secrets',
    'tests',
    'governance',
  ]

  it('has a description and a JSON Schema of its arguments', () => {
    const { tools } = open({})
    expect(Object.keys(tools)).toEqual(names)
    for (const name of names) {
      const tool = tools[name as keyof ToolRegistry]
      expect(tool).toMatchObject({
        description: expect.stringMatching(/\.$/),
        inputSchema: { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' },
      })
    }
  })

  it.each([
    null,
    'text',
    [],
    { inventory: null },
    { inventory: { path: '.', files: [{ path: 1, bytes: 1, modified: 1 }] } },
    { inventory: { path: '.', files: [{ path: 'a', bytes: -1, modified: 1 }] } },
    { inventory: { path: '.', files: [{ path: 'a', bytes: 1, modified: 1e300 }] } },
    { inventory: { path: 1, files: [] } },
  ])('refuses %j with a public error that says where the fault is', async (args) => {
    const { tools } = open({})
    for (const name of names.slice(1, -1)) {
      await expect(call(tools, name, args)).rejects.toMatchObject({
        name: 'ToolError',
        code: 'invalid_arguments',
        message: expect.stringMatching(/^The arguments are not what the tool takes\. /),
      })
    }
  })

  it('refuses more files than a scan may have', async () => {
    const { tools } = open({}, { maxFiles: 1 })
    await expect(call(tools, 'todos', forged('a', 'b'))).rejects.toMatchObject({ code: 'invalid_arguments' })
  })

  it('works in a worker thread, tells its progress by batches, and leaves no thread behind', async () => {
    const many = Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`f${index}.ts`, '// TODO x\n']))
    const started: { threadId: number; exited: Promise<void> }[] = []
    const onWorker = (thread: { threadId: number; once(event: 'exit', listener: () => void): void }): void => {
      started.push({ threadId: thread.threadId, exited: new Promise((resolve) => thread.once('exit', resolve)) })
    }
    process.on('worker', onWorker)
    const { tools, close } = open(many)
    expect(started).toEqual([])
    const inventory = await call<Inventory>(tools, 'inventory', {})
    const progress: (number | undefined)[] = []
    const todos = await call<Todos>(tools, 'todos', { inventory }, { onProgress: (value) => progress.push(value) })
    process.off('worker', onWorker)
    expect(todos.comments.total).toBe(600)
    expect(todos.comments.items).toHaveLength(200)
    expect(progress).toEqual([250 / 600, 500 / 600, 1])
    expect(started).toHaveLength(1)
    await close()
    await started[0]!.exited
  })

  it('stops at once when it is aborted, and works again afterwards', async () => {
    const { tools } = open({ 'a.ts': '// TODO x\n' })
    const inventory = await call<Inventory>(tools, 'inventory', {})
    const controller = new AbortController()
    const running = call(tools, 'secrets', { inventory }, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(running).rejects.toThrow()
    await expect(call(tools, 'inventory', {}, { signal: controller.signal })).rejects.toThrow('enough')
    expect((await analyse<Todos>(tools, 'todos')).todo).toBe(1)
  })

  it('goes on with the tasks of others when one is aborted that keeps the only worker busy', async () => {
    const { tools } = open(Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`f${index}.ts`, 'x\n'])))
    const inventory = await call<Inventory>(tools, 'inventory', {})
    for (let round = 0; round < 5; round++) {
      const controller = new AbortController()
      const reason = new Error('enough')
      let aborted: Promise<unknown> | undefined
      await new Promise<unknown>((resolve) => {
        const options = { signal: controller.signal, onProgress: resolve }
        aborted = call(tools, 'secrets', { inventory }, options).catch((error: unknown) => error)
      })
      const other = call<Manifests>(tools, 'manifests', { inventory })
      // By then the other one waits for the worker, which has another batch of files.
      for (let turn = 0; turn < 3; turn++) await setImmediate()
      controller.abort(reason)
      expect(await other).toMatchObject({ packages: { total: 0 } })
      expect(await aborted).toBe(reason)
    }
  })

  it('fails, and does not wait for ever, where there is no worker', async () => {
    const { tools } = open({}, { workerFile: new URL('none.js', import.meta.url) })
    await expect(call(tools, 'inventory', {})).rejects.toThrow('Cannot find module')
  })

  it('refuses work once it is closed', async () => {
    const { tools, close } = open({})
    await close()
    await expect(call(tools, 'inventory', {})).rejects.toThrow('closed')
  })
})

describe('options', () => {
  it.each([
    [{ root: 'relative' }, 'Expected `root` to be an absolute path, got relative'],
    [{ root: '/does/not/exist' }, 'Expected `root` to exist, got /does/not/exist'],
    [{ root: '/', maxThreads: 0 }, 'Expected `maxThreads` to be a positive integer, got 0'],
    [{ root: '/', maxFiles: 1.5 }, 'Expected `maxFiles` to be a positive integer, got 1.5'],
  ])('refuses %j at once', (options, message) => {
    expect(() => scannerTools(options)).toThrow(message)
  })

  it('takes a root that is reached over a link for the place it leads to', async () => {
    const made = fixture({ 'real/a.ts': '' })
    symlinkSync('real', join(made.root, 'link'))
    const { tools } = openIn(made, join(made.root, 'link'))
    expect(pathsOf(await call<Inventory>(tools, 'inventory', {}))).toEqual(['a.ts'])
  })
})

it('comes with rules that are valid', () => {
  const file: unknown = JSON.parse(readFileSync(new URL('../governance.json', import.meta.url), 'utf8'))
  expect(file).toHaveProperty('rules')
})
