import { execFile } from 'node:child_process'
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { describe, expect, it } from 'vitest'
import { packages } from './packages.js'

const run = promisify(execFile)
const attw = createRequire(import.meta.url)
  .resolve('@arethetypeswrong/cli/package.json')
  .replace(/package\.json$/, 'dist/index.js')

describe.each(packages)('$name as published', ({ url, manifest }) => {
  const folder = fileURLToPath(url)

  it('publint finds nothing', async () => {
    const { messages, pkg } = await publint({ pkgDir: folder, strict: true, pack: 'npm' })
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
  })

  it('has types that fit the code, for import and for require', async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'attw-'))
    try {
      const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch], {
        cwd: folder,
      })
      const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
      await run(process.execPath, [attw, '--profile', 'node16', '--no-color', join(scratch, filename)], {
        cwd: scratch,
      })
    } finally {
      rmSync(scratch, { recursive: true })
    }
  })

  it('can be required and imported, with the same names', async () => {
    const { stdout } = await run(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { createRequire } from 'node:module'
         const names = (exports) => Object.keys(exports).filter((name) => name !== 'default').sort()
         console.log(JSON.stringify([names(await import('${manifest.name}')), names(createRequire(process.cwd() + '/')('${manifest.name}'))]))`,
      ],
      { cwd: folder },
    )
    const [imported, required] = JSON.parse(stdout) as [string[], string[]]
    expect(imported.length).toBeGreaterThan(0)
    expect(required).toEqual(imported)
  })
})

it('the conformance vectors of the protocol can be had from the package', () => {
  const require = createRequire(import.meta.url)
  const vectors: unknown[] = require('@x/sse-protocol/vectors/sse-parser.json')
  expect(vectors.length).toBeGreaterThan(200)
})

describe('@x/sse-client as built', () => {
  const { url } = packages.find(({ name }) => name === '@x/sse-client')!
  const read = (path: string): string => readFileSync(new URL(path, url), 'utf8')

  it.each([
    ['dist/react.js', /from "\.\/index\.js"/],
    ['dist/react.cjs', /require\("\.\/index\.cjs"\)/],
    ['dist/command/main.js', /from "\.\.\/index\.js"/],
  ])('has one core: %s holds none of its own', (path, loads) => {
    const code = read(path)
    expect(code).toMatch(loads)
    expect(code).not.toMatch(/EventStreamClient = class|class EventStreamClient/)
  })

  it('has a command that a shell can run', () => {
    const { bin } = JSON.parse(read('package.json')) as { bin: Record<string, string> }
    for (const path of Object.values(bin)) {
      expect(read(path)).toMatch(/^#!\/usr\/bin\/env node\n/)
      accessSync(new URL(path, url), constants.X_OK)
    }
  })
})
