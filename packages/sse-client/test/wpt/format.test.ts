import { expect, it } from 'vitest'
import { serve } from '../http-server.js'
import { read } from '../reading.js'
import { receive, waitAfter } from './receive.js'

it('eventsource/event-data.any.js: lines of data are joined, a line without a colon is a field without a value', async () => {
  const { texts } = await receive(
    'data:msg\ndata: msg\n\n:\nfalsefield:msg\n\nfalsefield:msg\nData:data\n\ndata\n\ndata:end\n\n',
  )
  expect(texts).toEqual(['msg\nmsg', '', 'end'])
})

it('eventsource/format-bom.any.js: one BOM before the stream is dropped, a later one belongs to its line', async () => {
  const { texts } = await receive('\ufeffdata:1\n\n\ufeffdata:2\n\ndata:3\n\n')
  expect(texts).toEqual(['1', '3'])
})

it('eventsource/format-bom-2.any.js: of two BOMs the second belongs to the first line', async () => {
  const { texts } = await receive('\ufeff\ufeffdata:1\n\ndata:2\n\ndata:3\n\n')
  expect(texts).toEqual(['2', '3'])
})

it('eventsource/format-comments.any.js: comments are skipped, whatever is in them and however they end', async () => {
  const long = 'x'.repeat(2_048)
  const { texts } = await receive(`data:1\r:\0\n:\r\ndata:2\n:${long}\rdata:3\n:data:fail\r:${long}\ndata:4\n\n`)
  expect(texts).toEqual(['1\n2\n3\n4'])
})

it('eventsource/format-data-before-final-empty-line.any.js: what has no empty line after it is dropped, its id too', async () => {
  const body = 'retry:1\ndata:test1\n\nid:test\ndata:test2'
  const { events, cursors } = await receive([body, body])
  expect(events).toEqual([
    { type: 'message', data: 'test1', id: '' },
    { type: 'message', data: 'test1', id: '' },
  ])
  expect(cursors).toEqual([undefined, undefined, undefined])
})

it('eventsource/format-field-data.any.js: data without a value is an empty line', async () => {
  const { texts } = await receive('data:\n\ndata\ndata\n\ndata:test\n\n')
  expect(texts).toEqual(['', '\n', 'test'])
})

it('eventsource/format-field-event-empty.any.js: an event with an empty name is a message', async () => {
  const { events } = await receive('event: \ndata:data\n\n')
  expect(events).toMatchObject([{ type: 'message', data: 'data' }])
})

it('eventsource/format-field-event.any.js: a name holds for its event and for no later one', async () => {
  const { events } = await receive('event:test\ndata:x\n\ndata:x\n\n')
  expect(events.map(({ type }) => type)).toEqual(['test', 'message'])
})

it('eventsource/format-field-id.any.js: the last id is sent with the next request, as UTF-8', async () => {
  const { events, cursors } = await receive(['id: …\nretry: 1\ndata: hello\n\n', 'data: again\n\n'])
  expect(events.map(({ id }) => id)).toEqual(['…', '…'])
  expect(cursors.slice(0, 2)).toEqual([undefined, '…'])
})

it('eventsource/format-field-id-2.any.js: the last id stays over connections that bring none', async () => {
  const { events, cursors } = await receive(['id: …\nretry: 1\ndata: hello\n\n', 'data: 2nd\n\n', 'data: 3rd\n\n'])
  expect(events.map(({ id }) => id)).toEqual(['…', '…', '…'])
  expect(cursors).toEqual([undefined, '…', '…', '…'])
})

it('eventsource/format-field-id-3.window.js: the last id persists until another one, and an empty one resets it', async () => {
  const ids = async (body: string): Promise<string[]> => (await receive(body)).events.map(({ id }) => id)
  expect(await ids('id: 1\ndata: 1\n\ndata: 2\n\nid: 2\ndata:3\n\ndata:4\n\n')).toEqual(['1', '1', '2', '2'])
  expect(await ids('id: 1\ndata: 1\n\nid:\ndata:2\n\ndata:3\n\n')).toEqual(['1', '', ''])
  expect(await ids('id: 1\ndata: 1\n\nid\ndata:2\n\ndata:3\n\n')).toEqual(['1', '', ''])
})

