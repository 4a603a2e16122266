import { expect, it } from 'vitest'
import { createSse } from '../harness.js'
import { get, liveMemory, RawClient, serve } from './harness.js'

const million = 1_000_000

const cursors: [name: string, cursor: string][] = [
  ['one long word', 'k'.repeat(million)],
  ['a sequence of a million digits', `k-${'9'.repeat(million)}`],
  ['an epoch of a million digits', `${'0'.repeat(million)}-1`],
  ['nothing but dashes', '-'.repeat(million)],
  ['half a million event ids', 'k-1,'.repeat(million / 4)],
  ['blanks around an event id', `k-1${' '.repeat(million)}x`],
  ['percent signs', '%'.repeat(million)],
]

/** A server that lets node:http take requests with headers of some megabytes. */
async function generous() {
  const sse = createSse({ maxConnections: 1 })
  const stream = await sse.open('s')
  await stream.publish('tick', { n: 1 })
  const { port } = await serve(sse.middleware(), { maxHeaderSize: 4 * 2 ** 20 })
  const ask = async (request: string): Promise<string> => {
    const client = new RawClient(port, request)
    await client.closed()
    return client.text
  }
  return { sse, ask, port }
}

it.each(cursors)('a cursor of 1 MB is refused in a few bytes, header or query: %s', async (_name, cursor) => {
  const { sse, ask } = await generous()
  for (const request of [
    get('/s', ['Connection: close', `Last-Event-ID: ${cursor}`]),
    get(`/s?lastEventId=${cursor.replaceAll(' ', '+')}`, ['Connection: close']),
  ]) {
    const answer = await ask(request)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('"code":"malformed_cursor"')
    expect(answer.length).toBeLessThan(700)
  }
  expect(sse.metrics()).toMatchObject({ connections: 0, opened: 0 })
})

it('a million bytes that are no cursor do not hide the one that is', async () => {
  const { ask } = await generous()
  const filler = `?x=${'y'.repeat(million)}&lastEventId=k-1&z=${'&'.repeat(million)}`
  const page = ['Connection: close', 'Accept: application/json']
  expect(await ask(get(`/s${filler}`, page))).toContain('"requested":"k-1"')
  // The header counts, so the query is not even looked at.
  expect(await ask(get(`/s?lastEventId=${'x'.repeat(million)}`, [...page, 'Last-Event-ID: k-2']))).toContain('k-2')
})

it('a cursor that is sent twice is no cursor', async () => {
  const { ask } = await generous()
  const twice = await ask(get('/s', ['Connection: close', 'Last-Event-ID: k-1', 'Last-Event-ID: k-2']))
  expect(twice).toMatch(/^HTTP\/1\.1 400 /)
  const query = await ask(get('/s?lastEventId=k-1&lastEventId=k-2', ['Connection: close', 'Accept: application/json']))
  expect(query).toContain('"requested":"k-1"')
})

it.each([
  ['the path', get(`/${'s'.repeat(million)}`, ['Connection: close']), 404],
  ['the path, in escapes', get(`/${'%73'.repeat(million / 3)}`, ['Connection: close']), 404],
  ['slashes', get('/'.repeat(million), ['Connection: close']), 404],
  ['`Accept`, as ranges', get('/s', ['Connection: close', `Accept: ${'a/b;q=0.1,'.repeat(million / 10)}c/d`]), 406],
  ['`Accept`, as parameters', get('/s', ['Connection: close', `Accept: text/html${';q=1'.repeat(million / 4)}`]), 406],
  ['`Accept`, as commas', get('/s', ['Connection: close', `Accept: x/y${','.repeat(million)}`]), 406],
  ['`Origin`', get('/none', ['Connection: close', `Origin: ${'o'.repeat(million)}`]), 404],
])('1 MB in %s is answered too', async (_name, request, status) => {
  const { ask } = await generous()
  const answer = await ask(request)
  expect(Number(answer.slice(9, 12))).toBe(status)
  expect(answer.length).toBeLessThan(1_000)
})

it('1 MB in `Prefer` is a long poll or none', async () => {
  const { sse, ask } = await generous()
  const page = ['Connection: close', 'Accept: application/json']
  for (const prefer of [
    'wait='.repeat(million / 5),
    `wait=${'9'.repeat(million)}`,
    `${'x,'.repeat(million / 2)}wait=1`,
  ]) {
    expect(await ask(get('/s', [...page, `Prefer: ${prefer}`]))).toMatch(/^HTTP\/1\.1 200 /)
  }
  expect(sse.metrics().connections).toBe(0)
})

it('fifty of them at once leave no memory behind', async () => {
  const { ask } = await generous()
  const storm = (): Promise<string[]> =>
    Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        ask(get('/s', ['Connection: close', `Last-Event-ID: ${cursors[n % 7]![1]}`])),
      ),
    )
  await storm()
  const before = await liveMemory()
  expect((await storm()).filter((answer) => !answer.startsWith('HTTP/1.1 400 '))).toEqual([])
  expect((await liveMemory()) - before).toBeLessThan(2 * million)
})

it('with the limit that node:http has by itself a cursor of 1 MB is a 431, which no handler sees', async () => {
  const sse = createSse()
  await sse.open('s')
  let asked = 0
  const middleware = sse.middleware()
  const { port } = await serve((request, response) => {
    asked += 1
    middleware(request, response)
  })
  const client = new RawClient(port, get('/s', [`Last-Event-ID: ${'k'.repeat(million)}`]))
  await client.closed()
  expect([client.text.slice(0, 13), asked]).toEqual(['HTTP/1.1 431 ', 0])
})
