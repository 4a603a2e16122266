import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { collect, post, startServer } from './reference-server.js'

const folder = mkdtempSync(join(tmpdir(), 'bad-input-'))
const scanRoot = join(folder, 'root')
mkdirSync(scanRoot)
mkdirSync(join(folder, 'outside'))
writeFileSync(join(scanRoot, 'file.txt'), 'text')
symlinkSync(join(folder, 'outside'), join(scanRoot, 'link'))
afterAll(() => rmSync(folder, { recursive: true }))

const session = (path: unknown) => ['/api/v1/sessions', { agent: 'scanner', input: { path } }] as const
const workflow = (...tasks: unknown[]) => ['/api/v1/workflows', { tasks }] as const
const sleep = (id: unknown, dependsOn?: unknown) => ({ id, tool: 'sleep', arguments: { ms: 1 }, dependsOn })

describe.each([
  ['malformed JSON', ['/api/v1/sessions', '{"agent":'], 400, 'malformed_json', undefined],
  ['a body that is no object', ['/api/v1/sessions', '[]'], 422, 'invalid_session', ''],
  ['an agent that is no text', ['/api/v1/sessions', { agent: 1 }], 422, 'invalid_session', '/agent'],
  ['an unknown agent', ['/api/v1/sessions', { agent: '__proto__' }], 422, 'unknown_agent', '/agent'],
  ['a path above the scan root', session('../outside'), 422, 'path_outside_root', '/input/path'],
  ['an absolute path', session('/etc'), 422, 'path_outside_root', '/input/path'],
  ['the scan root by its own name', session('../root'), 422, 'path_outside_root', '/input/path'],
  ['the scan root by its absolute path', session(scanRoot), 422, 'path_outside_root', '/input/path'],
  ['JSON that is a text', ['/api/v1/sessions', '"x"'], 422, 'invalid_session', ''],
  ['an empty body', ['/api/v1/sessions', ''], 400, 'malformed_json', undefined],
  [
    'arguments that the tool does not take',
    workflow({ ...sleep('a'), arguments: { ms: 'x' } }),
    422,
    'invalid_dag',
    undefined,
  ],
  ['a symlink that leaves the scan root', session('link'), 422, 'path_outside_root', '/input/path'],
  ['a path that does not exist', session('none'), 422, 'path_not_found', '/input/path'],
  ['a path to a file', session('file.txt'), 422, 'path_not_directory', '/input/path'],
  ['a path that is no text', session(1), 422, undefined, '/input/path'],
  ['a path with a NUL', session('a\0b'), 422, undefined, '/input/path'],
  ['a body without tasks', ['/api/v1/workflows', {}], 422, 'invalid_dag', '/tasks'],
  ['an empty graph', workflow(), 422, 'invalid_dag', '/tasks'],
  [
    'a cyclic graph',
    workflow(sleep('a', ['b']), sleep('b', ['a'])),
    422,
    'invalid_dag',
    expect.stringMatching(/^\/tasks/),
  ],
  ['an unknown tool', workflow({ id: 'a', tool: 'rm' }), 422, 'invalid_dag', '/tasks/0/tool'],
  ['a tool named constructor', workflow({ id: 'a', tool: 'constructor' }), 422, 'invalid_dag', '/tasks/0/tool'],
  ['a missing dependency', workflow(sleep('a', ['x'])), 422, 'invalid_dag', '/tasks/0/dependsOn/0'],
  ['an id that is no text', workflow(sleep(7)), 422, 'invalid_dag', '/tasks/0/id'],
] as const)('%s', (_name, [path, body], status, code, pointer) => {
  it(`is a problem document with status ${status} that says what and where, and leaks nothing`, async () => {
    const { url } = await startServer({ scanRoot })
    const response = await post(url + path, body)
    const text = await response.text()
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toContain('application/problem+json')
    const problem = JSON.parse(text)
    expect(problem).toMatchObject({ status, title: expect.stringMatching(/\w/), detail: expect.stringMatching(/\w/) })
    if (code) expect(problem.code).toBe(code)
    if (pointer !== undefined) expect(problem.errors[0].pointer).toEqual(pointer)
    expect(text).not.toContain(folder)
    expect(text.length).toBeLessThan(2_000)
    expect(text).not.toMatch(/node_modules|\.ts:\d|\n\s+at /)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })
})

