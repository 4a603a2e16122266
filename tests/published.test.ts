import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
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
