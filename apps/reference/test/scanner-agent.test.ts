import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ParallelExecutor, ToolError, type ToolRegistry } from '@x/dag-executor'
import { describe, expect, it } from 'vitest'
import type { AgentContext } from '../src/agent.js'
import { type ScannerAgentOptions, scannerAgent } from '../src/scanner/agent.js'
import type { ScannerResult } from '../src/scanner/scan-run.js'
import { fakeSecret, useScanner } from './scanner-fixture.js'

const { open } = useScanner()

type Said =
  | { type: 'status'; phase: string; status: string; progress?: number }
  | { type: 'write'; text: string }
  | { type: 'warn'; code: string; message: string }
  | { type: 'task'; id: string; status: string }

interface ScanOptions {
  readonly signal?: AbortSignal
  readonly path?: string
  /** Holds back what is said, as a log does that takes its time. */
  readonly pace?: () => Promise<void>
}

/** Runs the agent on a real executor, and keeps what it says. */
async function scan(
  options: ScannerAgentOptions,
  { signal = new AbortController().signal, path = '.', pace = () => Promise.resolve() }: ScanOptions = {},
): Promise<{ said: Said[]; result: ScannerResult }> {
  const said: Said[] = []
  const say = async (what: Said): Promise<void> => {
    said.push(what)
    await pace()
  }
  const context: AgentContext = {
    signal,
    status: (phase, status, { progress } = {}) =>
      say({ type: 'status', phase, status, ...(progress === undefined ? {} : { progress }) }),
    write: (text) => say({ type: 'write', text }),
    warn: ({ code, message }) => say({ type: 'warn', code, message }),
    execute: (dag, tools, onTaskComplete) =>
      new ParallelExecutor({ tools }).execute(dag, {
        signal,
        onTaskComplete: (result) => {
          said.push({ type: 'task', id: result.taskId, status: result.status })
          onTaskComplete?.(result)
        },
      }),
  }
  const agent = scannerAgent(options)
  return { said, result: await agent.run(await agent.parse({ path }), context) }
}

const written = (said: readonly Said[]): string[] => said.flatMap((what) => (what.type === 'write' ? [what.text] : []))
const sampleFiles = {
  'package.json': '{"name":"sample","version":"1.0.0","license":"MIT"}',
  'src/a.ts': "import './b.js'\n// TODO first\n",
  'src/b.ts': "import './a.js'\n",
  'test/a.test.ts': "import '../src/a.js'\n",
  'old.ts': new Uint8Array([0xe9, 0x0a]),
}