describe('a request', () => {
  it('with too large a body is 413', async () => {
    const { url } = await startServer({ maxBodyBytes: 1_000 })
    const response = await post(`${url}/api/v1/workflows`, { tasks: 'x'.repeat(2_000) })
    expect(response.status).toBe(413)
    expect((await response.json()).detail).toContain('1000 bytes')
  })

  it('whose body is not sent as JSON is 415, as a foreign page would send it', async () => {
    const { url } = await startServer()
    const response = await post(`${url}/api/v1/sessions`, '{"agent":"scanner"}', { 'Content-Type': 'text/plain' })
    expect(response.status).toBe(415)
  })

  it.each(['x', '-1', 'abc-', 'abc-01', '%0d%0a', 'é-1', `${'a'.repeat(70)}-1`])(
    'with the cursor %s is 400',
    async (cursor) => {
      const { url } = await startServer()
      const run = await post(`${url}/api/v1/workflows`, workflow(sleep('a'))[1], { Prefer: 'respond-async' })
      const response = await fetch(
        `${url}${run.headers.get('location') ?? run.headers.get('content-location')}?lastEventId=${encodeURIComponent(decodeURIComponent(cursor))}`,
      )
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ status: 400 })
    },
  )

  it.each(['GET', 'DELETE'])('%s for an unknown stream is 404, whatever the cursor', async (method) => {
    const { url } = await startServer()
    for (const headers of [{}, { 'Last-Event-ID': 'abcdefgh-5' }]) {
      expect((await fetch(`${url}/api/v1/stream/none`, { method, headers })).status).toBe(404)
    }
  })

  it.each([
    ['PUT', '/stream/none', 'GET, HEAD, OPTIONS, DELETE'],
    ['POST', '/stream/none', 'GET, HEAD, OPTIONS, DELETE'],
    ['GET', '/sessions', 'POST'],
    ['DELETE', '/workflows', 'POST'],
    ['POST', '/tools', 'GET, HEAD'],
  ])('§9 %s %s is 405 and says what is allowed', async (method, path, allowed) => {
    const { url } = await startServer()
    const response = await fetch(`${url}/api/v1${path}`, { method })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe(allowed)
    const options = await fetch(`${url}/api/v1${path}`, { method: 'OPTIONS' })
    expect([options.status, options.headers.get('allow')]).toEqual([204, allowed])
  })

  it.each([
    ['GET', '/tools'],
    ['POST', '/sessions'],
    ['POST', '/workflows'],
    ['GET', '/stream/none'],
  ])('§9 %s %s with Accept: text/html is 406', async (method, path) => {
    const { url } = await startServer()
    const body = method === 'POST' ? JSON.stringify({ agent: 'scanner', tasks: [sleep('a')] }) : null
    const headers = { Accept: 'text/html', 'Content-Type': 'application/json', Prefer: 'respond-async' }
    expect((await fetch(`${url}/api/v1${path}`, { method, headers, body })).status).toBe(406)
  })

  it.each([
    [
      'cursor of 20 KB',
      `GET /api/v1/stream/x HTTP/1.1\r\nHost: x\r\nLast-Event-ID: ${'a'.repeat(20_000)}\r\n\r\n`,
      431,
    ],
    ['line of garbage', 'garbage\r\n\r\n', 400],
    ['expectation', 'GET / HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\nConnection: close\r\n\r\n', 417],
  ])('§9 with a %s is a problem document too', async (_name, text, status) => {
    const { url } = await startServer()
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.end(text)
    const answer = Buffer.concat(await collect(socket)).toString()
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer).toContain('application/problem+json')
  })

  it.each([
    ['a', 10, 400_000],
    ['é', 10, 200_000],
  ])('with an id of very many %s is answered in few words', async (letter, times, length) => {
    const { url } = await startServer()
    const tasks = [{ ...sleep(letter.repeat(length)), dependsOn: Array.from({ length: times }, (_, i) => `m${i}`) }]
    const response = await post(`${url}/api/v1/workflows`, { tasks })
    expect(response.status).toBe(422)
    expect((await response.text()).length).toBeLessThan(20_000)
  })

  it('with a deep body that means nothing is refused or ignored, but never a failure of the server', async () => {
    const { url, log } = await startServer()
    const deep = '['.repeat(400_000) + ']'.repeat(400_000)
    const headers = { 'Idempotency-Key': 'k', Prefer: 'respond-async' }
    const body = `{"tasks":[{"id":"x","tool":"sleep","arguments":{"ms":0},"x":${deep}}]}`
    const run = await post(`${url}/api/v1/workflows`, body, headers)
    expect(run.status).toBe(202)
    const { executionId } = await run.json()
    expect((await fetch(`${url}/api/v1/executions/${executionId}`)).status).toBe(200)
    const session = await post(`${url}/api/v1/sessions`, `{"agent":"scanner","input":${deep}}`, headers)
    expect(session.status).toBe(422)
    expect(log.join('')).not.toContain('"level":50')
  })

  it('PUT on a stream is 405, an unknown address 404', async () => {
    const { url } = await startServer()
    expect((await fetch(`${url}/api/v1/stream/none`, { method: 'PUT' })).status).toBe(405)
    const response = await fetch(`${url}/api/v1/none`)
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toContain('application/problem+json')
  })
})
