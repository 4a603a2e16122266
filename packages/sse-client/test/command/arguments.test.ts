import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { serve } from '../http-server.js'
import { run } from './running.js'

const url = 'http://127.0.0.1:9/'
const secret = 't0ps3cret'

it.each([
  [[], 'URL'],
  [['stream'], '"stream"'],
  [['localhost:3000/stream'], 'http://'],
  [[url, url], 'got 2 words'],
  [[`http://me:${secret}@127.0.0.1/`], '-H'],
  [[`http://me:${secret}@127.0.0.1:x/`], 'URL'],
  [[url, '--fast'], '--fast'],
  [[url, `--fast=${secret}`], '--fast'],
  [[url, '--json=1'], '--json'],
  [[url, '--header'], '--header'],
  [[url, '-H', `Authorization Bearer ${secret}`], '--header'],
  [[url, '-H', `Authorization: ${secret}\n`.repeat(2)], 'Authorization'],
  [[url, '-H', `Authorization: ${secret}漢`], 'Authorization'],
  [[url, '--method', 'GE T'], '--method'],
  [[url, '--method', 'get', '--data', secret], '--data'],
  [[url, '--data', '@/does/not/exist'], 'ENOENT'],
  [[url, '--last-event-id', 'a\nb'], '--last-event-id'],
  [[url, '--transport', 'carrier-pigeon'], 'auto, sse, poll'],
  [[url, '--on-gap', 'cry'], 'continue, fail'],
  [[url, '--events', 'toString'], 'auto, agent, execution, none'],
  [[url, '--retry-budget', '-1'], '--retry-budget'],
  [[url, '--retry-budget', '1e3'], '"1e3"'],
  [[url, '--retry-budget', '9'.repeat(30)], '--retry-budget'],
])('%j is refused with one clear line, exit code 2, and no secret in it', async (words, named) => {
  const { code, stdout, notices, stderr } = await run(words).closed
  expect([code, stdout, notices.length]).toEqual([2, '', 1])
  expect(stderr).toMatch(/^sse-client: .+; see --help\n$/)
  expect(stderr).toContain(named)
  expect(stderr).not.toContain(secret)
})

it.each(['--help', '-h'])('%s tells every option and every exit code', async (word) => {
  const { code, stdout, stderr } = await run([word]).closed
  expect([code, stderr]).toEqual([0, ''])
  const source = readFileSync(new URL('../../src/command/command.ts', import.meta.url), 'utf8')
  const options = [...source.matchAll(/^ {8}'?([a-z-]+)'?: (?:\{|text|list|flag)/gm)].map(([, name]) => name)
  expect(options).toContain('last-event-id')
  for (const option of options) expect(stdout).toMatch(new RegExp(`--${option}\\b`))
  const codes = readFileSync(new URL('../../src/command/exit-codes.ts', import.meta.url), 'utf8').matchAll(/: (\d+),/g)
  for (const [, code] of codes) expect(stdout).toMatch(new RegExp(`\\b${code}\\b`))
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
})

it('--version tells the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  expect(await run(['--version']).closed).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
})

describe('the request', () => {
  /** What a command that has these words asks for. */
  async function ask(words: readonly string[], input = '') {
    let asked: Promise<[IncomingMessage, Buffer]> | undefined
    const server = await serve((request, response) => {
      asked = Promise.all([request, buffer(request)])
      void asked.then(() => response.writeHead(204).end())
    })
    const { child, closed } = run([server.url, ...words])
    child.stdin.end(input)
    const { code, stdout, stderr } = await closed
    expect(code).toBe(0)
    const [{ method, headers }, body] = await asked!
    return { method, headers, body: body.toString('latin1'), shown: stdout + stderr }
  }

  it('has the headers that are given, and none of them is shown', async () => {
    const { method, headers, shown } = await ask([
      '-H',
      `Authorization: Bearer ${secret}`,
      '--header=X-Trace:a:b',
      '-H',
      'X-Trace: c',
    ])
    expect(method).toBe('GET')
    expect(headers).toMatchObject({ authorization: `Bearer ${secret}`, 'x-trace': 'a:b, c' })
    expect(shown).not.toContain(secret)
  })

  it('has the body of --data, as JSON where it is that, by POST unless --method says otherwise', async () => {
    const json = await ask(['--data', '{"n": 1}'])
    expect([json.method, json.headers['content-type'], json.body]).toEqual(['POST', 'application/json', '{"n": 1}'])
    const text = await ask(['-X', 'put', '-d', 'n=1', '-H', 'content-type: text/plain'])
    expect([text.method, text.headers['content-type'], text.body]).toEqual(['PUT', 'text/plain', 'n=1'])
  })

  it('has the body of a file, byte for byte, or of standard input', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sse-client-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'body'), Buffer.from([0, 255, 13, 10]))
    const file = await ask(['--data', `@${join(folder, 'body')}`])
    expect([file.headers['content-type'], file.body]).toEqual(['application/octet-stream', '\0\xff\r\n'])
    expect((await ask(['--data', '@-'], '[1]\n')).body).toBe('[1]\n')
  })
})
