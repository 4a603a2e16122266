import { expect, it } from 'vitest'
import { streamCorpus } from '../src/client/corpus.js'
import { type Reader, readers, type Take } from '../src/client/readers.js'
import { memorySource, reading } from '../src/client/reading.js'

const name = '200-byte JSON, 64 KiB chunks'
const honest = readers(true).eventsource!

/** Tells its reader's events otherwise. */
function dishonest(
  tell: (number: number, take: () => void, event: Parameters<Take>) => Parameters<Take> | undefined,
): Reader {
  return (source, take) => {
    let number = 0
    return honest(source, (...event) => {
      const told = tell(number++, () => take(...event), event)
      if (told) take(...told)
    })
  }
}

it.each<[string, Reader]>([
  ['loses an event', dishonest((number, _, event) => (number === 30 ? undefined : event))],
  [
    'tells one twice',
    dishonest((number, take, event) => {
      if (number === 30) take()
      return event
    }),
  ],
  ['alters an id', dishonest((number, _, [type, data, id]) => [type, data, number === 30 ? `${id}0` : id])],
  ['alters a text', dishonest((number, _, [type, data, id]) => [type, number === 30 ? { text: 'other' } : data, id])],
])('a reader is found out that %s, in the check and in each pass', async (_, reader) => {
  const workload = await reading(reader, name, memorySource)(0.001)
  await expect(Promise.resolve(workload.check())).rejects.toThrow('Expected')
  expect(await workload.pass()).not.toBe(workload.expected)
})

it('the stream has contiguous ids after its opening heartbeat, and 200 bytes of data in each event', () => {
  const { events, chunks } = streamCorpus(name, 0.001)
  const text = Buffer.concat(chunks).toString()
  expect(text).toMatch(/^retry: 2000\n\nevent: heartbeat\nid: k3v9x2m1-0\n/)
  expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => `k3v9x2m1-${index + 1}`))
  for (const { data } of events.slice(0, -1)) expect(data).toHaveLength(200)
})
