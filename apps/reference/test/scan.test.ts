import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { collect, eventsOf, readToEnd, startServer, startSession } from './reference-server.js'

const scanRoot = mkdtempSync(join(tmpdir(), 'scan-'))
for (let i = 0; i < 40; i += 1)
  writeFileSync(join(scanRoot, `f${i}.ts`), `// TODO: improve ${i}\nexport const x = ${i}\n`)
writeFileSync(join(scanRoot, 'package.json'), '{"name":"sample","version":"1.0.0","license":"MIT"}')
afterAll(() => rmSync(scanRoot, { recursive: true }))

async function scan() {
  const { url } = await startServer({ scanRoot })
  const stream = await startSession(url, 'scanner', { path: '.' })
  return { url, stream, events: await readToEnd(stream) }
}

describe('a scan', () => {
  it('§4.4 opens with a heartbeat whose id is the cursor before the first event, and ends after the terminal event', async () => {
    const { url } = await startServer({ scanRoot })
    const response = await fetch(await startSession(url, 'scanner'))
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const events = await collect(eventsOf(response))
    expect(events[0]).toMatchObject({ type: 'heartbeat', id: expect.stringMatching(/-0$/) })
    expect(events.at(-1)?.type).toBe('agent:complete')
    expect(JSON.parse(events[0]!.data)).toMatchObject({ interval: 15_000 })
  })

  it('tells its phases, its tasks and its report in one stream, with contiguous ids', async () => {
    const { events } = await scan()
    const types = new Set(events.map(({ type }) => type))
    for (const type of [
      'agent:status',
      'execution_start',
      'task_start',
      'task_complete',
      'agent:chunk',
      'execution_complete',
    ]) {
      expect(types).toContain(type)
    }
    expect(events[0]?.type).toBe('agent:status')
    expect(events.map(({ id }) => Number(id?.split('-')[1]))).toEqual(events.map((_, index) => index + 1))
    for (const { data } of events)
      expect(new Date(JSON.parse(data).timestamp).toISOString()).toBe(JSON.parse(data).timestamp)
  })

  it('§8.2 writes its report while it works: the chunks are the report, the first comes before the last task ends', async () => {
    const { events } = await scan()
    const chunks = events.filter(({ type }) => type === 'agent:chunk').map(({ data }) => JSON.parse(data))
    const { result } = JSON.parse(events.at(-1)!.data)
    expect(chunks.map(({ text }) => text).join('')).toBe(result.report)
    expect(chunks.map(({ index }) => index)).toEqual(chunks.map((_, index) => index))
    expect(chunks.reduce((text, chunk) => text.slice(0, chunk.offset) + chunk.text, '')).toBe(result.report)
    const types = events.map(({ type }) => type)
    expect(types.indexOf('agent:chunk')).toBeLessThan(types.lastIndexOf('task_complete'))
  })

  it('§4.4 gives exactly the suffix for every Last-Event-ID, and 204 for the last', async () => {
    const { stream, events } = await scan()
    for (const [index, { id }] of events.slice(0, -1).entries()) {
      expect(await readToEnd(stream, { 'Last-Event-ID': id! })).toEqual(events.slice(index + 1))
    }
    const { status } = await fetch(stream, { headers: { 'Last-Event-ID': events.at(-1)!.id! } })
    expect(status).toBe(204)
  })

  it('§7 is one page of JSON where the request prefers it', async () => {
    const { stream, events } = await scan()
    const page = await (await fetch(stream, { headers: { Accept: 'application/json' } })).json()
    expect(page.events).toEqual(events.map(({ id, type, data }) => ({ id, type, data: JSON.parse(data) })))
    expect(page).toMatchObject({ done: true, lastEventId: events.at(-1)!.id, result: JSON.parse(events.at(-1)!.data) })
  })

  it('runs its own graph whatever MAX_TASKS says, which is for the graphs of clients', async () => {
    const { url } = await startServer({ scanRoot, maxTasks: 1 })
    expect((await readToEnd(await startSession(url, 'scanner'))).at(-1)?.type).toBe('agent:complete')
  })

  it('leaves its whole result at the session', async () => {
    const { url, stream, events } = await scan()
    const session = await (await fetch(stream.replace('/stream/', '/sessions/'))).json()
    expect(session).toMatchObject({
      state: 'completed',
      agent: 'scanner',
      result: JSON.parse(events.at(-1)!.data).result,
    })
    expect((await fetch(`${url}/api/v1/sessions/none`)).status).toBe(404)
  })
})
