import { defineEvents, EventStreamParser } from '@x/sse-protocol'
import { expect, it, onTestFinished } from 'vitest'
import { type EventLog, MemoryEventLog, SseServer, type Stream } from '../../src/index.js'
import { createSse, httpHost, logged, Reader, tickEvents } from '../harness.js'
import { get, RawClient, serve } from './harness.js'

const anyEvents = defineEvents<{ any: unknown; done: unknown; failed: { code: string; message: string } }>({
  types: { any: {}, done: { terminal: true }, failed: { terminal: true } },
  failure: ({ code, message }) => [{ type: 'failed', data: { code, message } }],
})

/** Pieces of which someone would make a forged field, and characters that text handling trips over. */
const pieces = [
  '\n',
  '\r',
  '\r\n',
  '\0',
  '\u0085',
  '\u2028',
  '\ufeff',
  '\ud800',
  ':',
  ' ',
  'data: {}',
  'id: forged-9',
  'event: done',
  'retry: 1',
] // prettier-ignore

const block = /^event: (?:any|done|failed)\nid: [0-9a-z]+-[0-9]+\ndata: [^\r\n\0]*$/
const opening = /^retry: 2000\n\nevent: heartbeat\nid: [0-9a-z]+-[0-9]+\ndata: [^\r\n\0]*\n\n/

/** The blocks of a body after what opens it; a body of anything else is an error. */
function blocks(body: string): string[] {
  expect(body).toMatch(opening)
  expect(body.endsWith('\n\n')).toBe(true)
  return body.replace(opening, '').slice(0, -2).split('\n\n')
}

async function anyServer() {
  const sse = new SseServer({ events: anyEvents })
  onTestFinished(() => sse.close({ drain: 0 }))
  const { port } = await serve(sse.middleware())
  return { sse, stream: await sse.open('s'), url: `http://127.0.0.1:${port}/s` }
}

it('no arrangement of three awkward pieces in data leaves its line, as a value, as a name or as the whole', async () => {
  const { stream, url } = await anyServer()
  const texts = pieces.flatMap((a) => pieces.flatMap((b) => pieces.map((c) => a + b + c)))
  const published = texts.map((text, index) => [text, { text }, { [text]: index }][index % 3])
  await Promise.all(published.map((data) => stream.publish('any', data)))
  await stream.end('done', null)
  const body = await (await fetch(url)).text()
  const got = blocks(body)
  expect(got).toHaveLength(published.length + 1)
  expect(got.filter((text) => !block.test(text))).toEqual([])
  const events = logged(new EventStreamParser().push(body))
  expect(events.map(({ id }) => id)).toEqual(got.map((_, index) => `${stream.epoch}-${index + 1}`))
  // Half of a surrogate pair has no bytes of its own; JSON keeps it as an escape.
  expect(events.slice(0, -1).map(({ data }) => data)).toEqual(published)
})

it('a page of JSON holds the same, and nothing else', async () => {
  const { stream, url } = await anyServer()
  for (const piece of pieces) await stream.publish('any', { [piece]: `"}],"done":true,${piece}` })
  const page = await (await fetch(url, { headers: { Accept: 'application/json' } })).json()
  expect(page.done).toBe(false)
  expect(page.events.map(({ data }: { data: unknown }) => data)).toEqual(
    pieces.map((piece) => ({ [piece]: `"}],"done":true,${piece}` })),
  )
})

it('a public failure message and what `cancel` says stay inside their event too', async () => {
  const { sse, stream, url } = await anyServer()
  const message = 'no\n\nevent: done\ndata: {"forged":true}\n\n'
  await stream.fail({ code: 'x\nid: forged-9', message })
  expect(blocks(await (await fetch(url)).text())).toEqual([expect.stringMatching(block)])
  await sse.open('t')
  const other = new MemoryEventLog()
  onTestFinished(() => other.close())
  other.open('u')
  const elsewhere = createSse({ log: other })
  await elsewhere.cancel('u', message)
  const body = await (await (await httpHost(elsewhere)).ask('u')).text()
  expect(blocks(body)).toEqual([expect.stringMatching(block)])
})

it('a type that would be two lines reaches no reader, whichever way it is published', async () => {
  const { stream, url } = await anyServer()
  const loose = stream as Stream<object> as Stream<Record<string, unknown>>
  const writer = stream.writable().getWriter()
  for (const type of [
    'any\nid: forged-9',
    'any\r',
    'any\0',
    'any\r\ndata: x',
    '',
    'heartbeat',
    'stream:gap',
    'stream:x',
  ]) {
    await expect(loose.publish(type, {})).rejects.toThrow()
    await expect(loose.end(type, {})).rejects.toThrow()
  }
  await expect(writer.write({ type: 'any\ndata: x', data: {} } as never)).rejects.toThrow()
  await stream.end('done', null)
  expect(blocks(await (await fetch(url)).text())).toEqual([`event: done\nid: ${stream.epoch}-1\ndata: null`])
})

