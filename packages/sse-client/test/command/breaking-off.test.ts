import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { Continuation } from '../../src/command/continuation.js'
import { describeFaults } from '../../src/command/wording.js'
import { EventStreamError } from '../../src/index.js'
import { openStream, serve } from '../http-server.js'
import { event, main, opening, run, start } from './running.js'

it('a connection that is cut in the middle of an event is made again, and each event is printed once', async () => {
  const server = await serve((request, response) => {
    const cursor = request.headers['last-event-id']
    if (cursor === 'k3v9-2') {
      openStream(response).end(
        opening('k3v9-2', 0) + event('tick', 2, 2) + event('tick', 3, 3) + event('agent:complete', 4, {}),
      )
      return
    }
    const body = opening('k3v9-0', 0) + event('tick', 1, 1) + event('tick', 2, 2) + event('tick', 3, 3).slice(0, -8)
    openStream(response).write(body, () => response.socket?.destroy())
  })
  const { code, lines, stderr } = await run([server.url]).closed
  expect(code).toBe(0)
  expect(lines).toEqual(['k3v9-1 tick 1', 'k3v9-2 tick 2', 'k3v9-3 tick 3', 'k3v9-4 agent:complete {}'])
  expect(stderr).toMatch(/connection lost: .+; next try in 0\.0 s/)
})

describe('a stream that cannot be read to its end gives exit code 3', () => {
  it('when the server refuses, with what its problem document says', async () => {
    const server = await serve((_, response) => {
      const errors = [{ code: 'x', detail: 'No such tool', pointer: '/tasks/0' }, { detail: 'Too many' }, null, 3]
      response.writeHead(404, { 'content-type': 'application/problem+json' })
      response.end(JSON.stringify({ title: 'Unknown', detail: 'There is no such \u001b[2Jstream', errors }))
    })
    const { code, stdout, notices } = await run([server.url]).closed
    expect([code, stdout]).toEqual([3, ''])
    expect(notices.slice(1)).toEqual([
      '* /tasks/0: No such tool',
      '* Too many',
      '* The server answered 404: There is no such \\u001b[2Jstream',
    ])
  })

  it('and tells 20 faults of a problem document at the most', () => {
    const errors = Array.from({ length: 30 }, (_, n) => ({ detail: `fault ${n}` }))
    const told = describeFaults(new EventStreamError({ code: 'rejected', message: '', problem: { errors } }))
    expect([told.length, told.at(-1)]).toEqual([20, 'fault 19'])
  })

  const deep = '['.repeat(20_000) + ']'.repeat(20_000)
  // Newer versions of Node print any depth.
  it.skipIf(isPrintable(deep)).each([[[]], [['--json']]])(
    'when an event cannot be printed, and the way to go on begins after it; with the options %j',
    async (words) => {
      const server = await serve((_, response) =>
        openStream(response).end(`${opening()}${event('tick', 1, 1)}event: deep\nid: k3v9-2\ndata: ${deep}\n\n`),
      )
      const { code, lines, notices } = await run([server.url, ...words]).closed
      expect([code, lines.length]).toEqual([3, 1])
      expect(notices.slice(2)).toEqual([
        expect.stringMatching(
          /^\* an event of type deep cannot be printed: .+; to go on: the same command with --last-event-id=k3v9-2$/,
        ),
      ])
    },
  )

  it('when the output cannot be written, and says why', async () => {
    const server = await serve((_, response) => openStream(response, opening() + event('tick', 1, 1)))
    const { code, notices } = await start('sh', ['-c', '"$0" "$@" >/dev/full', process.execPath, main, server.url])
      .closed
    expect(code).toBe(3)
    expect(notices.at(-1)).toMatch(/^\* The output cannot be written: ENOSPC/)
  })

  it('when this process ends before the stream, because nothing keeps it', async () => {
    const nothingKeeps = `const { setTimeout } = globalThis
      globalThis.setTimeout = (...words) => setTimeout(...words).unref()
      globalThis.fetch = () => new Promise(() => {})`
    const script = `data:text/javascript,${encodeURIComponent(nothingKeeps)}`
    expect((await start(process.execPath, ['--import', script, main, 'http://127.0.0.1:9/']).closed).code).toBe(3)
  })

  it('when the retry budget is spent, with how to go on', async () => {
    const server = await serve((_, response) => openStream(response).end(opening() + event('tick', 1, 1)))
    const { code, notices } = await run([server.url, '--retry-budget', '0']).closed
    expect(code).toBe(3)
    expect(notices.at(-1)).toContain('to go on: the same command with --last-event-id=k3v9-1')
  })

  it('when nobody listens, and says why', async () => {
    const server = await serve(() => {})
    await server.stop()
    const { code, stderr } = await run([server.url, '--retry-budget', '0']).closed
    expect(code).toBe(3)
    expect(stderr).toContain('ECONNREFUSED')
  })

  it('when events are missing, with --on-gap fail; without it the gap is told and the rest is printed', async () => {
    const server = await serve((_, response) =>
      openStream(response).end(`${opening()}${event('tick', 1, 1)}${event('agent:complete', 4, {})}`),
    )
    const strict = await run([server.url, '--on-gap', 'fail']).closed
    expect([strict.code, strict.lines]).toEqual([3, ['k3v9-1 tick 1']])
    expect(strict.notices.at(-1)).not.toContain('to go on')
    const lenient = await run([server.url]).closed
    expect([lenient.code, lenient.lines.length]).toEqual([0, 2])
    expect(lenient.stderr).toContain('* gap (skipped): 2 events are missing before k3v9-4\n')
  })

  it('when a POST cannot be resumed', async () => {
    const server = await serve((_, response) => openStream(response).end('data: 1\n\n'))
    const { code, lines, notices } = await run([server.url, '--data', '{}']).closed
    expect([code, lines]).toEqual([3, ['message 1']])
    expect(notices.at(-1)).toMatch(/must not be repeated/)
    expect(server.requests).toHaveLength(1)
  })
})

