import { expect, it, onTestFinished } from 'vitest'
import { MemoryEventLog } from '../../src/index.js'
import { createSse, isType, Reader } from '../harness.js'
import { serve, until } from './harness.js'

it('any number of readers of a stream, of both kinds, is one subscription to the log, and none once they are gone', async () => {
  const calls: string[] = []
  class Log extends MemoryEventLog {
    override subscribe(streamId: string, wake: () => void): () => void {
      calls.push(`+${streamId}`)
      const leave = super.subscribe(streamId, wake)
      return () => {
        calls.push(`-${streamId}`)
        leave()
      }
    }
  }
  const log = new Log()
  onTestFinished(() => log.close())
  const sse = createSse({ log })
  await Promise.all(['a', 'b'].map((id) => sse.open(id)))
  const { port } = await serve(sse.middleware())
  const abort = new AbortController()
  const ask = (id: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/${id}`, { headers, signal: abort.signal })
  await Promise.all(
    Array.from({ length: 60 }, async (_, n) => new Reader(await ask(n % 2 ? 'a' : 'b')).until(isType('heartbeat'))),
  )
  for (let n = 0; n < 20; n++) ask('a', { Accept: 'application/json', Prefer: 'wait=60' }).catch(() => {})
  await until('all are connected', () => sse.metrics().connections === 80)
  expect(calls.sort()).toEqual(['+a', '+b'])
  abort.abort()
  await until('all are gone', () => sse.metrics().connections === 0)
  expect(calls.sort()).toEqual(['+a', '+b', '-a', '-b'])
})
