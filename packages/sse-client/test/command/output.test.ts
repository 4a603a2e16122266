import { Writable } from 'node:stream'
import type { WriteStream } from 'node:tty'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { usesColour } from '../../src/command/colour.js'
import { readCommand } from '../../src/command/command.js'
import { follow } from '../../src/command/follow.js'
import { Notices } from '../../src/command/notices.js'
import { cutToWidth } from '../../src/command/terminal-text.js'
import { openStream, serve } from '../http-server.js'
import { event, opening, run } from './running.js'

const hostile = 'a\u001b]0;title\u0007\u009b2J\u007f\u202eb\u2028c\nd'

describe('--json', () => {
  it('prints each event as one line of JSON, and nothing else on standard output', async () => {
    const server = await serve((_, response) =>
      openStream(response).end(
        `${opening()}${event('tick', 1, { text: hostile })}event: plain\nid: k3v9-2\ndata: two\ndata: lines\n\n${event('agent:complete', 3, null)}`,
      ),
    )
    const { code, stdout, lines } = await run([server.url, '--json']).closed
    expect(code).toBe(0)
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { type: 'tick', id: 'k3v9-1', data: { text: hostile } },
      { type: 'plain', id: 'k3v9-2', data: 'two\nlines' },
      { type: 'agent:complete', id: 'k3v9-3', data: null },
    ])
    expect(stdout).toMatch(/^(\{[\x20-\x7e]+\}\n)+$/)
  })
})

describe('text of the server', () => {
  it('reaches the terminal without control characters, from data, types and ids alike', async () => {
    const server = await serve((_, response) =>
      openStream(response).end(
        `event: t\u001b[31m\nid: i\u001b[32m\ndata: d\u001b[33m\u009b\n\n${event('tick', 2, hostile)}${event('agent:complete', 3, { text: hostile })}`,
      ),
    )
    const { lines, stdout, stderr } = await run([server.url]).closed
    expect(lines[0]).toBe('i\\u001b[32m t\\u001b[31m d\\u001b[33m\\u009b')
    expect(lines[1]).toBe('k3v9-2 tick a\\u001b]0;title\\u0007\\u009b2J\\u007f\\u202eb\\u2028c\\nd')
    expect(stdout + stderr).toMatch(/^[\x20-\x7e\n]+$/)
  })
})

describe('colours', () => {
  it.each([
    [{}, false],
    [{ FORCE_COLOR: '1' }, true],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    [{ FORCE_COLOR: '0' }, false],
  ])('outside a terminal, with %j: %s', async (environment: Record<string, string>, expected) => {
    const server = await serve((_, response) => openStream(response).end(opening() + event('agent:complete', 1, {})))
    const { stdout, stderr } = await run([server.url], environment).closed
    expect(stdout.includes('\x1b[32magent:complete\x1b[39m')).toBe(expected)
    expect(stderr.includes('\x1b[')).toBe(expected)
  })

  it.each([
    [{}, true],
    [{ NO_COLOR: '1' }, false],
    [{ NO_COLOR: '' }, true],
    [{ TERM: 'dumb' }, false],
    [{ FORCE_COLOR: '0' }, false],
  ])('on a terminal, with %j: %s', (environment: Record<string, string>, expected) => {
    expect(usesColour({ isTTY: true }, environment)).toBe(expected)
  })
})

/** Standard output as it is held by a test, and the run of a command that writes to it. */
function followInto(words: readonly string[], terminal: { isTTY: boolean; columns: number }, body: ReadableStream) {
  const written: string[] = []
  const held: (() => void)[] = []
  let free = false
  const stdout = new Writable({
    highWaterMark: 1_024,
    write(chunk, _, done) {
      written.push(String(chunk))
      if (free) done()
      else held.push(done)
    },
  })
  const notices: string[] = []
  const stderr = new Writable({
    write(chunk, _, done) {
      notices.push(String(chunk).trimEnd())
      done()
    },
  })
  const interruption = new AbortController()
  const headers = { 'content-type': 'text/event-stream' }
  vi.stubGlobal('fetch', async () => new Response(body, { headers }))
  onTestFinished(() => void vi.unstubAllGlobals())
  const command = readCommand(['http://127.0.0.1/', ...words])
  if (typeof command === 'string') throw new Error('Expected a command')
  const code = follow({
    command,
    body: undefined,
    stdout: Object.assign(stdout, terminal) as unknown as WriteStream,
    stderr: stderr as unknown as WriteStream,
    environment: { NO_COLOR: '1' },
    signal: interruption.signal,
  })
  const release = (): void => {
    free = true
    for (const done of held.splice(0)) done()
  }
  return { written, held, release, notices, interruption, code }
}

