import { expect, it } from 'vitest'
import { headerOf, negotiate, preferredType } from '../src/index.js'

const stream = 'text/event-stream'
const json = 'application/json'

const cases: [accept: string | undefined, byStream: string | undefined, byBatch: string | undefined][] = [
  [undefined, stream, json],
  ['', stream, json],
  ['*/*', stream, json],
  [stream, stream, stream],
  [json, json, json],
  ['TEXT/Event-Stream', stream, stream],
  [`${stream}, ${json}`, stream, stream],
  [`${json}, ${stream}`, stream, stream],
  [`${json}, ${stream};q=0.9`, json, json],
  [`${json};q=0.8, ${stream};q=0.9`, stream, stream],
  [`${json}, */*`, json, json],
  [`${json}, text/plain, */*`, json, json],
  [`${json};q=0.9, */*;q=0.1`, json, json],
  [`${json}, text/plain, */*;q=0.5`, json, json],
  [`${stream};q=0, */*`, json, json],
  [`*/*, ${stream};q=0`, json, json],
  [`*/*;q=0.2, ${stream};q=0.1, ${json};q=0.1`, stream, stream],
  [`text/*, ${stream};q=0.1, ${json};q=0.5`, json, json],
  [`${json};q=0, */*`, stream, stream],
  ['text/*', stream, stream],
  ['application/*', json, json],
  ['text/*;q=0.5, application/*', json, json],
  [`text/*;q=0, ${stream}`, stream, stream],
  ['text/html', undefined, undefined],
  ['*/*;q=0', undefined, undefined],
  [`${stream};q=0, ${json};q=0`, undefined, undefined],
  [`${stream};charset=utf-8;q=0.7, ${json};q=0.6`, stream, stream],
  [`${stream};q=2, ${json}`, json, json],
  [`${stream};q=x`, undefined, undefined],
  [' , ,', undefined, undefined],
]

it.each(cases)('§7.1 with `Accept: %s` the answer is %s, or %s where batch is the default', (accept, one, other) => {
  const request = { headers: accept === undefined ? {} : { accept } }
  const answers = { stream, batch: json }
  expect(negotiate(request, answers)).toBe(one)
  expect(negotiate(request, answers, { byDefault: 'batch' })).toBe(other)
})

it('`negotiate` reads a Request too', () => {
  const request = new Request('http://localhost/', { headers: { Accept: json } })
  expect(negotiate(request, { stream: 1, batch: 2 })).toBe(2)
})

it('`preferredType` keeps the given order on a tie', () => {
  expect(preferredType('*/*', [json, stream])).toBe(json)
  expect(preferredType('text/html, text/plain;q=0.9', ['text/plain', 'text/html'])).toBe('text/html')
  expect(preferredType('text/html', [])).toBe(undefined)
})

it('an `Accept` of very many ranges is read', () => {
  expect(preferredType('a/b;q=0.1,'.repeat(100_000), [stream])).toBe(undefined)
})

it('`headerOf` joins repeated headers, and takes any spelling', () => {
  expect(headerOf({ headers: { 'x-many': ['a', 'b'] } }, 'X-Many')).toBe('a, b')
  expect(headerOf(new Request('http://localhost/', { headers: { 'X-One': 'a' } }), 'x-one')).toBe('a')
  expect(headerOf({ headers: {} }, 'x-none')).toBe(undefined)
})
