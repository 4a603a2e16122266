import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InputError } from '../src/agent.js'
import { scannerAgent } from '../src/scanner/agent.js'
import type { Inventory } from '../src/scanner/inventory.js'
import type { Languages } from '../src/scanner/language-totals.js'
import type { Imports, NotableFiles, Secrets, Todos } from '../src/scanner/scan-outputs.js'
import { analyse, call, fixture, forged, itWithGit, useScanner } from './scanner-fixture.js'

const { openIn, workerFile } = useScanner()

/** A scan root with something beside it that nobody may hear of. */
function open(files: Readonly<Record<string, string | Uint8Array>> = {}) {
  const made = fixture({ 'outside/secret.ts': '// TODO outside\n', 'root/in.ts': '// TODO inside\n' })
  const root = join(made.root, 'root')
  for (const [path, content] of Object.entries(files)) made.write({ [`root/${path}`]: content })
  const scanner = openIn(made, root)
  return {
    root,
    base: made.root,
    tools: scanner.tools,
    agent: scannerAgent({ root, tools: scanner.tools }),
    git: made.git,
  }
}

const faultsOf = async (parsing: Promise<unknown>) => {
  const error = await parsing.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return error instanceof InputError ? error.faults : error
}

/** Longer than any file system takes. */
const longName = 'x'.repeat(300)

describe('the path of a scan', () => {
  it.each([
    ['..', 'path_outside_root'],
    ['../outside', 'path_outside_root'],
    ['../nothing', 'path_outside_root'],
    ['a/../../outside', 'path_outside_root'],
    ['/etc', 'path_outside_root'],
    ['/does/not/exist', 'path_outside_root'],
    ['link', 'path_outside_root'],
    ['link/secret.ts', 'path_outside_root'],
    ['link/nothing', 'path_outside_root'],
    ['dangling', 'path_outside_root'],
    ['dangling/x', 'path_outside_root'],
    ['loop', 'path_outside_root'],
    ['nothing', 'path_not_found'],
    ['in.ts/x', 'path_not_found'],
    [longName, 'path_not_found'],
    ['in.ts', 'path_not_directory'],
    ['fifo', 'path_not_directory'],
    ['', 'invalid_path'],
    ['a\0b', 'invalid_path'],
  ])(
    '%j is refused as %s, by the agent and by the tool, and the answer says nothing about what is outside',
    async (path, code) => {
      const { agent, root, tools } = open()
      symlinkSync('../outside', join(root, 'link'))
      symlinkSync('../nothing', join(root, 'dangling'))
      symlinkSync('loop', join(root, 'loop'))
      execFileSync('mkfifo', [join(root, 'fifo')])
      const faults = await faultsOf(agent.parse({ path }))
      expect(faults).toEqual([
        { code, pointer: '/path', detail: expect.stringMatching(/^Expected `path` to [^/]*\.$/) },
      ])
      await expect(call(tools, 'inventory', { path })).rejects.toMatchObject({ name: 'ToolError', code })
      await expect(call(tools, 'files', { inventory: { path, files: [] } })).rejects.toMatchObject({
        name: 'ToolError',
        code,
      })
    },
  )

  it('has at most 4096 characters', async () => {
    const { agent, tools } = open()
    const path = 'x/'.repeat(2_049)
    expect(await faultsOf(agent.parse({ path }))).toMatchObject([{ code: 'invalid_path' }])
    await expect(call(tools, 'inventory', { path })).rejects.toMatchObject({ code: 'invalid_path' })
  })

  it('may go over a link that stays inside', async () => {
    const { agent, root } = open({ 'dir/a.ts': '' })
    symlinkSync(join(root, 'dir'), join(root, 'same'))
    expect(await agent.parse({ path: 'same' })).toEqual({ path: 'dir' })
  })

  it.each([
    [undefined, { path: '.' }],
    [{}, { path: '.' }],
    [{ path: './dir/' }, { path: 'dir' }],
    [{ path: 'dir/..' }, { path: '.' }],
  ])('%j means %j', async (input, parsed) => {
    const { agent } = open({ 'dir/a.ts': '' })
    expect(await agent.parse(input)).toEqual(parsed)
  })

  it.each([
    [{ path: 1 }, [{ code: 'invalid_input', pointer: '/path' }]],
    [null, [{ code: 'invalid_input', pointer: '' }]],
    ['.', [{ code: 'invalid_input', pointer: '' }]],
    [
      { 'a/b': 1, c: 2 },
      [
        { code: 'unknown_member', pointer: '/a~1b' },
        { code: 'unknown_member', pointer: '/c' },
      ],
    ],
  ])('%j is refused with every fault', async (input, faults) => {
    const { agent } = open()
    expect(await faultsOf(agent.parse(input))).toMatchObject(faults)
  })
})