const pipe = { isTTY: false, columns: 0 }

describe('a line', () => {
  const long = () => new Blob([opening() + event('agent:complete', 1, { text: '漢'.repeat(40) })]).stream()
  const whole = `k3v9-1 agent:complete {"text":"${'漢'.repeat(40)}"}\n`

  it('is cut to the width of the terminal', async () => {
    const { written, release, code } = followInto([], { isTTY: true, columns: 40 }, long())
    release()
    await code
    // 31 columns before the first wide character, then four of two columns and the ellipsis.
    expect(written).toEqual([`k3v9-1 agent:complete {"text":"${'漢'.repeat(4)}…\n`])
  })

  it.each([
    ['with --full', ['--full'], { isTTY: true, columns: 40 }],
    ['outside a terminal', [], pipe],
  ])('is whole %s', async (_, words, terminal) => {
    const { written, release, code } = followInto(words, terminal, long())
    release()
    await code
    expect(written).toEqual([whole])
  })
})

describe('the width of a character', () => {
  const wide = '\u1100\u115f\u2e80\u303e\u3041\ua4cf\uac00\ud7a3\uf900\ufaff\ufe30\ufe6f\uff00\uff60\uffe0\uffe6⌚😀'
  it.each([
    ['no column', 0, '\u0301\u20dd\u200b\ufe2f'],
    ['one column', 1, ' ~é☺\u10ff\u1160\u2e7f\u303f\ua4d0\uabff\ud7a4\ufb00\ufe70\uff61\uffdf\uffe7'],
    ['two columns', 2, `${wide}${String.fromCodePoint(0x20000, 0x3fffd)}`],
  ])('is %s', (_, columns, characters) => {
    for (const character of characters)
      expect([character, cutToWidth(character, 10).width]).toEqual([character, columns])
  })

  it('counts for what fits, whole or with an ellipsis', () => {
    const cut = (text: string, columns: number) => cutToWidth(text, columns)
    expect(cut('漢漢', 4)).toEqual({ text: '漢漢', width: 4 })
    expect(cut('漢漢', 3)).toEqual({ text: '漢…', width: 3 })
    expect(cut('漢漢', 2)).toEqual({ text: '…', width: 1 })
    expect(cut('😀a', 2)).toEqual({ text: '…', width: 1 })
    expect(cut('e\u0301a', 2)).toEqual({ text: 'e\u0301a', width: 2 })
    expect(cut('a', 0).text).toBe('')
  })
})

it('a reader that is slow makes the server wait: no more is read than the buffers hold', async () => {
  let pulls = 0
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(encoder.encode(opening())),
      pull(controller) {
        pulls += 1
        const ticks = Array.from({ length: 100 }, (_, i) => event('tick', (pulls - 1) * 100 + i + 1, 'x'.repeat(100)))
        controller.enqueue(encoder.encode(ticks.join('')))
        if (pulls === 50) controller.enqueue(encoder.encode(event('agent:complete', 5_001, {})))
      },
    },
    { highWaterMark: 0 },
  )
  const { written, held, release, code } = followInto([], pipe, body)
  for (let turn = 0; turn < 500; turn += 1) await new Promise(setImmediate)
  expect(held).toHaveLength(1)
  // 256 events wait for the loop, about ten for standard output.
  expect(pulls).toBeGreaterThan(1)
  expect(pulls).toBeLessThan(5)
  release()
  expect(await code).toBe(0)
  expect(written).toHaveLength(5_001)
})

it('the way to go on begins after the last event that left this process, not the last that was read', async () => {
  const ticks = Array.from({ length: 100 }, (_, i) => event('tick', i + 1, 'x'.repeat(100)))
  const body = new Blob([opening(), ...ticks]).stream()
  const { held, notices, interruption, code } = followInto([], pipe, body)
  for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate)
  held.shift()?.()
  await new Promise(setImmediate)
  expect(held).toHaveLength(1)
  interruption.abort({ exitCode: 130, message: 'interrupted' })
  expect(await code).toBe(130)
  expect(notices.at(-1)).toBe('* interrupted; to go on: the same command with --last-event-id=k3v9-1')
})

it('what happens to the connection is told after the events that came before it', () => {
  const told: string[] = []
  const notices = new Notices((line) => told.push(line))
  notices.tell('connected')
  notices.arrived()
  notices.arrived()
  notices.tell('lost')
  notices.arrived()
  notices.tell('never')
  expect(told).toEqual(['* connected'])
  notices.printed()
  expect(told).toEqual(['* connected'])
  notices.printed()
  expect(told).toEqual(['* connected', '* lost'])
  notices.conclude('over', 'red')
  notices.printed()
  expect(told).toEqual(['* connected', '* lost', '* over'])
})
