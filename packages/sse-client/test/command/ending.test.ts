import { describe, expect, it } from 'vitest'
import { openStream, serve } from '../http-server.js'
import { event, opening, run } from './running.js'

describe("a session's stream", () => {
  it('ends with agent:complete, and not with the execution_complete in its middle', async () => {
    const server = await serve((_, response) =>
      openStream(response).end(
        opening() +
          event('execution_complete', 1, { status: 'error' }) +
          event('agent:error', 2, { code: 'slow', fatal: false }) +
          event('agent:complete', 3, { result: {} }),
      ),
    )
    const { code, lines, notices } = await run([`${server.url}/stream?token=t0ps3cret`]).closed
    expect(code).toBe(0)
    expect(lines).toEqual([
      'k3v9-1 execution_complete {"status":"error"}',
      'k3v9-2 agent:error {"code":"slow","fatal":false}',
      'k3v9-3 agent:complete {"result":{}}',
    ])
    expect(notices).toEqual([`* connecting to ${server.url}/stream`, '* connected', '* complete'])
    expect(server.requests).toHaveLength(1)
  })

  it('has failed with a fatal agent:error: exit code 1', async () => {
    const server = await serve((_, response) =>
      openStream(response).end(opening() + event('agent:error', 1, { code: 'x', message: 'no', fatal: true })),
    )
    const { code, lines, notices } = await run([server.url]).closed
    expect(code).toBe(1)
    expect(lines).toHaveLength(1)
    expect(notices.at(-1)).toBe('* the run failed')
  })

  it('is held to its contract with --events agent: data that is not JSON gives exit code 3', async () => {
    const broken = 'event: agent:chunk\nid: k3v9-2\ndata: {\n\n'
    const server = await serve((_, response) =>
      openStream(response).end(opening() + event('agent:status', 1, {}) + broken + event('agent:complete', 3, {})),
    )
    expect((await run([server.url]).closed).code).toBe(0)
    const { code, lines, notices } = await run([server.url, '--events', 'agent']).closed
    expect([code, lines.length]).toEqual([3, 1])
    expect(notices.at(-1)).toMatch(/agent:chunk.*; to go on: the same command with --last-event-id=k3v9-1$/)
  })

  it('goes on after a drop that follows its execution_complete', async () => {
    const server = await serve((request, response) => {
      if (request.headers['last-event-id'] === 'k3v9-1') {
        openStream(response).end(opening('k3v9-1') + event('agent:complete', 2, {}))
      } else openStream(response).end(opening() + event('execution_complete', 1, { status: 'error' }))
    })
    const { code, lines } = await run([server.url]).closed
    expect(code).toBe(0)
    expect(lines.map((line) => line.split(' ')[1])).toEqual(['execution_complete', 'agent:complete'])
  })
})

describe("a workflow's stream", () => {
  it.each([
    ['success', 0],
    ['error', 1],
    ['cancelled', 1],
    ['timeout', 1],
  ])(
    'that ends with execution_complete of status %s gives exit code %i, as soon as 204 confirms the end',
    async (status, expected) => {
      const server = await serve((request, response) => {
        if (request.headers['last-event-id'] === 'k3v9-2') response.writeHead(204).end()
        else {
          const body = opening() + event('execution_start', 1, {}) + event('execution_complete', 2, { status })
          openStream(response).end(body)
        }
      })
      const { code, lines, notices } = await run([server.url]).closed
      expect(code).toBe(expected)
      expect(lines).toHaveLength(2)
      expect(notices.slice(2)).toEqual([
        '* the response ended: asking whether the stream has',
        '* connecting again',
        expected === 0 ? '* complete' : '* the run failed',
      ])
      expect(server.requests).toHaveLength(2)
    },
  )

  it.each([
    ['no event', 1],
    ['another execution_complete', Infinity],
  ])('is asked about without a pause only once, where each later connection brings %s and ends', async (_, events) => {
    const server = await serve((_, response, count) => {
      const body = count > events ? '' : event('execution_complete', count, {})
      openStream(response).end(opening(`k3v9-${count - 1}`) + body)
    })
    const { child, shows, closed } = run([server.url])
    await shows('stderr', /next try in \d+/)
    child.kill('SIGINT')
    await closed
    expect(server.requests).toHaveLength(2)
  })

  it('is asked about only when its response has ended: after a connection that broke comes the usual wait', async () => {
    const server = await serve((_, response) => {
      const body = opening() + event('execution_complete', 1, { status: 'success' })
      openStream(response).write(body, () => response.socket?.destroy())
    })
    const { child, shows, closed } = run([server.url])
    await shows('stderr', /connection lost: .+; next try in \d+/)
    child.kill('SIGINT')
    await closed
    expect(server.requests).toHaveLength(1)
  })

  it('needs no confirmation with --events execution', async () => {
    const server = await serve((_, response) =>
      openStream(response).end(opening() + event('execution_complete', 1, { status: 'success' })),
    )
    expect((await run([server.url, '--events', 'execution']).closed).code).toBe(0)
    expect(server.requests).toHaveLength(1)
  })
})