describe('a forged inventory', () => {
  const readers = ['languages', 'todos', 'secrets', 'tests', 'imports']

  it.each([
    '../outside/secret.ts',
    '../outside/nothing.ts',
    'dir/../../outside/secret.ts',
    './in.ts',
    'dir//a.ts',
    '/etc/passwd.ts',
    'linkdir/secret.ts',
    'linkdir/nothing.ts',
    'link.ts',
    'dangling.ts',
    'inner-link.ts',
    'a\0.ts',
    '',
  ])('reads nothing at %j and tells only that it is outside', async (path) => {
    const { tools, root } = open({ 'dir/a.ts': '' })
    symlinkSync('../outside', join(root, 'linkdir'))
    symlinkSync('../outside/secret.ts', join(root, 'link.ts'))
    symlinkSync('../outside/nothing.ts', join(root, 'dangling.ts'))
    symlinkSync('in.ts', join(root, 'inner-link.ts'))
    const args = forged(path)
    for (const name of readers) {
      const output = await call<{ problems: unknown }>(tools, name, args)
      // A name without an extension belongs to no language, so most tools do not even try.
      expect(output.problems).toEqual(path === '' && name !== 'secrets' ? [] : [{ path, code: 'outside' }])
      expect(JSON.stringify(output)).not.toContain('TODO outside')
    }
  })

  it.each(['../outside/package.json', 'linkdir/package.json', 'link/package.json'])(
    'reads no manifest at %j',
    async (path) => {
      const { tools, root, base } = open()
      writeFileSync(join(base, 'outside/package.json'), '{"name":"outside-name","license":"MIT"}')
      symlinkSync('../outside', join(root, 'linkdir'))
      mkdirSync(join(root, 'link'))
      symlinkSync('../../outside/package.json', join(root, 'link/package.json'))
      for (const name of ['manifests', 'licences', 'imports']) {
        const output = await call(tools, name, forged(path, 'in.ts'))
        expect(JSON.stringify(output)).not.toContain('outside-name')
      }
      expect(await call(tools, 'manifests', forged(path))).toMatchObject({ problems: [{ path, code: 'outside' }] })
    },
  )

  it('can name what is there and what is not', async () => {
    const { tools } = open()
    const todos = await call<Todos>(tools, 'todos', forged('in.ts', 'gone.ts', 'in.ts/x.ts'))
    expect(todos.comments.items).toMatchObject([{ path: 'in.ts', text: 'TODO inside' }])
    expect(todos.problems).toEqual([
      { path: 'gone.ts', code: 'vanished' },
      { path: 'in.ts/x.ts', code: 'vanished' },
    ])
  })
})

describe('git', () => {
  itWithGit('tells nothing of a repository elsewhere that a .git file points to', async () => {
    const { tools, root, base, git } = open()
    git('init', '-q', join(base, 'outside'))
    git('-C', join(base, 'outside'), 'add', 'secret.ts')
    writeFileSync(join(root, '.git'), `gitdir: ${join(base, 'outside/.git')}\n`)
    const inventory = await call<Inventory>(tools, 'inventory', {})
    expect(inventory.files.map(({ path }) => path)).toEqual(['in.ts'])
    expect(JSON.stringify(inventory)).not.toContain('secret')
    git('-C', join(base, 'outside'), 'commit', '-qm', 'x')
    const { oldest } = await call<NotableFiles>(tools, 'files', forged('secret.ts'))
    expect(oldest.items).toEqual([{ path: 'secret.ts', changed: '1970-01-01T00:00:00.000Z' }])
  })

  itWithGit('does not look through a tracked directory that has become a link to outside', async () => {
    const { tools, root, git } = open({ 'dir/secret.ts': '' })
    git('init', '-q', root)
    git('-C', root, 'add', '.')
    rmSync(join(root, 'dir'), { recursive: true })
    symlinkSync('../outside', join(root, 'dir'))
    const inventory = await call<Inventory>(tools, 'inventory', {})
    expect(inventory.files.map(({ path }) => path)).toEqual(['in.ts'])
    expect(inventory.problems).toEqual([])
  })
})

