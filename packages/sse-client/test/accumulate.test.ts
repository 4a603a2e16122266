import { agentEvents, encodeEvent } from '@x/sse-protocol'
import { expect, it, onTestFinished } from 'vitest'
import { accumulate, EventStreamClient, type TextStore } from '../src/index.js'
import { answers, eventStream, opening } from './reading.js'
import { catchReported } from './reported.js'
import { settle } from './virtual-clock.js'

const timestamp = '2025-01-01T00:00:00.000Z'
const event = (sequence: number, type: string, data: object, epoch = 'k'): string =>
  encodeEvent({ type, id: `${epoch}-${sequence}`, data: JSON.stringify({ ...data, timestamp }) })
const chunk = (sequence: number, text: string, offset: number, epoch?: string): string =>
  event(sequence, 'agent:chunk', { text, index: sequence - 1, offset }, epoch)

async function accumulated(body: string): Promise<{ store: TextStore; texts: string[] }> {
  const client = new EventStreamClient('http://127.0.0.1/', {
    events: agentEvents,
    fetch: answers(() => eventStream(body)).fetch,
  })
  onTestFinished(() => client.close())
  const store = accumulate(client)
  const texts: string[] = []
  store.subscribe(() => texts.push(store.getSnapshot()))
  await settle()
  return { store, texts }
}

it('§8.2 the text of agent:chunk in order, told after each change', async () => {
  const { store, texts } = await accumulated(opening('k-0') + chunk(1, 'Hel', 0) + chunk(2, 'lo', 3))
  expect(texts).toEqual(['Hel', 'Hello'])
  expect([store.getSnapshot(), store.isWhole()]).toEqual(['Hello', true])
})

it('§8.2 a smaller offset takes back what was said from there on', async () => {
  const { texts } = await accumulated(opening('k-0') + chunk(1, 'Hullo', 0) + chunk(2, 'ello', 1))
  expect(texts).toEqual(['Hullo', 'Hello'])
})

it('§8.2 an offset beyond the text means that a part is missing', async () => {
  const { store } = await accumulated(opening('k-0') + chunk(1, 'Hel', 0) + chunk(3, 'world', 6))
  expect([store.getSnapshot(), store.isWhole()]).toEqual(['Helworld', false])
})

it('§8.2 what is written again from before a missing part makes the text whole', async () => {
  const { store } = await accumulated(opening('k-0') + chunk(1, 'ab', 0) + chunk(2, 'x', 5) + chunk(3, 'hello', 0))
  expect([store.getSnapshot(), store.isWhole()]).toEqual(['hello', true])
  const later = await accumulated(opening('k-0') + chunk(1, 'ab', 0) + chunk(2, 'xyz', 5) + chunk(3, 'w', 4))
  expect(later.store.isWhole()).toBe(false)
})

it('§5.3 a gap after which a reader discards its state begins a new text', async () => {
  const { store, texts } = await accumulated(opening('k-0') + chunk(1, 'old', 9) + chunk(1, 'new', 0, 'z'))
  expect(texts).toEqual(['old', '', 'new'])
  expect(store.isWhole()).toBe(true)
})

it('whatever a server sends as a chunk, the text stays a text', async () => {
  const body = ['null', '5', '{}', '{"text":1,"offset":0}', '{"text":"!","offset":-1}', '{"text":"?"}']
    .map((data, n) => `event: agent:chunk\nid: k-${n + 2}\ndata: ${data}\n\n`)
    .join('')
  const { store } = await accumulated(opening('k-0') + chunk(1, 'Hello', 0) + body)
  expect([store.getSnapshot(), store.isWhole()]).toEqual(['!?', false])
})

it('a subscriber that left hears nothing, and one that throws is reported and hurts no other', async () => {
  const reported = catchReported()
  const client = new EventStreamClient('http://127.0.0.1/', {
    fetch: answers(() => eventStream(chunk(1, 'a', 0))).fetch,
  })
  onTestFinished(() => client.close())
  const store = accumulate(client)
  const fault = new Error('of the subscriber')
  let calls = 0
  store.subscribe(() => {
    throw fault
  })
  store.subscribe(() => (calls += 1))
  store.subscribe(() => (calls += 100))()
  await settle()
  expect([calls, reported]).toEqual([1, [fault]])
})
