import { execFile } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { packages } from './packages.js'

const run = promisify(execFile)
const example = /```js\n([\s\S]*?)```\s*```text\n([\s\S]*?)```/

describe.each(packages)('the README of $name', ({ url }) => {
  const readme = readFileSync(new URL('README.md', url), 'utf8')
  const [, program = '', output = ''] = example.exec(readme) ?? []

  it('opens with an example of about fifteen lines', () => {
    const lines = program.split('\n').filter((line) => line.trim() !== '').length
    expect(lines).toBeGreaterThan(4)
    expect(lines).toBeLessThanOrEqual(24)
  })

  it('prints what it says it prints', async () => {
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], {
      cwd: fileURLToPath(url),
      timeout: 20_000,
    })
    expect(stdout.trimEnd()).toBe(output.trimEnd())
  })
})

it('the journal program in the README of @x/dag-executor goes on after a crash, wherever that tore its log', async () => {
  const [{ url } = { url: '' }] = packages.filter(({ name }) => name === '@x/dag-executor')
  const readme = readFileSync(new URL('README.md', url), 'utf8')
  const [, program = ''] = /```js run\.mjs\n([\s\S]*?)```/.exec(readme) ?? []
  const folder = mkdtempSync(join(tmpdir(), 'readme-'))
  try {
    symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), join(folder, 'node_modules'))
    writeFileSync(join(folder, 'run.mjs'), program)
    const log = join(folder, 'run.log')
    const print = async () => (await run(process.execPath, ['run.mjs'], { cwd: folder, timeout: 20_000 })).stdout.trim()
    expect(await print()).toBe('0 7')
    const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1)
    expect(lines).toHaveLength(6)
    for (const kept of [0, 1, 3, 5, 6]) {
      writeFileSync(
        log,
        lines
          .slice(0, kept)
          .map((line) => `${line}\n`)
          .join(''),
      )
      appendFileSync(log, lines[kept]?.slice(0, 20) ?? '')
      expect(await print()).toBe(`${kept} 7`)
      const ends = readFileSync(log, 'utf8')
        .trim()
        .split('\n')
        .filter((line) => JSON.parse(line).type === 'task_complete')
      expect(ends).toHaveLength(2)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