describe('Ctrl-C', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('as %s closes the connection, says how to go on, and gives exit code %i', async (signal, expected) => {
    let gone: Promise<unknown> = Promise.resolve()
    const server = await serve((request, response) => {
      if (request.headers['last-event-id'] === 'k3v9-2') {
        openStream(response).end(opening('k3v9-2') + event('agent:complete', 3, {}))
        return
      }
      gone = once(response, 'close')
      openStream(response, opening() + event('tick', 1, 1) + event('tick', 2, 2))
    })
    const { child, shows, closed } = run([server.url])
    await shows('stdout', /k3v9-2/)
    child.kill(signal)
    const { code, notices } = await closed
    await gone
    expect(code).toBe(expected)
    const [, option] = /to go on: the same command with (\S+)$/.exec(notices.at(-1) ?? '') ?? []
    expect(option).toBe('--last-event-id=k3v9-2')
    expect((await run([server.url, option ?? '']).closed).lines).toEqual(['k3v9-3 agent:complete {}'])
  })

  it('names the address of a stream that a POST began, since the same command would begin another', async () => {
    const server = await serve((_, response) => {
      response.setHeader('content-location', '/streams/7')
      openStream(response, opening() + event('tick', 1, 1))
    })
    const { child, shows, closed } = run([server.url, '--data', '{}'])
    await shows('stdout', /k3v9-1/)
    child.kill('SIGINT')
    expect((await closed).notices.at(-1)).toBe(
      `* interrupted; to go on: sse-client ${server.url}/streams/7 --last-event-id=k3v9-1`,
    )
  })

  it.each([
    ['its Content-Location', 200, { 'content-location': '/runs/1' }, true],
    ['the Location of a 201', 201, { location: '/runs/1' }, true],
    ['no Location of another status', 200, { location: '/runs/1' }, false],
    ['no address on another origin', 200, { 'content-location': 'http://127.0.0.1:8/runs/1' }, false],
  ])('names, of an answer to a POST, %s', (_, status, headers, names) => {
    const continuation = new Continuation('POST')
    continuation.learn(new Response(null, { status, headers }), 'http://127.0.0.1:9/runs')
    const next = names ? 'sse-client http://127.0.0.1:9/runs/1 --last-event-id=k3v9-1' : undefined
    expect(continuation.after('k3v9-1')).toBe(next)
  })

  it.each(['a\u001b[2J', 'a\u009bb', 'a\u202eb', '\ud800'])('names no id that cannot be shown as it is: %j', (id) => {
    expect(new Continuation('GET').after(id)).toBeUndefined()
  })

  it('names no way to go on where there is none', async () => {
    const server = await serve((_, response) => openStream(response, 'data: 1\n\n'))
    const { child, shows, closed } = run([server.url])
    await shows('stdout', /1/)
    child.kill('SIGINT')
    expect((await closed).notices.at(-1)).toBe('* interrupted')
  })

  it('quotes an id, so that a shell to which it is pasted does not run it', async () => {
    const server = await serve((_, response) => openStream(response, "id: it's $(reboot)\ndata: 1\n\n"))
    const { child, shows, closed } = run([server.url])
    await shows('stdout', /1/)
    child.kill('SIGINT')
    expect((await closed).notices.at(-1)).toContain(`--last-event-id='it'\\''s $(reboot)'`)
  })

  it('ends the command also while nobody reads its output, and names the last event that was written as a whole', async () => {
    const server = await serve((_, response) =>
      openStream(response, opening() + event('tick', 1, 1) + event('tick', 2, 'x'.repeat(4 * 2 ** 20))),
    )
    const { child, output, shows, closed } = run([server.url])
    const pause = (): void => {
      if (output.stdout.includes('k3v9-2')) child.stdout.pause()
    }
    child.stdout.on('data', pause)
    await shows('stdout', /k3v9-2/)
    child.kill('SIGINT')
    await once(child, 'exit')
    child.stdout.off('data', pause).resume()
    const { code, notices } = await closed
    expect(code).toBe(130)
    expect(notices.at(-1)).toMatch(/--last-event-id=k3v9-1$/)
  })
})

it('ends in silence when the reader of its output leaves, as with | head', async () => {
  const server = await serve((_, response) => {
    openStream(response, opening())
    let n = 0
    const write = (): void => {
      while (!response.destroyed && response.write(event('tick', ++n, 'x'.repeat(1_000))));
    }
    response.on('drain', write)
    write()
  })
  const script = '{ "$0" "$@"; echo "code $?" >&2; } | head -n 2'
  const { code, lines, notices } = await start('sh', ['-c', script, process.execPath, main, server.url]).closed
  expect(code).toBe(0)
  expect(lines.map((line) => line.split(' ')[0])).toEqual(['k3v9-1', 'k3v9-2'])
  expect(notices.slice(1)).toEqual(['* connected', 'code 141'])
})

it('goes on reading when nobody reads its notices any more', async () => {
  const server = await serve((_, response) => openStream(response).end(opening() + event('agent:complete', 1, {})))
  const { code, lines } = await start('sh', ['-c', '"$0" "$@" 2>/dev/full', process.execPath, main, server.url]).closed
  expect([code, lines]).toEqual([0, ['k3v9-1 agent:complete {}']])
})

function isPrintable(json: string): boolean {
  try {
    JSON.stringify(JSON.parse(json))
    return true
  } catch {
    return false
  }
}