describe("a stream of somebody else's", () => {
  const foreign = 'retry: 0\n\nevent: order\nid: order-17\ndata: plain text\n\nevent: done\nid: order-19\ndata: [1]\n\n'

  it('ends with status 204 only, and its ids are not taken for sequences', async () => {
    const server = await serve((request, response) => {
      if (request.headers['last-event-id'] === 'order-19') response.writeHead(204).end()
      else openStream(response).end(foreign)
    })
    const { code, lines, stderr } = await run([server.url]).closed
    expect(code).toBe(0)
    expect(lines).toEqual(['order-17 order plain text', 'order-19 done [1]'])
    expect(stderr).toContain('connection lost: the response ended, and the stream has not; next try in 0.0 s')
    expect(stderr).not.toContain('gap')
  })

  it.each([
    ['--terminal', 0],
    ['--failure', 1],
  ])('ends with a type that %s names: exit code %i', async (option, expected) => {
    const server = await serve((_, response) => openStream(response).end(foreign))
    const { code, lines } = await run([server.url, option, 'other', option, 'done']).closed
    expect(code).toBe(expected)
    expect(lines).toHaveLength(2)
    expect(server.requests).toHaveLength(1)
  })

  it.each([
    ['of a run that failed is no success, although --terminal names it', ['--terminal', 'execution_complete']],
    ['that both options name has failed', ['--terminal', 'execution_complete', '--failure', 'execution_complete']],
    ['that --failure names has failed, whatever it says', ['--failure', 'agent:complete']],
  ])('whose last event is one %s: exit code 1', async (_, words) => {
    const type = words.at(-1)!
    const status = words.length === 2 ? 'error' : 'success'
    const server = await serve((_, response) => openStream(response).end(opening() + event(type, 1, { status })))
    expect((await run([server.url, ...words]).closed).code).toBe(1)
    expect(server.requests).toHaveLength(1)
  })

  it('may use names of our vocabularies for other things, with --events none', async () => {
    const server = await serve((request, response) => {
      if (request.headers['last-event-id']) response.writeHead(204).end()
      else openStream(response).end(`retry: 0\n\n${event('agent:error', 1, { fatal: true })}`)
    })
    expect((await run([server.url, '--events', 'none']).closed).code).toBe(0)
  })

  it('that had ended before is complete', async () => {
    const server = await serve((_, response) => response.writeHead(204).end())
    const { code, stdout } = await run([server.url, '--last-event-id', 'k3v9-7']).closed
    expect([code, stdout]).toEqual([0, ''])
    expect(server.requests[0]?.headers['last-event-id']).toBe('k3v9-7')
  })
})

describe('pages of JSON', () => {
  /** One event a page; the answer to a request that prefers a stream, if the server has one. */
  const paged = (terminal: object, streams = false) =>
    serve((request, response) => {
      if (streams && request.headers.accept === 'text/event-stream') {
        openStream(response).end(opening() + event('agent:complete', 1, {}))
        return
      }
      const isFirst = request.headers['last-event-id'] === undefined
      const entry = isFirst ? { id: 'k3v9-1', type: 'tick', data: { n: 1 } } : { id: 'k3v9-2', ...terminal }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ events: [entry], lastEventId: entry.id, done: !isFirst }))
    })

  it('are asked for with --transport poll, and end with the one that says so', async () => {
    const server = await paged({ type: 'agent:complete', data: {} }, true)
    const { code, lines, stderr } = await run([server.url, '--transport', 'poll']).closed
    expect(code).toBe(0)
    expect(lines).toEqual(['k3v9-1 tick {"n":1}', 'k3v9-2 agent:complete {}'])
    expect(stderr).not.toContain('instead')
    expect((await run([server.url, '--transport', 'sse']).closed).lines).toEqual(['k3v9-1 agent:complete {}'])
  })

  it('are read where the server has nothing else, which is told; the last event says whether the run failed', async () => {
    const server = await paged({ type: 'execution_complete', data: { status: 'timeout' } })
    const { code, lines, notices } = await run([server.url]).closed
    expect(code).toBe(1)
    expect(lines).toHaveLength(2)
    expect(notices).toContain('* no stream gets through: reading pages of JSON instead')
  })
})