describe('a file in mid-scan', () => {
  it('that vanishes, is not UTF-8, is too large or is binary is no crash', async () => {
    const { tools, root } = open({
      'gone.ts': '',
      'latin1.ts': new Uint8Array([0x2f, 0x2f, 0xe9, 0x0a]),
      'utf16.ts': new Uint8Array([0xff, 0xfe, 0x61, 0]),
      'large.ts': 'x'.repeat(1_048_577),
      'limit.ts': 'x'.repeat(1_048_576),
      'binary.ts': new Uint8Array([0x61, 0]),
      'large.bin': new Uint8Array(2_000_000),
      'bom.ts': '\ufeff// TODO bom\n',
    })
    const inventory = await call<Inventory>(tools, 'inventory', {})
    rmSync(join(root, 'gone.ts'))
    const problems = [
      { path: 'gone.ts', code: 'vanished' },
      { path: 'large.ts', code: 'too_large' },
      { path: 'latin1.ts', code: 'not_utf8' },
      { path: 'utf16.ts', code: 'not_utf8' },
    ]
    for (const name of ['languages', 'todos', 'secrets', 'tests', 'imports']) {
      expect(await call(tools, name, { inventory })).toMatchObject({ problems })
    }
    expect(await call<Languages>(tools, 'languages', { inventory })).toMatchObject({ files: 3, lines: 3 })
  })

  it('that is a FIFO or a directory does not hold the scan', async () => {
    const { tools, root } = open({ '.gitignore': 'x' })
    execFileSync('mkfifo', [join(root, 'fifo.ts')])
    mkdirSync(join(root, 'dir.ts'))
    expect((await call<Inventory>(tools, 'inventory', {})).skipped.special).toBe(1)
    for (const name of ['languages', 'todos', 'secrets', 'tests', 'imports']) {
      expect(await call(tools, name, forged('fifo.ts', 'dir.ts'))).toMatchObject({
        problems: [
          { path: 'fifo.ts', code: 'unreadable' },
          { path: 'dir.ts', code: 'unreadable' },
        ],
      })
    }
  })

  it('a .gitignore that is a FIFO does not hold the walk', async () => {
    const { tools, root } = open()
    execFileSync('mkfifo', [join(root, '.gitignore')])
    expect((await call<Inventory>(tools, 'inventory', {})).files.map(({ path }) => path)).toEqual(['in.ts'])
  })

  it('that may not be read, or lies where nobody may look, is unreadable', async () => {
    const { root, base } = open({ 'closed.ts': '', 'closed/a.ts': '' })
    chmodSync(base, 0o755)
    chmodSync(join(root, 'closed.ts'), 0)
    chmodSync(join(root, 'closed'), 0)
    const seen = asNobody(base, { root, paths: ['closed.ts', 'closed/a.ts', 'in.ts'] })
    chmodSync(join(root, 'closed'), 0o755)
    expect(seen).toEqual({
      problems: [
        { path: 'closed.ts', code: 'unreadable' },
        { path: 'closed/a.ts', code: 'unreadable' },
      ],
      walk: { files: ['closed.ts', 'in.ts'], problems: [{ path: 'closed', code: 'unreadable' }] },
    })
  })
})

it('a module path that is no name of a package stays out of the output', async () => {
  const password = ['hunter2', 'secret'].join('')
  const { tools } = open({ 'a.ts': `import 'https://user:${password}@host/x.js'\nimport '@/alias'\n` })
  const imports = await analyse<Imports>(tools, 'imports')
  expect(JSON.stringify(imports)).not.toContain(password)
  expect(imports.unresolved.items).toHaveLength(2)
  expect((await analyse<Secrets>(tools, 'secrets')).secrets.items).toEqual([
    { path: 'a.ts', line: 1, kind: 'basicauth' },
  ])
})

/** Reads files as a user without rights: root may read everything, whatever the mode says. */
function asNobody(base: string, { root, paths }: { root: string; paths: string[] }): unknown {
  const program = join(base, 'nobody.mjs')
  writeFileSync(
    program,
    `const worker = await import(${JSON.stringify(workerFile().href)})
    if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534) }
    const { root, paths } = JSON.parse(process.argv[2])
    const { problems } = worker.countLanguages({ root, paths })
    const { files, problems: unseen } = worker.takeInventory({ root, path: '.', maxFiles: 10 })
    console.log(JSON.stringify({ problems, walk: { files: files.paths.split('\\0'), problems: unseen } }))`,
  )
  return JSON.parse(execFileSync(process.execPath, [program, JSON.stringify({ root, paths })], { encoding: 'utf8' }))
}
