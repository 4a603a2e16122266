import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
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