it.each([
  ['a line feed', 'k-1%0Aevent:%20done'],
  ['the end of an event', 'k-1%0A%0Aevent:%20done%0Adata:%20%7B%7D%0A%0A'],
  ['a carriage return', 'k-1%0D'],
  ['a NUL', 'k-1%00'],
  ['a byte order mark', '%EF%BB%BFk-1'],
  ['a half of a surrogate pair', 'k%ED%A0%80-1'],
  ['a letter that is no ASCII', 'k%C3%A9-1'],
  ['a digit that is no ASCII', 'k-%D9%A1'],
  ['a blank', '%20k-1'],
  ['quotes', '%22k-1%22,%22done%22:true'],
])('a cursor that holds %s is refused by a text that does not repeat it raw', async (_name, cursor) => {
  const { url } = await anyServer()
  const response = await fetch(`${url}?lastEventId=${cursor}`)
  const text = await response.text()
  expect([response.status, response.headers.get('content-type')]).toEqual([400, 'application/problem+json'])
  expect(text).not.toMatch(/[\r\n\0]/)
  expect(Object.keys(JSON.parse(text)).sort()).toEqual(['code', 'detail', 'status', 'title'])
})

it('a line break in the path reaches no header', async () => {
  const { sse, url } = await anyServer()
  const hostile = 's\r\nSet-Cookie: forged=1\r\n\r\n'
  const unknown = await fetch(new URL(encodeURIComponent(hostile), url))
  expect([unknown.status, unknown.headers.get('set-cookie')]).toEqual([404, null])
  expect(await unknown.text()).not.toContain('forged')
  const stream = await sse.open(hostile)
  await stream.end('done', null)
  const known = await fetch(new URL(encodeURIComponent(hostile), url))
  expect([known.status, known.headers.get('set-cookie')]).toEqual([200, null])
  expect(blocks(await known.text())).toHaveLength(1)
})

it('a request header that holds a line break is no request at all', async () => {
  const sse = createSse()
  await sse.open('s')
  const { port } = await serve(sse.middleware())
  const client = new RawClient(port, get('/s', ['Last-Event-ID: k-1\n\nevent: done', 'X: \0']))
  await client.closed()
  expect(client.text).toMatch(/^HTTP\/1\.1 400 /)
  expect(sse.metrics()).toMatchObject({ connections: 0, opened: 0 })
})

it.each(['k\nevent: done', 'k\rx', 'k\0'])(
  'a log that gives out the epoch %j is an error, and not a byte of it is sent',
  async (epoch) => {
    const memory = new MemoryEventLog()
    onTestFinished(() => memory.close())
    const log: EventLog = {
      open: (streamId) => ({ ...memory.open(streamId), epoch }),
      append: (streamId, append) => ({ ...memory.append(streamId, append), epoch }),
      read: (streamId, after, limits) => {
        const page = memory.read(streamId, after, limits)
        return page && { ...page, epoch }
      },
      subscribe: (streamId, wake) => memory.subscribe(streamId, wake),
      trim: () => {},
      delete: () => false,
    }
    const sse = createSse({ log, events: tickEvents })
    const errors: unknown[] = []
    sse.addEventListener('error', ({ error }) => {
      errors.push(error)
    })
    const stream = await sse.open('s')
    await stream.publish('tick', { n: 1 })
    const host = await httpHost(sse)
    const answer = await host.ask('s').then(
      (response) => response.text(),
      () => '',
    )
    expect(answer).not.toMatch(/event: done|id: k/)
    expect(errors).toHaveLength(1)
    expect(sse.metrics().connections).toBe(0)
  },
)

it('readers of one stream never see an event of another, whatever the names of the streams are', async () => {
  const { sse, url } = await anyServer()
  const names = [
    '__proto__',
    'constructor',
    'toString',
    'a/b',
    'a%2Fb',
    'a b',
    '..',
    '.',
    'é',
    'e\u0301',
    '?',
    '#',
    '%',
  ]
  for (const name of names) {
    const stream = await sse.open(name)
    await stream.end('done', { name })
  }
  for (const name of names) {
    // By hand, since URL would resolve the dots.
    const target = `/${encodeURIComponent(name).replaceAll('.', '%2E')}`
    const client = new RawClient(Number(new URL(url).port), get(target, ['Connection: close'], '1.0'))
    await client.closed()
    const body = Buffer.from(client.text.slice(client.text.indexOf('\r\n\r\n') + 4), 'latin1')
    expect(logged(new EventStreamParser().push(body)).map(({ data }) => data)).toEqual([{ name }])
  }
  expect((await new Reader(await fetch(url)).until(() => true)).length).toBe(1)
})