describe('a scan', () => {
  it('writes the report while the tasks run; its pieces put together are the result', async () => {
    const { root, tools } = open(sampleFiles)
    const { said, result } = await scan({ root, tools })
    expect(written(said).join('')).toBe(result.report)
    expect(written(said).every((text) => text.length <= 1_000 && text !== '')).toBe(true)
    const firstPiece = said.findIndex(({ type }) => type === 'write')
    const tasks = said.flatMap(({ type }, index) => (type === 'task' ? [index] : []))
    expect(firstPiece).toBeGreaterThan(tasks[0]!)
    expect(firstPiece).toBeLessThan(tasks.at(-1)!)
    expect(result.report).toMatch(/^# Scan of the whole directory\n\n## Inventory\n\n5 files, /)
    expect(result.report).toMatch(
      /## Governance\n[^#]*## Problems\n[^#]*## Summary\n\n7 rules: \d passed, \d failed\.\n$/,
    )
  })

  it('has the sections in the order in which the analyses end', async () => {
    const { root, tools } = open(sampleFiles)
    const { said, result } = await scan({ root, tools })
    const headings: Record<string, string> = {
      languages: 'Languages',
      files: 'Largest and oldest files',
      manifests: 'Packages',
      imports: 'Imports',
      licences: 'Licences',
      todos: 'TODO and FIXME',
      secrets: 'Likely secrets',
      tests: 'Tests',
    }
    const ended = said.flatMap((what) => (what.type === 'task' && headings[what.id] ? [headings[what.id]] : []))
    const shown = Array.from(result.report.matchAll(/^## (.*)$/gm), ([, heading]) => heading)
    expect(shown).toEqual(['Inventory', ...ended, 'Governance', 'Problems', 'Summary'])
    expect(ended).toHaveLength(8)
  })

  it('tells its phases in order, with the progress of the analyses', async () => {
    const { root, tools } = open(sampleFiles)
    const { said } = await scan({ root, tools })
    const statuses = said.flatMap((what) => (what.type === 'status' ? [what] : []))
    expect(statuses.map(({ phase, status }) => `${phase} ${status}`)).toEqual([
      'inventory started',
      'inventory completed',
      'analysis started',
      ...Array.from({ length: 8 }, () => 'analysis running'),
      'analysis completed',
      'governance started',
      'governance completed',
      'report started',
      'report completed',
    ])
    expect(statuses.filter(({ status }) => status === 'running').map(({ progress }) => progress)).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map((finished) => finished / 8),
    )
  })

  it('finds what there is to find', async () => {
    const { root, tools } = open(sampleFiles)
    const { result } = await scan({ root, tools })
    expect(result.path).toBe('.')
    expect(result.findings).toMatchObject({
      totals: { files: 5, packages: 1, modules: 3, importCycles: 1, todos: 1, secrets: 0, problems: 1 },
      inventory: { source: 'walk', files: 5, truncated: false },
      imports: { cycles: { total: 1, items: [{ path: ['src/a.ts', 'src/b.ts', 'src/a.ts'] }] } },
      problems: { total: 1, items: [{ path: 'old.ts', code: 'not_utf8' }] },
      failures: [],
      notes: [],
    })
    const statuses = Object.fromEntries(result.findings.governance.rules.map(({ id, status }) => [id, status]))
    expect(statuses).toMatchObject({ 'no-import-cycle': 'failed', 'no-secrets': 'passed', 'max-todos': 'passed' })
    expect(Object.keys(statuses)).toHaveLength(7)
  })

  it('scans a directory below the root', async () => {
    const { root, tools } = open(sampleFiles)
    const { result } = await scan({ root, tools }, { path: 'src' })
    expect(result).toMatchObject({ path: 'src', findings: { totals: { files: 2 } } })
    expect(result.report).toMatch(/^# Scan of `src`\n/)
  })

  it('of nothing is a report too', async () => {
    const { root, tools } = open({})
    const { result } = await scan({ root, tools })
    expect(result.findings.totals).toMatchObject({ files: 0, lines: 0, testRatio: null })
  })

  it('says the same however slow the log is', async () => {
    const { root, tools } = open(sampleFiles)
    const fast = await scan({ root, tools })
    const slow = await scan({ root, tools }, { pace: () => new Promise((resolve) => setImmediate(resolve)) })
    expect(slow.result.findings).toEqual(fast.result.findings)
    expect(written(slow.said).join('')).toBe(slow.result.report)
  })

  it('fails when the log refuses what it says', async () => {
    const { root, tools } = open(sampleFiles)
    const refuse = (): Promise<void> => Promise.reject(new Error('stream_full'))
    await expect(scan({ root, tools }, { pace: refuse })).rejects.toThrow('stream_full')
  })

  it('that is cancelled ends with the reason and without a summary', async () => {
    const { root, tools } = open(sampleFiles)
    const controller = new AbortController()
    const reason = new Error('cancelled by the user')
    const said: string[] = []
    const running = scan(
      { root, tools },
      {
        signal: controller.signal,
        pace: async () => {
          said.push('')
          if (said.length === 4) controller.abort(reason)
        },
      },
    )
    await expect(running).rejects.toBe(reason)
  })
})

describe('a tool that fails', () => {
  const failing = (tools: ToolRegistry, name: string, error: unknown): ToolRegistry => ({
    ...tools,
    [name]: () => Promise.reject(error),
  })

  it('does not stop the scan: its section says so, and the rules that need it are unknown', async () => {
    const { root, tools } = open(sampleFiles)
    const broken = failing(tools, 'imports', new Error(`ENOENT: ${root}/private`))
    const { said, result } = await scan({ root, tools: broken })
    expect(result.report).toContain('## Imports\n\nThis part of the scan failed: The task failed.\n')
    expect(JSON.stringify({ said, result })).not.toContain('private\n')
    expect(JSON.stringify({ said, result })).not.toContain(root)
    expect(result.findings).toMatchObject({
      imports: null,
      totals: { modules: null, importCycles: null, todos: 1 },
      failures: [{ tool: 'imports', message: 'The task failed.' }],
      governance: {
        unknown: 1,
        rules: expect.arrayContaining([
          expect.objectContaining({ id: 'no-import-cycle', status: 'unknown', passed: false }),
        ]),
      },
    })
    expect(result.report).toMatch(/## Governance\n[\s\S]*7 rules: \d passed, \d failed, 1 unknown\.\n$/)
    expect(written(said).join('')).toBe(result.report)
  })

  it('shows the message that is meant for the public', async () => {
    const { root, tools } = open(sampleFiles)
    const { result } = await scan({ root, tools: failing(tools, 'todos', new ToolError('x', 'Too | many.')) })
    expect(result.report).toContain('This part of the scan failed: Too \\| many.\n')
  })

  it('and is the governance itself leaves the rest', async () => {
    const { root, tools } = open(sampleFiles)
    const { result, said } = await scan({ root, tools: failing(tools, 'governance', new Error('x')) })
    expect(result.findings.failures).toEqual([{ tool: 'governance', message: 'The task failed.' }])
    expect(said).toContainEqual({ type: 'status', phase: 'governance', status: 'failed' })
    expect(result.report).toContain('## Governance\n\nThis part of the scan failed')
  })

  it('and is the inventory leaves nothing to report on', async () => {
    const { root, tools } = open(sampleFiles)
    const broken = failing(tools, 'inventory', new ToolError('path_not_found', 'Expected `path` to exist.'))
    await expect(scan({ root, tools: broken })).rejects.toMatchObject({
      name: 'ToolError',
      code: 'inventory_failed',
      message: 'Expected `path` to exist.',
    })
  })

  it('that cannot read a file warns of it once, of twenty files by name, and of the others by number', async () => {
    const { root, tools } = open(sampleFiles)
    const problems = Array.from({ length: 25 }, (_, index) => ({ path: `closed${index}.ts`, code: 'unreadable' }))
    const broken = {
      ...tools,
      tests: () => ({ testFiles: 0, sourceFiles: 0, testLines: 0, sourceLines: 0, ratio: null, problems }),
      secrets: () => ({ secrets: { total: 0, items: [] }, problems }),
    }
    const { said, result } = await scan({ root, tools: broken })
    const warnings = said.flatMap((what) => (what.type === 'warn' ? [what] : []))
    expect(warnings).toHaveLength(21)
    expect(warnings[0]).toEqual({ type: 'warn', code: 'file_unreadable', message: 'Cannot read closed0.ts.' })
    expect(warnings[20]?.message).toBe('Cannot read 5 more files.')
    expect(result.findings.problems).toMatchObject({ total: 26 })
    expect(result.findings.problems.items).toHaveLength(20)
  })
})

describe('hostile names and texts', () => {
  it('neither break the report nor put HTML into it', async () => {
    const names = [
      'a|b.ts',
      'c`d.ts',
      'e\n## forged\n.ts',
      '<img src=x onerror=alert(1)>.ts',
      '[l](javascript:x).ts',
      'r\u202etl.ts',
    ]
    const files = Object.fromEntries(
      names.map((name) => [name, '// TODO <script>alert(1)</script> | x `y` [z](javascript:0)\n']),
    )
    const { root, tools } = open(files)
    const { result } = await scan({ root, tools })
    expect(result.findings.todos?.comments.total).toBe(names.length)
    expect(result.report).not.toMatch(/<(?!$)/m)
    expect(result.report).not.toMatch(/^## forged/m)
    expect(result.report).not.toContain('\u202e')
    expect(result.report).not.toMatch(/(?<!\\)\]\(/)
    for (const line of result.report.split('\n').filter((row) => row.startsWith('| ') && row.includes('script'))) {
      expect(line.split(/(?<!\\)\|/)).toHaveLength(4)
    }
  })

  it('with a secret in them are not shown', async () => {
    const { root, tools } = open({ 'a.ts': `// TODO ${fakeSecret}\nconst token = "${fakeSecret}"\n` })
    const { result, said } = await scan({ root, tools })
    expect(result.findings.totals.secrets).toBe(2)
    expect(JSON.stringify({ result, said })).not.toContain(fakeSecret.slice(4, 30))
  })
})

it('has a result that fits in one event, whatever there is', async () => {
  const long = 'n'.repeat(120)
  const files: Record<string, string> = {}
  for (let index = 0; index < 150; index++) {
    files[`${long}${index}/${long}/index.ts`] =
      `import '../../${long}${(index + 1) % 150}/${long}/index.js'\nimport './${long}${index}.js'\n// TODO ${long} ${index}\nconst token = "${fakeSecret}"\n`
    files[`${long}${index}/package.json`] = `{"name":"${long}${index}"}`
  }
  const { root, tools } = open(files)
  const { result } = await scan({ root, tools })
  expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(48 * 1_024)
  expect(result.findings.totals).toMatchObject({ todos: 150, secrets: 150, importCycles: 1 })
  expect(result.findings.todos?.comments.total).toBe(150)
})

describe('the governance rules', () => {
  it('come from a file', async () => {
    const { root, tools, write } = open(sampleFiles)
    write({ 'rules.json': '{"rules":[{"id":"short","rule":"max-file-lines","max":1}]}' })
    const { result } = await scan({ root, tools, rulesPath: join(root, 'rules.json') })
    expect(result.findings.governance.rules).toEqual([
      {
        id: 'short',
        rule: 'max-file-lines',
        description: 'No source file has more than 1 lines',
        status: 'failed',
        passed: false,
        evidence: '1 over 1 lines: src/a.ts (2)',
      },
    ])
  })

  it.each([
    ['{', 'cannot be read as JSON'],
    ['[]', '/: Invalid input: expected object'],
    ['{"rules":[{"id":"a","rule":"no-such-rule"}]}', '/rules/0/rule: '],
    ['{"rules":[{"id":"a","rule":"max-todos"}]}', '/rules/0/max: '],
    ['{"rules":[{"id":"a","rule":"no-secrets","max":1}]}', '/rules/0: Unrecognized key: "max"'],
    ['{"rules":[{"id":"a","rule":"no-secrets"},{"id":"a","rule":"no-secrets"}]}', '/rules: Expected every `id` once'],
  ])('%s are refused at the start in one line that says where', (content, message) => {
    const { root, tools } = open({})
    const rulesPath = join(root, 'rules.json')
    writeFileSync(rulesPath, content)
    const start = () => scannerAgent({ root, tools, rulesPath })
    expect(start).toThrow(message)
    expect(start).toThrow(expect.objectContaining({ name: 'ScannerError', code: 'invalid_rules' }))
  })

  it('are missed where there is no file', () => {
    const { root, tools } = open({})
    expect(() => scannerAgent({ root, tools, rulesPath: join(root, 'none.json') })).toThrow('cannot be read as JSON')
  })
})

it('a directory that becomes a link to outside between the check and the scan is refused by the tool', async () => {
  const { root, tools } = open({ 'dir/a.ts': '' })
  expect(await scannerAgent({ root, tools }).parse({ path: 'dir' })).toEqual({ path: 'dir' })
  rmSync(join(root, 'dir'), { recursive: true })
  symlinkSync('/', join(root, 'dir'))
  const executor = new ParallelExecutor({ tools })
  const dag = { tasks: [{ id: 'a', tool: 'inventory', arguments: { path: 'dir' } }] }
  expect((await executor.execute(dag)).errors).toMatchObject([{ taskId: 'a', code: 'path_outside_root' }])
})