it.each(['\0\0', 'x\0', '\0x', 'x\0x', ' \0'])(
  'eventsource/format-field-id-null.window.js: an id with a NUL is ignored: %j',
  async (id) => {
    const body = `id: ${id}\nretry: 1\ndata: hello\n\n`
    const { events, cursors } = await receive([body, body])
    expect(events.map(({ id }) => id)).toEqual(['', ''])
    expect(cursors).toEqual([undefined, undefined, undefined])
  },
)

it('eventsource/format-field-parsing.any.js: names are compared as they are, one leading space of a value is dropped', async () => {
  const { texts } = await receive(
    'data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n',
  )
  expect(texts).toEqual(['\0\n 2\n1\n3\n\n4'])
})

it('eventsource/format-field-retry.any.js: the reconnection time is a decimal number, also with a leading zero', async () => {
  expect(await waitAfter('retry:03000\ndata:x\n\n')).toBe(3_000)
})

it.each([
  ['format-field-retry-bogus.any.js', 'retry:3000\nretry:1000x\n', 3_000],
  ['format-field-retry-bogus-2.any.js', 'retry:1000\nretry:5000x\n', 1_000],
])('eventsource/%s: a reconnection time that is no number is ignored', async (_, fields, expected) => {
  expect(await waitAfter(`${fields}data:x\n\n`)).toBe(expected)
})

it('eventsource/format-field-retry-empty.any.js: `retry` without a value changes nothing', async () => {
  expect(await waitAfter('retry\ndata:test\n\n')).toBe(2_000)
  expect((await receive('retry\ndata:test\n\n')).texts).toEqual(['test'])
})

it('eventsource/format-field-unknown.any.js: unknown fields and lines that are none are skipped', async () => {
  const { texts } = await receive('data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n')
  expect(texts).toEqual(['test\n\ntest'])
})

it('eventsource/format-leading-space.any.js: one space goes, a tab stays', async () => {
  const { texts } = await receive('data:\ttest\rdata: \ndata:test\n\n')
  expect(texts).toEqual(['\ttest\n\ntest'])
})

it.each([
  ['format-mime-bogus.any.js', 'x bogus'],
  ['format-mime-valid-bogus.any.js', 'text/x-bogus'],
])('eventsource/%s: a body of another type is not read, and not asked for again', async (_, type) => {
  const server = await serve((_, response) => {
    response.writeHead(200, { 'content-type': type }).end('data: data\n\n')
  })
  const { client, log } = read(server.url)
  await expect(client.done).rejects.toMatchObject({ code: 'rejected', status: 200 })
  expect(log).toEqual(['connecting', 'ended', 'end rejected'])
  expect(server.requests).toHaveLength(1)
})

it('eventsource/format-mime-trailing-semicolon.any.js: a semicolon after the type does no harm', async () => {
  const { texts } = await receive('data: data\n\n', { headers: { 'content-type': 'text/event-stream;' } })
  expect(texts).toEqual(['data'])
})

it('eventsource/format-newlines.any.js: CR LF is one end of a line, CR and LF are one each', async () => {
  const { texts } = await receive('data:test\r\ndata\ndata:test\r\n\r')
  expect(texts).toEqual(['test\n\ntest'])
})

it('eventsource/format-null-character.any.js: a NUL in data is data', async () => {
  const { texts, waits } = await receive('data:\0\n\n')
  expect(texts).toEqual(['\0'])
  expect(waits.map(({ drop }) => drop?.reason)).toEqual(['end'])
})

it('eventsource/format-utf-8.any.js: a stream is UTF-8, whatever its type says', async () => {
  const { texts } = await receive('data:ok…\n\n', {
    headers: { 'content-type': 'text/event-stream;charset=windows-1252' },
  })
  expect(texts).toEqual(['ok…'])
})
