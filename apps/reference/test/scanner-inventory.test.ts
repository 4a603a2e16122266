import { chownSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { findProgram } from '../../../scripts/programs.mjs'
import type { Inventory } from '../src/scanner/inventory.js'
import { call, itWithGit, useScanner } from './scanner-fixture.js'

const { open } = useScanner()
afterEach(() => void vi.unstubAllEnvs())

const pathsOf = ({ files }: Inventory): string[] => files.map(({ path }) => path)

describe('inventory', () => {
  const ignored = {
    '.gitignore': '*.log\n/build/\n!keep.log\nsecret?\n# comment\n\\#odd\n',
    'a.ts': '1',
    'A.LOG': 'git tells upper from lower case',
    'x.log': '',
    'keep.log': '',
    'build/out.js': '',
    'src/build/kept.js': '',
    'src/.gitignore': 'deep/\n!x.log\n*.tmp\n',
    'src/x.log': '',
    'src/a.tmp': '',
    'src/deep/b.ts': '',
    'src/other/deep/c.ts': '',
    'src/other/.gitignore': '!*.tmp\n/only-here\n',
    'src/other/d.tmp': '',
    'src/other/only-here': '',
    'src/only-here': '',
    secret1: '',
    '#odd': '',
    'space name/ü.txt': '',
    'node_modules/p/index.js': '',
    'src/node_modules/q/index.js': '',
  }
  const expected = [
    '.gitignore',
    'A.LOG',
    'a.ts',
    'keep.log',
    'space name/ü.txt',
    'src/.gitignore',
    'src/build/kept.js',
    'src/only-here',
    'src/other/.gitignore',
    'src/other/d.tmp',
    'src/x.log',
  ]

  it('lists by a walk that honours nested .gitignore files where there is no repository', async () => {
    const { tools } = open(ignored)
    const inventory = await call<Inventory>(tools, 'inventory', {})
    expect(inventory).toMatchObject({ path: '.', source: 'walk', truncated: false, problems: [] })
    expect(pathsOf(inventory)).toEqual(expected)
  })

  itWithGit('lists the same by git, tracked or not', async () => {
    const { tools, git } = open(ignored)
    git('init', '-q')
    git('add', 'a.ts')
    const inventory = await call<Inventory>(tools, 'inventory', {})
    expect(inventory.source).toBe('git')
    expect(pathsOf(inventory)).toEqual(expected)
  })

  it('tells size, time and sum', async () => {
    const { tools, root } = open({ a: '12345', b: '1' })
    utimesSync(join(root, 'a'), 1_000, 2_000)
    const { files, bytes } = await call<Inventory>(tools, 'inventory', {})
    expect(bytes).toBe(6)
    expect(files[0]).toEqual({ path: 'a', bytes: 5, modified: 2_000_000 })
  })

  itWithGit('lists a directory below the root with paths relative to the root, by git and by a walk', async () => {
    const { tools, git } = open({ 'p/q/a.ts': '', 'p/b.ts': '', 'c.ts': '' })
    expect(await call<Inventory>(tools, 'inventory', { path: 'p' })).toMatchObject({ path: 'p', source: 'walk' })
    git('init', '-q')
    const inventory = await call<Inventory>(tools, 'inventory', { path: './p/' })
    expect(inventory).toMatchObject({ path: 'p', source: 'git' })
    expect(pathsOf(inventory)).toEqual(['p/b.ts', 'p/q/a.ts'])
  })

  itWithGit('walks through a directory that its repository ignores', async () => {
    const { tools, git } = open({ '.gitignore': 'dist/', 'dist/a.js': '' })
    git('init', '-q')
    const inventory = await call<Inventory>(tools, 'inventory', { path: 'dist' })
    expect(inventory.source).toBe('walk')
    expect(pathsOf(inventory)).toEqual(['dist/a.js'])
  })

  itWithGit('leaves out links, inner repositories and deleted files, and says how many of the first two', async () => {
    const { tools, root, git, write } = open({ 'a.ts': '', 'gone.ts': '', 'sub/x': '', 'inner/y': '' })
    const gitIn = (directory: string, ...parameters: string[]) => git('-C', join(root, directory), ...parameters)
    git('init', '-q')
    for (const directory of ['sub', 'inner']) {
      gitIn(directory, 'init', '-q')
      gitIn(directory, 'add', '.')
      gitIn(directory, 'commit', '-qm', 'x')
    }
    symlinkSync('a.ts', join(root, 'link.ts'))
    git('-c', 'advice.addEmbeddedRepo=false', 'add', 'a.ts', 'gone.ts', 'link.ts', 'sub')
    git('rm', '-q', '--cached', 'a.ts')
    write({ 'a.ts': 'untracked now' })
    git('update-index', '--refresh')
    rmSync(join(root, 'gone.ts'))
    const inventory = await call<Inventory>(tools, 'inventory', {})
    expect(pathsOf(inventory)).toEqual(['a.ts'])
    expect(inventory.skipped).toEqual({ symlinks: 1, repositories: 2, special: 0 })
    expect(inventory.problems).toEqual([])
  })

  itWithGit('scans a folder of checkouts whole, as long as it is no repository itself', async () => {
    const { tools, root, git } = open({ 'one/a.ts': '', 'two/b.ts': '' })
    git('init', '-q', join(root, 'one'))
    expect(pathsOf(await call<Inventory>(tools, 'inventory', {}))).toEqual(['one/a.ts', 'two/b.ts'])
  })

  itWithGit('is cut at maxFiles and says so, by git and by a walk', async () => {
    const { tools, git } = open({ a: '', b: '', c: '' }, { maxFiles: 2 })
    expect(await call<Inventory>(tools, 'inventory', {})).toMatchObject({ truncated: true, files: [{}, {}] })
    git('init', '-q')
    expect(await call<Inventory>(tools, 'inventory', {})).toMatchObject({
      truncated: true,
      source: 'git',
      files: [{}, {}],
    })
  })

  itWithGit('does not run what the configuration of a repository names', async () => {
    const { tools, root, git } = open({ 'a.ts': '' })
    git('init', '-q')
    git('config', 'core.fsmonitor', `touch ${join(root, 'ran')}; false`)
    expect(pathsOf(await call<Inventory>(tools, 'inventory', {}))).toEqual(['a.ts'])
  })

  itWithGit('has a name that is not UTF-8 as a problem', async () => {
    const { tools, root, git } = open({ a: '' })
    writeFileSync(Buffer.concat([Buffer.from(`${root}/b`), Buffer.from([0xff])]), '')
    const problem = { path: 'b\ufffd', code: 'not_utf8' }
    expect(await call<Inventory>(tools, 'inventory', {})).toMatchObject({ files: [{ path: 'a' }], problems: [problem] })
    git('init', '-q')
    expect(await call<Inventory>(tools, 'inventory', {})).toMatchObject({ files: [{ path: 'a' }], problems: [problem] })
  })

  itWithGit('walks where there is no git', async () => {
    const { tools, git } = open({ '.gitignore': 'b', a: '', b: '' })
    git('init', '-q')
    vi.stubEnv('PATH', '')
    const inventory = await call<Inventory>(tools, 'inventory', {})
    expect(inventory.source).toBe('walk')
    expect(pathsOf(inventory)).toEqual(['.gitignore', 'a'])
  })

  it.skipIf(process.getuid?.() !== 0 || !findProgram('git'))(
    'walks through a repository of another owner, which git does not trust',
    async () => {
      const { tools, git, root } = open({ '.gitignore': 'b', a: '', b: '' })
      git('init', '-q')
      chownSync(root, 65_534, 65_534)
      chownSync(join(root, '.git'), 65_534, 65_534)
      vi.stubEnv('HOME', root)
      const inventory = await call<Inventory>(tools, 'inventory', {})
      expect(inventory.source).toBe('walk')
      expect(pathsOf(inventory)).toEqual(['.gitignore', 'a'])
    },
  )
})
