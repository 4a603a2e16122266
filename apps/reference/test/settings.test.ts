import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readConfig } from '../src/config.js'

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** The server as a process of its own. */
function run(environment: Record<string, string>, ...words: string[]) {
  const child = spawn(process.execPath, [main, ...words], { env: { PATH: process.env.PATH, ...environment } })
  onTestFinished(() => void child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (output.stdout += chunk))
  child.stderr.on('data', (chunk) => (output.stderr += chunk))
  return { child, output, closed: once(child, 'close') as Promise<[number | null]> }
}

async function listening({ child, output }: { child: ChildProcess; output: { stdout: string } }): Promise<string> {
  for (;;) {
    const [, url] = /Page\s+(\S+)\/\n/.exec(output.stdout) ?? []
    if (url) return url
    await once(child.stdout!, 'data')
  }
}

describe('a setting', () => {
  it.each([
    ['PORT', '99999'],
    ['PORT', 'http'],
    ['MAX_CONNECTIONS', '0'],
    ['MAX_CONNECTIONS', '1.5'],
    ['HEARTBEAT_INTERVAL', '-1'],
    ['STREAM_TIMEOUT', '2s'],
    ['REPLAY_MAX_EVENTS', '1e3'],
    ['MAX_PAYLOAD_BYTES', '10'],
    ['MAX_TASKS', 'NaN'],
    ['SCAN_ROOT', '/does/not/exist'],
    ['LOG_LEVEL', 'loud'],
  ])('%s=%s stops the start with one clear line', async (variable, value) => {
    const { output, closed } = run({ [variable]: value })
    expect((await closed)[0]).toBe(1)
    expect(output.stdout).toBe('')
    expect(output.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(output.stderr).toContain(variable)
    expect(output.stderr).toContain(JSON.stringify(value))
  })

  it('has the default that the requirements name', () => {
    expect(readConfig({})).toMatchObject({
      port: 3_000,
      maxConnections: 100,
      heartbeatInterval: 15_000,
      streamTimeout: 30 * 60_000,
      replayMaxEvents: 10_000,
      maxPayloadBytes: 65_536,
      maxTasks: 1_000,
    })
  })

  it('is read from the variable of its name', () => {
    const names = {
      PORT: 'port',
      MAX_CONNECTIONS: 'maxConnections',
      HEARTBEAT_INTERVAL: 'heartbeatInterval',
      STREAM_TIMEOUT: 'streamTimeout',
      REPLAY_MAX_EVENTS: 'replayMaxEvents',
      MAX_PAYLOAD_BYTES: 'maxPayloadBytes',
      MAX_TASKS: 'maxTasks',
      MAX_RUNS: 'maxRuns',
      MAX_BODY_BYTES: 'maxBodyBytes',
    }
    const given = Object.keys(names).map((variable, index) => [variable, 5_000 + index] as const)
    const environment = Object.fromEntries(given.map(([variable, value]) => [variable, String(value)]))
    const config = readConfig({ ...environment, SCAN_ROOT: tmpdir(), HOST: '::1', LOG_LEVEL: 'debug', MAX_ROOT: 'x' })
    expect(config).toEqual({
      ...Object.fromEntries(Object.values(names).map((name, index) => [name, 5_000 + index])),
      scanRoot: tmpdir(),
      host: '::1',
      logLevel: 'debug',
    })
  })

  it('is listed by --help, and in the README', async () => {
    const { output, closed } = run({}, '--help')
    expect((await closed)[0]).toBe(0)
    const variables = [...output.stdout.matchAll(/^ {2}([A-Z_]+) /gm)].map(([, variable]) => variable)
    expect(variables).toContain('SCAN_ROOT')
    expect(variables.length).toBeGreaterThan(8)
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    for (const variable of variables) expect(readme).toContain(`| \`${variable}\` |`)
  })
})

it.each([
  [{ HOST: '203.0.113.1' }, [], /^HOST=203.0.113.1 PORT=0: .*EADDRNOTAVAIL.*\n$/],
  [{}, ['--port', '3001'], /^Expected no arguments, got --port 3001; see --help\n$/],
])('%j %j stops the start with one clear line', async (environment, words, line) => {
  const { output, closed } = run({ PORT: '0', ...environment }, ...words)
  expect((await closed)[0]).toBe(1)
  expect(output.stderr).toMatch(line)
})

describe('the process', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'serves, prints its address, and ends cleanly on %s with a stream open',
    async (signal) => {
      const server = run({ PORT: '0' })
      const url = await listening(server)
      const body = JSON.stringify({ tasks: [{ id: 'a', tool: 'sleep', arguments: { ms: 60_000 } }] })
      const headers = { 'Content-Type': 'application/json', Accept: 'text/event-stream' }
      const response = await fetch(`${url}/api/v1/workflows`, { method: 'POST', body, headers })
      const text = response.text()
      server.child.kill(signal)
      expect((await server.closed)[0]).toBe(0)
      expect(await text).toContain('event: heartbeat')
      expect(server.output.stderr).toBe('')
    },
  )

  it('scans below SCAN_ROOT and takes MAX_PAYLOAD_BYTES at its word', async () => {
    const scanRoot = mkdtempSync(join(tmpdir(), 'settings-'))
    onTestFinished(() => rmSync(scanRoot, { recursive: true }))
    for (let i = 0; i < 40; i += 1) writeFileSync(join(scanRoot, `only-here-${i}.ts`), '')
    const url = await listening(run({ PORT: '0', SCAN_ROOT: scanRoot, MAX_PAYLOAD_BYTES: '2000' }))
    const headers = { 'Content-Type': 'application/json', Accept: 'text/event-stream' }
    const body = JSON.stringify({ tasks: [{ id: 'a', tool: 'inventory' }] })
    const text = await (await fetch(`${url}/api/v1/workflows`, { method: 'POST', headers, body })).text()
    expect(text).toMatch(/"truncated":true.*only-here-/)
    for (const [, data = ''] of text.matchAll(/^data: (.*)$/gm))
      expect(Buffer.byteLength(data)).toBeLessThanOrEqual(2_000)
  })

  it('ends with npm, which does not pass its signals on', async () => {
    const script = `"${process.execPath}" "${main}"; exit`
    const shell = spawn('sh', ['-c', script], {
      env: { PATH: process.env.PATH, PORT: '0', npm_lifecycle_event: 'start' },
    })
    const output = { stdout: '' }
    shell.stdout.on('data', (chunk) => (output.stdout += chunk))
    const url = await listening({ child: shell, output })
    const closed = once(shell.stdout, 'close')
    shell.kill('SIGKILL')
    await closed
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
  })

  it('says in one line that the port is taken', async () => {
    const first = run({ PORT: '0' })
    const { port } = new URL(await listening(first))
    const { output, closed } = run({ PORT: port })
    expect((await closed)[0]).toBe(1)
    expect(output.stderr).toMatch(/^HOST=127.0.0.1 PORT=\d+: .*EADDRINUSE.*choose another PORT\n$/)
  })
})
