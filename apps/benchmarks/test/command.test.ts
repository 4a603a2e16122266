import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readCommand } from '../src/command.js'
import { disciplines } from '../src/disciplines.js'

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** The command as a process of its own. */
function run(...words: string[]) {
  const child = spawn(process.execPath, [main, ...words])
  onTestFinished(() => void child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (output.stdout += chunk))
  child.stderr.on('data', (chunk) => (output.stderr += chunk))
  return { child, output, closed: once(child, 'close') as Promise<[number | null]> }
}

it.each([
  [['protocl'], '"protocl"'],
  [['toString'], '"toString"'],
  [[], 'protocol'],
  [['protocol', '--fast'], '--fast'],
  [['protocol', '--quick=1'], '--quick'],
  [['protocol', 'no-such-case'], '"no-such-case"'],
])('%j is refused with one clear line', async (words, named) => {
  const { output, closed } = run(...words)
  expect((await closed)[0]).toBe(1)
  expect(output.stdout).toBe('')
  expect(output.stderr.trimEnd().split('\n')).toHaveLength(1)
  expect(output.stderr).toContain(named)
})

it.each(['--help', '-h'])('%s tells what can be asked for', async (word) => {
  const { output, closed } = run(word)
  expect((await closed)[0]).toBe(0)
  for (const option of ['--quick', '--check', '--json', 'protocol']) expect(output.stdout).toContain(option)
})

it('a run gives a figure of each contender for each round, as JSON on standard output', async () => {
  const { output, closed } = run('protocol', 'encoder', 'short', '--quick', '--json')
  expect((await closed)[0]).toBe(0)
  const { rounds, groups, conditions } = JSON.parse(output.stdout)
  expect(conditions.versions).toContain('eventsource-encoder 1.0.2')
  expect(groups).toMatchObject([{ name: 'encoder', cases: [{ name: 'short JSON' }] }])
  const contenders = Object.values<{ figures: number[] }>(groups[0].cases[0].contenders)
  expect(contenders).toHaveLength(2)
  for (const { figures } of contenders) {
    expect(figures).toHaveLength(rounds)
    for (const figure of figures) expect(figure).toBeGreaterThan(0)
  }
})

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends it at once, with exit code %i and no report', async (signal, code) => {
  const { child, output, closed } = run('protocol')
  await once(child.stderr, 'data')
  child.kill(signal)
  expect((await closed)[0]).toBe(code)
  expect(output.stdout).toBe('')
  expect(output.stderr).toMatch(/\nInterrupted\n$/)
})

describe('words after the discipline', () => {
  function select(...words: string[]) {
    const command = readCommand(['protocol', ...words], disciplines)
    return command === 'help' ? [] : command.discipline.groups
  }

  it('choose the cases that have all of them in their name or that of their group', () => {
    const groups = select('Bytes', 'tokens')
    expect(groups.map(({ name, cases }) => [name, cases.map(({ name }) => name)])).toEqual([
      ['parser, bytes', ['20-byte tokens, one per chunk']],
    ])
  })

  it('take out budgets for a median over cases that they leave out, and keep the others', () => {
    const budgets = (...words: string[]) =>
      select(...words).flatMap(({ ratios }) => ratios.flatMap(({ budgets }) => budgets.map(({ of }) => of)))
    expect(budgets('parser, text', 'tokens')).toEqual(['each'])
    expect(budgets('parser, text')).toEqual(['median', 'each'])
  })
})
